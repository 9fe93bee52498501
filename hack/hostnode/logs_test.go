//go:build linux

package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// writeLog stores output as a run would, one second per line.
func writeLog(t *testing.T, output string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "logs", "0.log")
	l, err := createLog(path)
	if err != nil {
		t.Fatal(err)
	}
	at := noon
	l.now = func() time.Time { at = at.Add(time.Second); return at }
	if err := l.stamp(strings.NewReader(output)); err != nil {
		t.Fatal(err)
	}
	if err := l.file.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCopyLog(t *testing.T) {
	long := strings.Repeat("x", longestPiece+10)
	for name, tc := range map[string]struct {
		output string
		query  logQuery
		want   string
	}{
		"all of it":                    {"one\ntwo\n", logQuery{tail: -1, limit: -1}, "one\ntwo\n"},
		"an unfinished last line":      {"one\ntwo", logQuery{tail: -1, limit: -1}, "one\ntwo\n"},
		"an empty line":                {"\n", logQuery{tail: -1, limit: -1}, "\n"},
		"a very long line in one":      {long + "\nend\n", logQuery{tail: -1, limit: -1}, long + "\nend\n"},
		"the last line":                {"one\ntwo\n", logQuery{tail: 1, limit: -1}, "two\n"},
		"the last line, very long":     {"one\n" + long + "\n", logQuery{tail: 1, limit: -1}, long + "\n"},
		"more lines than there are":    {"one\ntwo\n", logQuery{tail: 9, limit: -1}, "one\ntwo\n"},
		"no lines":                     {"one\ntwo\n", logQuery{tail: 0, limit: -1}, ""},
		"a number of bytes":            {"one\ntwo\n", logQuery{tail: -1, limit: 5}, "one\nt"},
		"since a time":                 {"one\ntwo\n", logQuery{tail: -1, limit: -1, since: noon.Add(2 * time.Second)}, "two\n"},
		"the last lines since a time":  {"one\ntwo\n", logQuery{tail: 2, limit: -1, since: noon.Add(2 * time.Second)}, "two\n"},
		"with times":                   {"one\n", logQuery{tail: -1, limit: -1, timestamps: true}, "2026-01-02T12:00:01.000000000Z one\n"},
		"followed after the run ended": {"one\n", logQuery{tail: -1, limit: -1, follow: true}, "one\n"},
	} {
		t.Run(name, func(t *testing.T) {
			done := make(chan struct{})
			close(done)
			var got strings.Builder
			if err := copyLog(t.Context(), &got, func() {}, writeLog(t, tc.output), tc.query, done); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got.String()); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCopyLogFollows(t *testing.T) {
	path := writeLog(t, "one\n")
	done := make(chan struct{})
	var got strings.Builder
	steps := 0
	flush := func() { // the reader has seen all there is: the run goes on
		steps++
		switch steps {
		case 1:
			appendTo(t, path, noon.Format(stampFormat)+" F tw")
		case 2:
			appendTo(t, path, "o\n")
		case 3:
			appendTo(t, path, noon.Format(stampFormat)+" F three\n")
			close(done)
		}
	}
	if err := copyLog(t.Context(), &got, flush, path, logQuery{tail: -1, limit: -1, follow: true}, done); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("one\ntwo\nthree\n", got.String()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprint(file, text)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestParseLogQuery(t *testing.T) {
	for query, tc := range map[string]struct {
		want    logQuery
		wantErr string
	}{
		"": {want: logQuery{tail: -1, limit: -1}},
		"follow=true&previous=true&timestamps=true&tailLines=3&limitBytes=9": {
			want: logQuery{follow: true, previous: true, timestamps: true, tail: 3, limit: 9},
		},
		"sinceSeconds=60":                {want: logQuery{tail: -1, limit: -1, since: noon.Add(-time.Minute)}},
		"sinceTime=2026-01-02T11:00:00Z": {want: logQuery{tail: -1, limit: -1, since: noon.Add(-time.Hour)}},
		"tailLines=-1":                   {wantErr: `tailLines "-1" is not a number from 0`},
		"limitBytes=x":                   {wantErr: `limitBytes "x" is not a number from 0`},
		"sinceTime=yesterday":            {wantErr: `sinceTime "yesterday" is not an RFC 3339 time`},
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseLogQuery(values, noon)
		if !errorIs(err, tc.wantErr) {
			t.Errorf("%q: error %v, want %q", query, err, tc.wantErr)
		}
		if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(logQuery{})); err == nil && diff != "" {
			t.Errorf("%q (-want +got):\n%s", query, diff)
		}
	}
}
