package command_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/command"
)

// result is what one command line left behind.
type result struct {
	status   int
	out, err string
}

func execute(t *testing.T, h worker.Handler, env map[string]string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	status := command.Execute(t.Context(), h, append([]string{"/bin/worker"}, args...), command.IO{
		Out: &out, Err: &errs,
		LookupEnv: func(name string) (string, bool) { text, ok := env[name]; return text, ok },
	})
	return result{status: status, out: out.String(), err: errs.String()}
}

// What makes no sense ends with one line and exit status 2.
func TestUsageErrors(t *testing.T) {
	const redis = "--redis=redis://127.0.0.1:1"
	mux := worker.NewMux()
	tests := map[string]struct {
		handler  worker.Handler
		env      map[string]string
		args     []string
		wantLine string // a part of it
	}{
		"no Redis":                  {args: []string{"--channel=q", "--exec=true"}, wantLine: "--redis (ASYNCQUEUE_REDIS)"},
		"no channel":                {args: []string{redis, "--exec=true"}, wantLine: "--channel (ASYNCQUEUE_CHANNEL)"},
		"no handler":                {args: []string{redis, "--channel=q"}, wantLine: "--http-url, --exec or a command"},
		"two handlers":              {args: []string{redis, "--channel=q", "--http-url=http://a", "--exec=true"}, wantLine: "excludes --exec"},
		"exec twice":                {args: []string{redis, "--channel=q", "--exec=true", "--", "true"}, wantLine: "excludes --exec"},
		"built in and exec":         {handler: mux, args: []string{redis, "--channel=q", "--exec=true"}, wantLine: "brings its own"},
		"built in and a command":    {handler: mux, args: []string{redis, "--channel=q", "--", "true"}, wantLine: "brings its own"},
		"a program that is not":     {args: []string{redis, "--channel=q", "--exec=/no/such/program"}, wantLine: "looking for the program"},
		"another scheme":            {args: []string{"--redis=http://h", "--channel=q", "--exec=true"}, wantLine: "redis://"},
		"a bad port":                {args: []string{"--redis=redis://h:99999", "--channel=q", "--exec=true"}, wantLine: "port"},
		"credentials that are not":  {args: []string{redis, "--channel=q", "--exec=true", "--redis-credentials-dir=/no/such/dir"}, wantLine: "/no/such/dir"},
		"an unknown flag":           {args: []string{"--nope"}, wantLine: "--nope"},
		"an unknown command":        {args: []string{"dance"}, wantLine: `"dance" is not a command`},
		"a value that is no number": {args: []string{"--pop-seconds=two"}, wantLine: "--pop-seconds"},
		"the same in environment":   {env: map[string]string{"ASYNCQUEUE_POP_SECONDS": "two"}, wantLine: "ASYNCQUEUE_POP_SECONDS"},
		"no slots":                  {args: []string{redis, "--channel=q", "--exec=true", "--concurrency=0"}, wantLine: "--concurrency"},
		"fewer than no messages":    {args: []string{redis, "--channel=q", "--exec=true", "--max-messages=-1"}, wantLine: "--max-messages"},
		"an unknown protocol of traces": {
			env:  map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"},
			args: []string{redis, "--channel=q", "--exec=true"}, wantLine: `OTEL_EXPORTER_OTLP_PROTOCOL: want grpc or http/protobuf, not "http/json"`,
		},
		"exclusive with many slots": {args: []string{redis, "--channel=q", "--exec=true", "--exclusive"}, wantLine: "--concurrency 1"},
		"another payload":           {args: []string{"run", "--payload=xml"}, wantLine: "json or raw"},
		"version of something":      {args: []string{"version", "x"}, wantLine: `"x"`},
		"reload from waiting":       {args: []string{"reload", redis, "--channel=q", "--state=waiting"}, wantLine: "--state"},
		"reload less than nothing":  {args: []string{"reload", redis, "--channel=q", "--max=-1"}, wantLine: "--max"},
		"reload with a negative limit": {
			args: []string{"reload", redis, "--channel=q", "--max-reloads=-1"}, wantLine: "--max-reloads",
		},
		"push nothing":           {args: []string{"push", redis, "--channel=q"}, wantLine: "exactly one of"},
		"push two kinds":         {args: []string{"push", redis, "--channel=q", "--type=a", "--hyperf-class=B"}, wantLine: "exactly one of"},
		"push no file":           {args: []string{"push", redis, "--channel=q", "--raw"}, wantLine: "--raw"},
		"push a stray file":      {args: []string{"push", redis, "--channel=q", "--type=a", "file"}, wantLine: `"file"`},
		"push no messages":       {args: []string{"push", redis, "--channel=q", "--type=a", "--count=0"}, wantLine: "--count"},
		"push backwards":         {args: []string{"push", redis, "--channel=q", "--type=a", "--rate=-1"}, wantLine: "--rate"},
		"push into the past":     {args: []string{"push", redis, "--channel=q", "--type=a", "--delay=-1s"}, wantLine: "--delay"},
		"push no JSON":           {args: []string{"push", redis, "--channel=q", "--type=a", "--data={"}, wantLine: "--data"},
		"push a stray parameter": {args: []string{"push", redis, "--channel=q", "--type=a", "--param=a=b"}, wantLine: "--param"},
		"push half a parameter":  {args: []string{"push", redis, "--channel=q", "--hyperf-class=A", "--param=a"}, wantLine: "name=value"},
		"push a parameter twice": {args: []string{"push", redis, "--channel=q", "--hyperf-class=A", "--param=a=1", "--param=a=2"}, wantLine: "twice"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := execute(t, test.handler, test.env, test.args...)
			if got.status != 2 {
				t.Errorf("exit status %d, want 2", got.status)
			}
			if strings.Count(got.err, "\n") != 1 || !strings.Contains(got.err, test.wantLine) || !strings.HasPrefix(got.err, "worker: ") {
				t.Errorf("standard error = %q, want one line with %q", got.err, test.wantLine)
			}
			if got.out != "" {
				t.Errorf("standard output = %q", got.out)
			}
		})
	}
}

// What goes wrong outside the command line ends with exit status 1.
func TestFailures(t *testing.T) {
	tests := map[string][]string{
		"push without Redis":        {"push", "--redis=redis://127.0.0.1:1", "--channel=q", "--type=a"},
		"push a file that is not":   {"push", "--redis=redis://127.0.0.1:1", "--channel=q", "--raw", "/no/such/file"},
		"an address that is not":    {"--redis=redis://127.0.0.1:1", "--channel=q", "--exec=true", "--listen=256.0.0.1:1"},
		"an address that is no one": {"--redis=redis://127.0.0.1:1", "--channel=q", "--exec=true", "--listen=nonsense"},
	}
	for name, args := range tests {
		t.Run(name, func(t *testing.T) {
			got := execute(t, nil, nil, args...)
			if got.status != 1 || !strings.Contains(got.err, "worker: ") {
				t.Errorf("exit status %d, %q; want 1 and a reason", got.status, got.err)
			}
		})
	}
}

func TestVersionAndHelp(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"--help"}, {"run", "--help"}, {"reload", "--help"}, {"push", "-h"}, {"help"}} {
		if got := execute(t, nil, nil, args...); got.status != 0 || got.out == "" || got.err != "" {
			t.Errorf("worker %v = %+v", args, got)
		}
	}
}

// A password in a URL must not reach logs or errors.
func TestSecretsAreNotShown(t *testing.T) {
	for _, args := range [][]string{
		{"push", "--type=a", "--channel=q", "--redis=redis://user:hunter2@127.0.0.1:1"},
		{"push", "--type=a", "--channel=q", "--redis=reddis://user:hunter2@127.0.0.1:1"},
		{"push", "--type=a", "--channel=q", "--redis=redis://user:hunter2@127.0.0.1:x"},
		{"--help", "--redis=redis://user:hunter2@127.0.0.1:1"},
	} {
		if got := execute(t, nil, nil, args...); strings.Contains(got.err+got.out, "hunter2") {
			t.Errorf("worker %v shows the password: %+v", args, got)
		}
	}
	env := map[string]string{"ASYNCQUEUE_REDIS": "redis://user:hunter2@127.0.0.1:1"}
	if got := execute(t, nil, env, "--help"); strings.Contains(got.out, "hunter2") {
		t.Errorf("the usage text shows the password of the environment")
	}
}
