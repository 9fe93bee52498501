package exechandler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/payload"
)

const raw = `{"specversion":"1.0","type":"mail.send","id":"m-1","source":"shop","time":"2026-01-02T03:04:05Z","data":{"to":"a"}}`

func newJob(t *testing.T) *worker.Job {
	t.Helper()
	message, err := payload.Decode([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return &worker.Job{ID: "m-1", Type: "mail.send", Attempt: 2, MaxAttempts: 3, Redelivered: 1, Message: message}
}

func newHandler(t *testing.T, cfg Config, script string) *Handler {
	t.Helper()
	cfg.Command = []string{"sh", "-c", script}
	if cfg.Output == nil {
		cfg.Output = io.Discard
	}
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// The table of the package comment.
func TestExitStatuses(t *testing.T) {
	tests := map[string]struct {
		script   string
		wantErr  string // empty: done
		wantDrop bool
	}{
		"0":                         {"exit 0", "", false},
		"0 without reading":         {"exec true", "", false},
		"0 with a child left alone": {"sleep 60 >/dev/null 2>&1 & exit 0", "", false},
		"75":                        {"exit 75", "command asked for a retry: exit status 75", false},
		"65":                        {"exit 65", "", true},
		"1":                         {"exit 1", "command failed: exit status 1", false},
		"1 with words":              {"echo out; echo err >&2; exit 1", "command failed: exit status 1: out\nerr", false},
		"a signal":                  {"kill -9 $$", "command failed: signal: killed", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := newHandler(t, Config{}, test.script).Handle(t.Context(), newJob(t))
			switch {
			case test.wantDrop:
				if !errors.Is(err, worker.Drop) {
					t.Errorf("Handle: %v, want Drop", err)
				}
			case test.wantErr == "" && err != nil:
				t.Errorf("Handle: %v, want nil", err)
			case test.wantErr != "" && (err == nil || err.Error() != test.wantErr):
				t.Errorf("Handle: %v, want %q", err, test.wantErr)
			}
		})
	}
}

func TestInput(t *testing.T) {
	for _, form := range []Payload{PayloadRaw, PayloadJSON} {
		t.Run(string(form), func(t *testing.T) {
			var out bytes.Buffer
			if err := newHandler(t, Config{Payload: form, Output: &out}, "cat").Handle(t.Context(), newJob(t)); err != nil {
				t.Fatal(err)
			}
			if form == PayloadRaw {
				if diff := cmp.Diff(raw, out.String()); diff != "" {
					t.Errorf("input (-want +got):\n%s", diff)
				}
				return
			}
			var got struct {
				SpecVersion, Type, ID string
				Data                  map[string]string
			}
			if err := json.Unmarshal(out.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if got.SpecVersion != "1.0" || got.Type != "mail.send" || got.ID != "m-1" || got.Data["to"] != "a" {
				t.Errorf("input = %s", out.String())
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("OF_THE_WORKER", "kept")
	var out bytes.Buffer
	h := newHandler(t, Config{Output: &out}, `env | grep -E '^(CE_|ASYNCQUEUE_JOB_|OF_THE_WORKER)' | sort`)
	if err := h.Handle(t.Context(), newJob(t)); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"ASYNCQUEUE_JOB_ATTEMPT=2", "ASYNCQUEUE_JOB_ID=m-1", "ASYNCQUEUE_JOB_MAX_ATTEMPTS=3",
		"ASYNCQUEUE_JOB_REDELIVERED=1", "ASYNCQUEUE_JOB_TYPE=mail.send",
		"CE_ID=m-1", "CE_SOURCE=shop", "CE_SPECVERSION=1.0", "CE_TIME=2026-01-02T03:04:05Z", "CE_TYPE=mail.send",
		"OF_THE_WORKER=kept",
	}, "\n") + "\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

// A job of an exclusive queue carries its fence number in the environment and in
// the event.
func TestFence(t *testing.T) {
	var out bytes.Buffer
	job := newJob(t)
	job.Fence = 1_800_000_000_000_000
	if err := newHandler(t, Config{Output: &out}, `echo "$ASYNCQUEUE_JOB_FENCE"; cat`).Handle(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.HasPrefix(got, "1800000000000000\n") || !strings.Contains(got, `"fence":"1800000000000000"`) {
		t.Errorf("the command saw %s", got)
	}
}

func TestNULsInNamesDoNoHarm(t *testing.T) {
	job := newJob(t)
	job.Type = "a\x00b"
	if err := newHandler(t, Config{}, `test "$ASYNCQUEUE_JOB_TYPE" = ab`).Handle(t.Context(), job); err != nil {
		t.Errorf("Handle: %v", err)
	}
}

// A command that prints without end costs no memory, and leaves its last words.
func TestOutputIsBounded(t *testing.T) {
	err := newHandler(t, Config{}, "yes 0123456789 | head -c 1000000; echo the end; exit 1").Handle(t.Context(), newJob(t))
	if err == nil || len(err.Error()) > keptOutput+100 || !strings.HasSuffix(err.Error(), "the end") {
		t.Errorf("Handle: %v", err)
	}
}

// A signal to the worker's group must not reach its commands.
func TestOwnProcessGroup(t *testing.T) {
	var out bytes.Buffer
	if err := newHandler(t, Config{Output: &out}, `cut -d' ' -f5 /proc/$$/stat`).Handle(t.Context(), newJob(t)); err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(out.String()); got == strconv.Itoa(syscall.Getpgrp()) {
		t.Errorf("the command runs in the worker's process group %s", got)
	}
}

// errRetry stands for any error that is retried.
var errRetry = errors.New("retry")

func TestEndOfTheDrain(t *testing.T) {
	tests := map[string]struct {
		script  string
		wantErr error // nil: done

	}{
		"a command that ends":             {`trap 'exit 0' TERM; touch ready; while :; do sleep 0.01; done`, nil},
		"one that dies of SIGTERM":        {`touch ready; exec sleep 60`, worker.ErrDraining},
		"one that asks for a retry":       {`trap 'exit 75' TERM; touch ready; while :; do sleep 0.01; done`, errRetry},
		"one that does not mind SIGTERM":  {`trap '' TERM; touch ready; while :; do sleep 0.01; done`, worker.ErrDraining},
		"one whose child does not either": {`(trap '' TERM; touch ready; while :; do sleep 0.01; done) & wait`, worker.ErrDraining},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			ctx, cancel := context.WithCancelCause(t.Context())
			ended := make(chan error, 1)
			h := newHandler(t, Config{KillAfter: 100 * time.Millisecond}, "echo $$ > pid; "+test.script)
			go func() { ended <- h.Handle(ctx, newJob(t)) }()
			awaitFile(t, "ready")
			cancel(worker.ErrDraining)
			err := <-ended
			switch {
			case errors.Is(test.wantErr, errRetry):
				if err == nil || errors.Is(err, worker.ErrDraining) {
					t.Errorf("Handle: %v, want a retry", err)
				}
			case !errors.Is(err, test.wantErr):
				t.Errorf("Handle: %v, want %v", err, test.wantErr)
			}
			awaitNoGroup(t, "pid")
		})
	}
}

func awaitFile(t *testing.T, name string) {
	t.Helper()
	await(t, "the file "+name, func() bool { _, err := os.Stat(name); return err == nil })
}

// awaitNoGroup waits until nothing is left of the process group in the file.
func awaitNoGroup(t *testing.T, name string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Clean(name))
	if err != nil {
		t.Fatal(err)
	}
	group, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the end of the group", func() bool { return groupIsGone(group) })
}

// groupIsGone says whether no process of the group lives; what nobody has waited
// for does not count.
func groupIsGone(group int) bool {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		text, err := os.ReadFile(name) //nolint:gosec // of /proc
		if err != nil {
			continue
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if fields[2] == strconv.Itoa(group) && fields[0] != "Z" {
			return false
		}
	}
	return true
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !is() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func TestNewRefusesNonsense(t *testing.T) {
	tests := map[string]Config{
		"no command":              {},
		"an empty program":        {Command: []string{""}},
		"a program that is not":   {Command: []string{"/no/such/program"}},
		"another form of message": {Command: []string{"true"}, Payload: "xml"},
	}
	for name, cfg := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := New(cfg); err == nil {
				t.Error("New succeeded")
			}
		})
	}
}
