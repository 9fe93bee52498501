//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"
)

// followPause is how often a followed log is looked at.
const followPause = 200 * time.Millisecond

// logView knows the log files of a pod's containers. Safe for concurrent use;
// the zero value is ready.
type logView struct {
	mu   sync.Mutex
	runs map[string]logRuns
}

type logRuns struct {
	current, previous string          // files; "" = none
	done              <-chan struct{} // closed when the current run has ended
}

func (v *logView) started(container, path string, done <-chan struct{}) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.runs == nil {
		v.runs = map[string]logRuns{}
	}
	v.runs[container] = logRuns{current: path, previous: v.runs[container].current, done: done}
}

func (v *logView) of(container string) (logRuns, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	runs, ok := v.runs[container]
	return runs, ok
}

// logQuery is what a reader wants of a log.
type logQuery struct {
	follow, previous, timestamps bool
	tail                         int64 // last lines; -1 = all
	limit                        int64 // bytes; -1 = all
	since                        time.Time
}

// parseLogQuery reads the query of a containerLogs request.
func parseLogQuery(q url.Values, now time.Time) (logQuery, error) {
	out := logQuery{tail: -1, limit: -1}
	out.follow, out.previous, out.timestamps = q.Get("follow") == "true", q.Get("previous") == "true", q.Get("timestamps") == "true"
	var seconds int64
	for name, target := range map[string]*int64{"tailLines": &out.tail, "limitBytes": &out.limit, "sinceSeconds": &seconds} {
		text := q.Get(name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return out, fmt.Errorf("%s %q is not a number from 0", name, text)
		}
		*target = n
	}
	if seconds > 0 {
		out.since = now.Add(-time.Duration(seconds) * time.Second)
	}
	if text := q.Get("sinceTime"); text != "" {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return out, fmt.Errorf("sinceTime %q is not an RFC 3339 time", text)
		}
		out.since = at
	}
	return out, nil
}

// copyLog writes what q asks of a log file to w; with follow it goes on until
// the run has ended (done) or ctx is over. flush is called when there is
// nothing to read at the moment.
func copyLog(ctx context.Context, w io.Writer, flush func(), path string, q logQuery, done <-chan struct{}) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("opening the log: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	if err := seekTail(file, q); err != nil {
		return err
	}
	out := &logOutput{w: w, query: q, left: q.limit}
	in := &lineReader{in: bufio.NewReader(file)}
	for {
		ended := isClosed(done) // before reading: what comes later is of a run that goes on
		if err := out.copyLines(in); err != nil {
			if errors.Is(err, errLimit) {
				return nil
			}
			return err
		}
		flush()
		if !q.follow || ended {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-done:
		case <-time.After(followPause):
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// seekTail moves to the first of the last q.tail lines that are late enough.
func seekTail(file *os.File, q logQuery) error {
	if q.tail < 0 {
		return nil
	}
	var starts []int64 // of whole output lines, from the beginning
	in, offset, begins := bufio.NewReader(file), int64(0), true
	for {
		line, err := in.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("reading the log: %w", err)
		}
		if parsed, ok := parseLog(line); ok && !parsed.time.Before(q.since) {
			if begins {
				starts = append(starts, offset)
			}
			begins = parsed.full
		}
		offset += int64(len(line))
		if err != nil {
			break
		}
	}
	at := offset
	if n := min(int64(len(starts)), q.tail); n > 0 {
		at = starts[int64(len(starts))-n]
	}
	_, err := file.Seek(at, io.SeekStart)
	if err != nil {
		return fmt.Errorf("seeking in the log: %w", err)
	}
	return nil
}

// lineReader reads whole lines from a file that is still growing.
type lineReader struct {
	in   *bufio.Reader
	rest string // a line that is not complete yet
}

// next returns a line, or io.EOF while there is none.
func (l *lineReader) next() (string, error) {
	part, err := l.in.ReadString('\n')
	if err != nil {
		l.rest += part
		return "", err
	}
	line := l.rest + part
	l.rest = ""
	return line, nil
}

// errLimit ends a copy that has reached its limit.
var errLimit = errors.New("the limit is reached")

// logOutput writes log lines as their reader wants them.
type logOutput struct {
	w      io.Writer
	query  logQuery
	left   int64 // bytes; -1 = no limit
	middle bool  // of an output line
}

func (o *logOutput) copyLines(in *lineReader) error {
	for {
		line, err := in.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the log: %w", err)
		}
		parsed, ok := parseLog(line)
		if !ok || parsed.time.Before(o.query.since) {
			continue
		}
		if err := o.write(parsed); err != nil {
			return err
		}
	}
}

func (o *logOutput) write(line logLine) error {
	text := line.text
	if o.query.timestamps && !o.middle {
		text = line.stamp + " " + text
	}
	if line.full {
		text += "\n"
	}
	o.middle = !line.full
	if o.left >= 0 {
		text = text[:min(int64(len(text)), o.left)]
		o.left -= int64(len(text))
	}
	if _, err := io.WriteString(o.w, text); err != nil {
		return fmt.Errorf("sending the log: %w", err)
	}
	if o.left == 0 {
		return errLimit
	}
	return nil
}
