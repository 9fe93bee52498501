//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A log file has one line per line of output: the time, F or P (the line goes
// on in the next one), and the text.
const (
	stampFormat  = "2006-01-02T15:04:05.000000000Z07:00"
	longestPiece = 16 << 10
)

// logFile keeps the output of one run of a container.
type logFile struct {
	file *os.File
	now  func() time.Time
}

func createLog(path string) (*logFile, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("making the log directory: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("creating the log: %w", err)
	}
	return &logFile{file: file, now: time.Now}, nil
}

// copyFrom stamps and stores what comes out of r until it ends. It closes the
// file.
func (l *logFile) copyFrom(r *os.File) error {
	err := l.stamp(r)
	if err != nil {
		_, _ = io.Copy(io.Discard, r) // a full disk must not block the program
	}
	return errors.Join(err, l.file.Close())
}

func (l *logFile) stamp(r io.Reader) error {
	in := bufio.NewReaderSize(r, longestPiece)
	for {
		piece, err := in.ReadSlice('\n')
		if len(piece) > 0 {
			if werr := l.write(piece, err == nil || errors.Is(err, io.EOF)); werr != nil {
				return werr
			}
		}
		switch {
		case err == nil, errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			return nil
		default:
			return err
		}
	}
}

func (l *logFile) write(piece []byte, full bool) error {
	tag := "P"
	if full {
		tag = "F"
	}
	text := strings.TrimSuffix(string(piece), "\n")
	_, err := fmt.Fprintf(l.file, "%s %s %s\n", l.now().UTC().Format(stampFormat), tag, text)
	return err
}

// The last words of a failed run, as terminationMessagePolicy
// FallbackToLogsOnError asks for them, are bounded as a kubelet's.
const (
	lastWordsLines = 80
	lastWordsBytes = 2048
)

// lastWords returns the end of a log.
func lastWords(path string) (string, error) {
	over := make(chan struct{})
	close(over)
	var out strings.Builder
	query := logQuery{tail: lastWordsLines, limit: -1}
	if err := copyLog(context.Background(), &out, func() {}, path, query, over); err != nil {
		return "", err
	}
	text := out.String()
	return text[max(0, len(text)-lastWordsBytes):], nil
}

// logLine is one line of a log file, taken apart.
type logLine struct {
	stamp string
	time  time.Time
	full  bool
	text  string
}

func parseLog(line string) (logLine, bool) {
	stamp, rest, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	if !ok || len(rest) < 2 || rest[1] != ' ' {
		return logLine{}, false
	}
	at, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		return logLine{}, false
	}
	return logLine{stamp: stamp, time: at, full: rest[0] == 'F', text: rest[2:]}, true
}

// discard is an output that nobody reads.
type discard struct{}

func (discard) copyFrom(r *os.File) error {
	_, err := io.Copy(io.Discard, r)
	return err
}
