package hyperf_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/asyncqueue/operator/internal/redistest"
)

const traceDir = "../../queue/testdata/hyperf-traces"

// recordings are the steps that make the stand-in send what each recording of real Hyperf holds.
var recordings = map[string][]string{
	"push":           steps(`set params={"a":1} push DemoJob job-0 2 push DemoJob job-1 2`),
	"push-delayed":   steps("delay 5 DemoJob job-0 2"),
	"pop-only":       steps("push DemoJob job-0 2 pop"),
	"consume-ack":    steps("push NoopJob job-0 2 pop end job lengths"),
	"late-success":   steps("push DemoJob job-0 2 set handle=1 pop sleep 2200 set pop=1 pop end job lengths"),
	"timeout-move":   steps("push DemoJob job-0 2 set handle=1 pop sleep 2200 set pop=1 pop"),
	"reload-timeout": steps("push DemoJob job-0 2 push DemoJob job-1 2 set handle=1 pop pop sleep 2200 set pop=1 pop reload timeout"),
	"reload-failed":  steps("push FailJob job-0 0 push FailJob job-1 0 pop end job lengths pop end job reload failed"),
	"fail-retry-fail": steps("set pop=1 set retry=1 push FailJob job-0 1",
		"pop end job lengths pop pop end job pop pop pop pop"),
	"gate": steps("gate c:IS_PUSH_normal-queue closed", strings.Repeat(" ask c:IS_PUSH_normal-queue", 4),
		"gate c:IS_PUSH_normal-queue open", strings.Repeat(" ask c:IS_PUSH_normal-queue", 2)),
}

// The stand-in sends, command by command and byte by byte, what real Hyperf was seen to send.
func TestStandInSendsWhatHyperfSends(t *testing.T) {
	files, err := filepath.Glob(traceDir + "/*.monitor")
	if err != nil || len(files) != len(recordings) {
		t.Fatalf("%d recordings, %v; want %d", len(files), err, len(recordings))
	}
	for name, script := range recordings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newChannel(t)
			match := c.name
			if name == "gate" {
				match = "IS_PUSH_normal-queue"
			}
			sent := redistest.Monitor(t, c.addr, match)
			c.php(t, nil, 0, script...).wait()
			got := relative(t, sent(), c.name)
			want := relative(t, readTrace(t, name), "{queue}")
			if diff := cmp.Diff(want, got, sameSecond); diff != "" {
				t.Errorf("commands (-Hyperf +stand-in):\n%s", diff)
			}
		})
	}
}

func readTrace(t *testing.T, name string) []redistest.Command {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(traceDir, name+".monitor"))
	if err != nil {
		t.Fatal(err)
	}
	var commands []redistest.Command
	for line := range strings.Lines(string(content)) {
		c, err := redistest.ParseCommand(strings.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		commands = append(commands, c)
	}
	return commands
}

// word is one word of a command. A time is written as the seconds after the command.
type word struct {
	Text    string
	Seconds int64
}

// sameSecond lets a second pass between PHP's look at the clock and the command's arrival.
var sameSecond = cmp.Comparer(func(a, b word) bool {
	return a.Text == b.Text && a.Seconds-b.Seconds <= 1 && b.Seconds-a.Seconds <= 1
})

func relative(t *testing.T, commands []redistest.Command, channel string) [][]word {
	t.Helper()
	var all [][]word
	for _, c := range commands {
		words := make([]word, len(c.Words))
		for i, text := range c.Words {
			words[i] = word{Text: strings.Replace(text, channel+":", "{channel}:", 1)}
		}
		if name := c.Words[0]; name == "ZADD" || name == "ZREVRANGEBYSCORE" {
			at, err := strconv.ParseInt(c.Words[2], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			words[2] = word{Text: "now +", Seconds: at - c.At.Unix()}
		}
		all = append(all, words)
	}
	return all
}
