//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// shell is a program that runs a script; its children carry the test's mark.
func shell(t *testing.T, script string) program {
	t.Helper()
	return program{path: "/bin/sh", args: []string{"-c", script}, env: []string{"PATH=" + defaultPath}, dir: "/", mark: t.TempDir()}
}

// startShell runs a script with its output in a log, and sees to its end.
func startShell(t *testing.T, script string) (proc *process, log string) {
	t.Helper()
	log = filepath.Join(t.TempDir(), "log")
	out, err := createLog(log)
	if err != nil {
		t.Fatal(err)
	}
	p := shell(t, script)
	proc, err = startProcess(newSpawner(), p, out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { proc.stop(0); <-proc.done })
	return proc, log
}

// awaitLine returns when the log holds the line.
func awaitLine(t *testing.T, log, line string) {
	t.Helper()
	await(t, "the line "+line, func() bool { return strings.Contains(readLog(t, log), line+"\n") })
}

func readLog(t *testing.T, log string) string {
	t.Helper()
	done := make(chan struct{})
	close(done)
	var out strings.Builder
	if err := copyLog(t.Context(), &out, func() {}, log, logQuery{tail: -1, limit: -1}, done); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// await polls until ok, for at most 10 s.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("no %s within 10 s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestProcessEnds(t *testing.T) {
	for name, tc := range map[string]struct {
		script  string
		want    exit
		wantLog string
	}{
		"well":          {"echo out; echo err >&2", exit{}, "out\nerr\n"},
		"with a code":   {"exit 3", exit{code: 3}, ""},
		"by a signal":   {"kill -KILL $$", exit{code: 137, signal: 9}, ""},
		"half a line":   {"printf half", exit{}, "half\n"},
		"its own dir":   {"pwd", exit{}, "/\n"},
		"a clean slate": {"env | grep -v -e PWD -e _= -e HOSTNODE", exit{}, "PATH=" + defaultPath + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			proc, log := startShell(t, tc.script)
			<-proc.done
			if diff := cmp.Diff(tc.want, proc.exit, cmp.AllowUnexported(exit{})); diff != "" {
				t.Errorf("exit (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantLog, readLog(t, log)); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProcessStop(t *testing.T) {
	for name, tc := range map[string]struct {
		script string
		grace  time.Duration
		want   exit
	}{
		"a program that drains": {`trap "echo drained; exit 0" TERM; echo up; while :; do sleep 0.05; done`, time.Minute, exit{}},
		"one that does not":     {`trap "" TERM; echo up; while :; do sleep 0.05; done`, 100 * time.Millisecond, exit{code: 137, signal: 9}},
		"no time to drain":      {`trap "exit 0" TERM; echo up; while :; do sleep 0.05; done`, 0, exit{code: 137, signal: 9}},
	} {
		t.Run(name, func(t *testing.T) {
			proc, log := startShell(t, tc.script)
			awaitLine(t, log, "up")
			proc.stop(tc.grace)
			<-proc.done
			if diff := cmp.Diff(tc.want, proc.exit, cmp.AllowUnexported(exit{})); diff != "" {
				t.Errorf("exit (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProcessLeavesNobody(t *testing.T) {
	proc, log := startShell(t, `sleep 600 & (setsid sleep 601 &); sleep 0.1; echo up; sleep 602`)
	awaitLine(t, log, "up")
	await(t, "three sleepers", func() bool { return len(family(proc.pid, proc.mark)) == 3 })
	proc.stop(time.Minute)
	<-proc.done
	if left := family(0, proc.mark); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
}

func TestStartProcessSaysWhy(t *testing.T) {
	p := shell(t, "")
	p.path = filepath.Join(t.TempDir(), "none")
	if _, err := startProcess(newSpawner(), p, discard{}); !errorIs(err, "no such file or directory") {
		t.Errorf("error %v", err)
	}
}

func TestFullDiskDoesNotBlockTheProgram(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	proc, err := startProcess(newSpawner(), shell(t, "head -c 1000000 /dev/zero"), &logFile{file: full, now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	<-proc.done
	if proc.exit.code != 0 || !strings.Contains(proc.exit.message, "no space left") {
		t.Errorf("exit %+v", proc.exit)
	}
}

func TestIsMarked(t *testing.T) {
	environ := []byte("A=1\x00HOSTNODE_CONTAINER=/state/pods/x/c\x00B=2\x00")
	for mark, want := range map[string]bool{
		"/state/pods/x/c": true, "/state/pods": true, "/state/pods/x/c2": false, "/state/pod": false, "/other": false,
	} {
		if got := isMarked(environ, mark); got != want {
			t.Errorf("isMarked(%q) = %t", mark, got)
		}
	}
}

func TestParseStat(t *testing.T) {
	for stat, want := range map[string]struct {
		session int
		state   byte
		ok      bool
	}{
		"12 (a b) c) S 1 12 77 0 -1": {77, 'S', true},
		"12 (x) Z 1 12 78 0":         {78, 'Z', true},
		"12 (x":                      {},
		"12 (x) S 1":                 {},
		"12 (x) S 1 12 y":            {state: 'S'},
	} {
		session, state, ok := parseStat([]byte(stat))
		if ok != want.ok || (ok && (session != want.session || state != want.state)) {
			t.Errorf("parseStat(%q) = %d, %c, %t", stat, session, state, ok)
		}
	}
}
