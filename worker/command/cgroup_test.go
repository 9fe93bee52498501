package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncqueue/operator/internal/redistest"
	"github.com/asyncqueue/operator/internal/workerenv"
	"github.com/asyncqueue/operator/worker"
)

// writeFiles writes files below root, and returns it.
func writeFiles(t *testing.T, root string, files map[string]string) string {
	t.Helper()
	for file, text := range files {
		path := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// v1 and v2 are a container that uses so much of a limit of 1000 bytes, and 150 more
// of page cache that can be dropped, as the two versions of control groups tell it.
func v1(used int) map[string]string {
	return map[string]string{
		"memory/memory.limit_in_bytes": "1000\n", "memory/memory.usage_in_bytes": fmt.Sprintln(used + 150),
		"memory/memory.stat": "cache 190\ninactive_file 1\ntotal_inactive_file 150\n",
	}
}

func v2(used int) map[string]string {
	return map[string]string{
		"memory.max": "1000\n", "memory.current": fmt.Sprintln(used + 150),
		"memory.stat": "anon 500\ninactive_file 150\nactive_file 50\n",
	}
}

// A container's memory as the two versions of control groups tell it.
func TestMemory(t *testing.T) {
	tests := map[string]struct {
		files           map[string]string
		wantUsed, limit int64
		wantErr         error
	}{
		"v2": {map[string]string{
			"memory.max": "1000\n", "memory.current": "700\n", "memory.stat": "anon 500\ninactive_file 150\nactive_file 50\n",
		}, 550, 1000, nil},
		"v2 without a limit": {map[string]string{"memory.max": "max\n"}, 0, 0, errNoLimit},
		"v1": {map[string]string{
			"memory/memory.limit_in_bytes": "1000\n", "memory/memory.usage_in_bytes": "700\n",
			"memory/memory.stat": "inactive_file 1\ntotal_inactive_file 150\n",
		}, 550, 1000, nil},
		"v1 without a limit": {map[string]string{"memory/memory.limit_in_bytes": "9223372036854771712\n"}, 0, 0, errNoLimit},
		"neither":            {nil, 0, 0, os.ErrNotExist},
		"half of it":         {map[string]string{"memory.max": "1000\n", "memory.current": "700\n"}, 0, 0, os.ErrNotExist},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			used, limit, err := memory(writeFiles(t, t.TempDir(), test.files))
			if used != test.wantUsed || limit != test.limit || !errors.Is(err, test.wantErr) {
				t.Errorf("memory = %d of %d, %v; want %d of %d, %v", used, limit, err, test.wantUsed, test.limit, test.wantErr)
			}
		})
	}
}

// A container whose memory grows is recycled at the first look beyond its share, once.
func TestMemoryWatch(t *testing.T) {
	const interval, life = 5 * time.Second, time.Hour
	noLimit := map[string]string{"memory.max": "max\n", "memory.current": "1\n", "memory.stat": ""}
	tests := map[string]struct {
		files, later map[string]string // later ones come 12 s after the beginning
		percent      int
		wantAfter    time.Duration // 0: never
		wantLogged   string        // once; empty: nothing
	}{
		"v2, below the share":           {files: v2(700), later: v2(799), percent: 80},
		"v2, at the share":              {files: v2(800), percent: 80},
		"v2, above the share":           {files: v2(801), percent: 80, wantAfter: interval, wantLogged: "Recycling"},
		"v2, growing":                   {files: v2(700), later: v2(900), percent: 80, wantAfter: 3 * interval, wantLogged: "Recycling"},
		"v2, all of it":                 {files: v2(1000), percent: 100},
		"v2, without a limit":           {files: noLimit, percent: 1, wantLogged: "cannot be recycled by its memory"},
		"v2, its limit is taken away":   {files: v2(700), later: noLimit, percent: 80, wantLogged: "cannot be recycled by its memory"},
		"v1, below the share":           {files: v1(700), later: v1(799), percent: 80},
		"v1, above the share":           {files: v1(801), percent: 80, wantAfter: interval, wantLogged: "Recycling"},
		"v1, growing":                   {files: v1(700), later: v1(900), percent: 80, wantAfter: 3 * interval, wantLogged: "Recycling"},
		"v1, without a limit":           {files: map[string]string{"memory/memory.limit_in_bytes": "9223372036854771712\n"}, percent: 1, wantLogged: "no memory limit"},
		"no control groups":             {percent: 80, wantLogged: "cannot be recycled by its memory"},
		"v2, no number where it should": {files: map[string]string{"memory.max": "lots\n"}, percent: 80, wantLogged: "memory.max"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			root := writeFiles(t, t.TempDir(), test.files)
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				var log bytes.Buffer
				var recycled []time.Duration
				began, ended := time.Now(), make(chan struct{})
				go func() {
					defer close(ended)
					memoryWatch{root: root, interval: interval}.run(ctx, test.percent, func() {
						recycled = append(recycled, time.Since(began))
					}, slog.New(slog.NewTextHandler(&log, nil)))
				}()
				time.Sleep(12 * time.Second) // of synctest's fake time, as below
				writeFiles(t, root, test.later)
				time.Sleep(life)
				stop()
				<-ended
				if test.wantAfter == 0 && len(recycled) != 0 || test.wantAfter != 0 && (len(recycled) != 1 || recycled[0] != test.wantAfter) {
					t.Errorf("recycled after %v, want once after %v (0s: never)", recycled, test.wantAfter)
				}
				lines := strings.Count(log.String(), "\n")
				if test.wantLogged == "" && lines != 0 || test.wantLogged != "" && (lines != 1 || !strings.Contains(log.String(), test.wantLogged)) {
					t.Errorf("logged %q, want one line with %q, or none", log.String(), test.wantLogged)
				}
			})
		})
	}
}

// The watch ends with its context, and does not look any more.
func TestMemoryWatchEndsWithItsContext(t *testing.T) {
	root := writeFiles(t, t.TempDir(), v2(900))
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), 4*time.Second)
		defer stop()
		began := time.Now()
		memoryWatch{root: root, interval: 5 * time.Second}.run(ctx, 80, func() { t.Error("recycled") }, slog.New(slog.DiscardHandler))
		if took := time.Since(began); took != 4*time.Second {
			t.Errorf("it ended after %v, want 4s", took)
		}
	})
}

// The flag is enough: a worker whose container uses more than its share drains and
// asks for a fresh process.
func TestAWorkerIsRecycledByItsMemory(t *testing.T) {
	var log bytes.Buffer
	c := &cli{
		program: "worker", handler: worker.NewMux(), settings: workerenv.Defaults(),
		streams: IO{Out: &log, Err: &log, LookupEnv: func(string) (string, bool) { return "", false }},
		memory:  memoryWatch{root: writeFiles(t, t.TempDir(), v2(900)), interval: 10 * time.Millisecond},
	}
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	err := c.execute(ctx, []string{
		"--redis=redis://" + redistest.Shared(t), "--channel={recycled-by-memory}", "--listen=", "--max-memory-percent=80",
	})
	if !errors.Is(err, worker.ErrRecycled) || !strings.Contains(log.String(), "nearly full") {
		t.Errorf("%v, want %v and a line that says why:\n%s", err, worker.ErrRecycled, log.String())
	}
}
