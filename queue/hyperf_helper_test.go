package queue

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redistest"
)

// trace is what a real Hyperf process sent to Redis, as MONITOR showed it.
type trace struct {
	start    int64 // epoch second of the first command
	commands [][]string
}

// readTrace reads a recorded trace. Its channel is {queue}.
func readTrace(t *testing.T, name string) trace {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "hyperf-traces", name+".monitor"))
	if err != nil {
		t.Fatal(err)
	}
	var tr trace
	lines := bufio.NewScanner(bytes.NewReader(content))
	for lines.Scan() {
		c, err := redistest.ParseCommand(lines.Text())
		if err != nil {
			t.Fatal(err)
		}
		if tr.start == 0 {
			tr.start = c.At.Unix()
		}
		tr.commands = append(tr.commands, c.Words)
	}
	if len(tr.commands) == 0 {
		t.Fatal("an empty trace")
	}
	return tr
}

func traceNames(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "hyperf-traces", "*.monitor"))
	if err != nil || len(files) == 0 {
		t.Fatal("no traces", err)
	}
	var names []string
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".monitor"))
	}
	return names
}

// replay sends commands of a trace to the queue's channel, as if they had begun at the time given.
// A blocking pop is sent without the block.
func (tr trace) replay(t *testing.T, q *Queue, begin time.Time, from, to int) {
	t.Helper()
	shift := begin.Unix() - tr.start
	for _, command := range tr.commands[from:to] {
		args := make([]any, len(command))
		for i, word := range command {
			args[i] = strings.Replace(word, "{queue}:", q.Channel()+":", 1)
		}
		switch command[0] {
		case "BRPOP":
			args = []any{"RPOP", args[1]}
		case "ZADD":
			args[2] = shiftScore(t, command[2], shift)
		case "ZREVRANGEBYSCORE":
			args[2] = shiftScore(t, command[2], shift)
		}
		if err := q.rdb.Do(t.Context(), args...).Err(); err != nil && !isNil(err) {
			t.Fatalf("%v: %v", args, err)
		}
	}
}

func shiftScore(t *testing.T, text string, shift int64) string {
	t.Helper()
	score, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return strconv.FormatInt(score+shift, 10)
}

func isNil(err error) bool { return err == redis.Nil } //nolint:errorlint // never wrapped

// The moves of a Hyperf consumer, command by command as in the traces.

// hyperfReserve writes the reservation of a Hyperf consumer: a whole-second score.
func hyperfReserve(t *testing.T, q *Queue, payload string, handle time.Duration) {
	t.Helper()
	score := float64(time.Now().Unix() + int64(handle.Seconds()))
	if err := q.rdb.ZAdd(t.Context(), q.keys.reserved, redis.Z{Score: score, Member: payload}).Err(); err != nil {
		t.Fatal(err)
	}
}

// hyperfMove does what each pop begins with, by the clock of a PHP host.
func hyperfMove(t *testing.T, q *Queue, clock time.Time) {
	t.Helper()
	for from, to := range map[string]string{q.keys.delayed: q.keys.waiting, q.keys.reserved: q.keys.timeout} {
		due, err := q.rdb.ZRevRangeByScore(t.Context(), from, &redis.ZRangeBy{
			Max: strconv.FormatInt(clock.Unix(), 10), Min: "-inf", Count: 100,
		}).Result()
		if err != nil {
			t.Fatal(err)
		}
		for _, payload := range due {
			if q.rdb.ZRem(t.Context(), from, payload).Val() > 0 {
				q.rdb.LPush(t.Context(), to, payload)
			}
		}
	}
}

// hyperfAck ends a run as Hyperf does: by the bytes alone.
func hyperfAck(t *testing.T, q *Queue, payload string) {
	t.Helper()
	if err := q.rdb.ZRem(t.Context(), q.keys.reserved, payload).Err(); err != nil {
		t.Fatal(err)
	}
}
