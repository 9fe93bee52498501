package redistest

import (
	"bufio"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Command is one line of MONITOR: what a client, or a script, sent to Redis.
type Command struct {
	At    time.Time // by the clock of Redis, to the microsecond
	Lua   bool      // a script sent it
	Words []string
}

var monitorWord = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// ParseCommand reads a line of MONITOR, with or without the part in brackets that names the client.
func ParseCommand(line string) (Command, error) {
	stamp, rest, _ := strings.Cut(strings.TrimPrefix(line, "+"), " ")
	seconds, fraction, found := strings.Cut(stamp, ".")
	s, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || !found {
		return Command{}, fmt.Errorf("reading %q: it does not begin with a time", line)
	}
	micros, err := strconv.ParseInt(fraction, 10, 64)
	if err != nil {
		return Command{}, fmt.Errorf("reading %q: it does not begin with a time", line)
	}
	c := Command{At: time.Unix(s, micros*1000)}
	if client, after, bracketed := strings.Cut(rest, "] "); bracketed && strings.HasPrefix(rest, "[") {
		c.Lua = strings.HasSuffix(client, " lua")
		rest = after
	}
	for _, word := range monitorWord.FindAllString(rest, -1) {
		text, err := strconv.Unquote(word)
		if err != nil {
			return Command{}, fmt.Errorf("reading %s: %w", word, err)
		}
		c.Words = append(c.Words, text)
	}
	return c, nil
}

// Monitor notes what a server is sent from now on. The returned function ends that and returns the
// commands that name the channel in one of their words.
func Monitor(t testing.TB, addr, channel string) func() []Command {
	t.Helper()
	watch, asking := dial(t, addr), dial(t, addr)
	send(t, watch, "MONITOR")
	lines := bufio.NewReaderSize(watch, 1<<20)
	readLine(t, lines) // +OK
	return func() []Command {
		t.Helper()
		marker := "monitor-ends-" + asking.LocalAddr().String() // others may watch too
		send(t, asking, "ECHO "+marker)
		var commands []Command
		for {
			c, err := ParseCommand(readLine(t, lines))
			if err != nil {
				t.Fatal(err)
			}
			if len(c.Words) == 2 && c.Words[1] == marker {
				return commands
			}
			if strings.Contains(strings.Join(c.Words, "\n"), channel) {
				commands = append(commands, c)
			}
		}
	}
}

func dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: startTimeout}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func send(t testing.TB, conn net.Conn, line string) {
	t.Helper()
	if _, err := fmt.Fprintf(conn, "%s\r\n", line); err != nil {
		t.Fatal(err)
	}
}

func readLine(t testing.TB, lines *bufio.Reader) string {
	t.Helper()
	line, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimRight(line, "\r\n")
}
