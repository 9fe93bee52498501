// Package php tests the example beside it with the PHP that is installed.
package php

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/exechandler"
	"github.com/asyncqueue/operator/worker/payload"
	"github.com/asyncqueue/operator/worker/workertest"
)

func TestJob(t *testing.T) {
	if _, err := exec.LookPath("php"); err != nil {
		// `make unit` brings PHP; a bare `go test ./...` need not have it.
		t.Skip("php is not installed (php-cli): the example cannot be run")
	}
	var out bytes.Buffer
	h, err := exechandler.New(exechandler.Config{Command: []string{"php", "job.php"}, Output: &out})
	if err != nil {
		t.Fatal(err)
	}
	hyperf, err := payload.NewHyperf(payload.HyperfJob{Class: `App\Job\SendMail`, UniqueID: "u", Params: payload.Map{{Key: "to", Value: "php@example.com"}}})
	if err != nil {
		t.Fatal(err)
	}
	byHyperf, err := os.ReadFile("../../internal/phpserialize/testdata/hyperf/valid/f1_demo_scalars.bin")
	if err != nil {
		t.Fatal(err)
	}
	event := func(jobType, to string) *worker.Job {
		return workertest.NewJob(t, jobType, map[string]string{"to": to})
	}
	for name, test := range map[string]struct {
		job              *worker.Job
		wantAction, says string
	}{
		"by Hyperf 2.2":  {workertest.Decode(t, byHyperf), "ack", `DemoJob with {"zero":0,"one":1,"neg":-1,"max":9223372036854775807,`},
		"an event":       {event("mail.send", "ada@example.com"), "ack", "sent to ada@example.com (attempt 1)"},
		"Hyperf's":       {workertest.Decode(t, hyperf), "ack", "sent to php@example.com (attempt 1)"},
		"a busy server":  {event("mail.send", "busy@example.com"), "retry", "the mail server is busy"},
		"nobody":         {event("mail.send", ""), "drop", "nobody to write to"},
		"another's type": {event("mail.read", "ada@example.com"), "retry", "no such job: mail.read"},
	} {
		t.Run(name, func(t *testing.T) {
			out.Reset()
			got := workertest.RunJob(t, h, test.job)
			if got.Action != test.wantAction || !strings.Contains(out.String(), test.says) {
				t.Errorf("%s (%v), said %q; want %s, %q", got.Action, got.Err, out.String(), test.wantAction, test.says)
			}
		})
	}
}
