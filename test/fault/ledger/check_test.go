package ledger

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// script makes entries second by second.
type script struct {
	entries []Entry
	now     time.Time
}

func newScript() *script { return &script{now: time.Unix(1000, 0)} }

// say adds an entry of the life "w<pid>".
func (s *script) say(pid int, what What, id string, run uint64) *script {
	s.now = s.now.Add(time.Second)
	e := Entry{At: s.now.UnixNano(), Pid: pid, Life: "w" + string(rune('0'+pid)), What: what, ID: id, Run: run}
	if id != "" {
		e.Attempt = 1
	}
	s.entries = append(s.entries, e)
	return s
}

// runs adds a whole run up to its acknowledgement.
func (s *script) runs(pid int, id string, run uint64) *script {
	return s.say(pid, Claimed, id, run).say(pid, Began, id, 0).say(pid, Ended, id, 0).say(pid, Acked, id, run)
}

func once(ids ...string) map[string]Pushed {
	all := map[string]Pushed{}
	for _, id := range ids {
		all[id] = Pushed{Confirmed: 1}
	}
	return all
}

func at(second int64) time.Time { return time.Unix(1000+second, 0) }

// A checker that never complains proves nothing: each kind of bad ledger has to be found out.
func TestCheck(t *testing.T) {
	cutShort := func() *script {
		return newScript().say(1, Claimed, "a", 1).say(1, Began, "a", 0).runs(2, "a", 2)
	}
	tests := map[string]struct {
		facts Facts
		want  Verdict
		kinds []string // of broken promises
	}{
		"all is well": {
			facts: Facts{Pushed: once("a", "b"), Entries: newScript().runs(1, "a", 1).entries, Standing: map[string]int{"b": 1}},
			want:  Verdict{Messages: 2, Acked: 1, Standing: 1},
		},
		"a message is nowhere": {
			facts: Facts{Pushed: once("a", "b"), Entries: newScript().runs(1, "a", 1).entries},
			want:  Verdict{Messages: 2, Acked: 1, Lost: 1},
			kinds: []string{"lost"},
		},
		"one of two equal messages is nowhere": {
			facts: Facts{Pushed: map[string]Pushed{"a": {Confirmed: 2}}, Entries: newScript().runs(1, "a", 1).entries},
			want:  Verdict{Messages: 2, Acked: 1, Lost: 1},
			kinds: []string{"lost"},
		},
		"a push without an answer may be missing": {
			facts: Facts{Pushed: map[string]Pushed{"a": {Unknown: 1}}},
			want:  Verdict{Unknown: 1},
		},
		"a push without an answer may be there": {
			facts: Facts{Pushed: map[string]Pushed{"a": {Unknown: 1}}, Entries: newScript().runs(1, "a", 1).entries},
			want:  Verdict{Unknown: 1, Acked: 1},
		},
		"acknowledged, and standing all the same": {
			facts: Facts{Pushed: once("a"), Entries: newScript().runs(1, "a", 1).entries, Standing: map[string]int{"a": 1}},
			want:  Verdict{Messages: 1, Acked: 1, Standing: 1, Doubled: 1},
			kinds: []string{"doubled"},
		},
		"acknowledged twice, without a reason": {
			facts: Facts{Pushed: once("a"), Entries: newScript().runs(1, "a", 1).runs(2, "a", 2).entries},
			want:  Verdict{Messages: 1, Acked: 2, Doubled: 1, Twice: 1, Unexcused: 1},
			kinds: []string{"doubled", "run twice"},
		},
		"run again after its worker was killed": {
			facts: Facts{Pushed: once("a"), Entries: cutShort().entries, Killed: map[int]time.Time{1: at(2)}},
			want:  Verdict{Messages: 1, Acked: 1, Twice: 1},
		},
		"what a killed worker held was given back": {
			facts: Facts{
				Pushed: once("a"), Entries: cutShort().entries, Killed: map[int]time.Time{1: at(2)},
				LastSeen: map[string]time.Time{"w1": at(9), "w2": at(20)},
			},
			want: Verdict{Messages: 1, Acked: 1, Twice: 1, Redelivery: 7 * time.Second},
		},
		"run again although its worker lives": {
			facts: Facts{Pushed: once("a"), Entries: cutShort().entries},
			want:  Verdict{Messages: 1, Acked: 1, Twice: 1, Unexcused: 1},
			kinds: []string{"run twice"},
		},
		"run again after its worker was frozen": {
			facts: Facts{
				Pushed: once("a"), Entries: cutShort().say(1, Evicted, "", 0).say(1, Lost, "a", 1).entries, CutOff: map[int]bool{1: true},
			},
			want: Verdict{Messages: 1, Acked: 1, Twice: 1, Evicted: 1},
		},
		"run again after a retry that may have come too late": {
			facts: Facts{
				Pushed: once("a"), Entries: cutShort().say(1, Retried, "a", 1).say(1, Evicted, "", 0).entries, CutOff: map[int]bool{1: true},
			},
			want: Verdict{Messages: 1, Acked: 1, Twice: 1, Evicted: 1},
		},
		"run again although a retry was answered long before": {
			facts: Facts{
				Pushed: once("a"), CutOff: map[int]bool{1: true},
				Entries: newScript().say(1, Claimed, "a", 1).say(1, Began, "a", 0).say(1, Retried, "a", 1).
					runs(2, "a", 2).say(1, Joined, "", 0).say(1, Evicted, "", 0).entries,
			},
			want:  Verdict{Messages: 1, Acked: 1, Twice: 1, Unexcused: 1, Evicted: 1},
			kinds: []string{"run twice"},
		},
		"a worker was taken for dead for no reason": {
			facts: Facts{Entries: newScript().say(1, Joined, "", 0).say(1, Evicted, "", 0).entries},
			want:  Verdict{Evicted: 1},
			kinds: []string{"taken for dead"},
		},
		"killed between the end and the acknowledgement": {
			facts: Facts{
				Pushed: once("a"), Killed: map[int]time.Time{1: at(4)},
				Entries: newScript().say(1, Claimed, "a", 1).say(1, Began, "a", 0).say(1, Ended, "a", 0).entries,
			},
			want: Verdict{Messages: 1, Doubtful: 1},
		},
		"a failed run is no acknowledgement": {
			facts: Facts{
				Pushed:  once("a"),
				Entries: newScript().say(1, Claimed, "a", 1).say(1, Began, "a", 0).say(1, Failed, "a", 1).entries,
			},
			want:  Verdict{Messages: 1, Lost: 1},
			kinds: []string{"lost"},
		},
		"a late run ends, and its message vanished": {
			facts: Facts{
				Pushed: once("a"),
				Entries: newScript().say(1, Claimed, "a", 1).say(1, Began, "a", 0).say(1, Expired, "a", 1).
					say(1, Ended, "a", 0).say(1, Late, "a", 1).entries,
			},
			want:  Verdict{Messages: 1, Lost: 1},
			kinds: []string{"lost"},
		},
		"a fail-over undid an acknowledgement": {
			facts: Facts{
				Pushed: once("a"), Entries: newScript().runs(1, "a", 1).runs(2, "a", 2).entries,
				Undone: []Span{{From: at(3), To: at(5)}},
			},
			want: Verdict{Messages: 1, Acked: 2, Twice: 1},
		},
		"an acknowledgement long before the fail-over was undone": {
			facts: Facts{
				Pushed: once("a"), Entries: newScript().runs(1, "a", 1).runs(2, "a", 2).entries,
				Undone: []Span{{From: at(100), To: at(101)}},
			},
			want:  Verdict{Messages: 1, Acked: 2, Doubled: 1, Twice: 1, Unexcused: 1},
			kinds: []string{"doubled", "run twice"},
		},
		"something stands there that nobody pushed": {
			facts: Facts{Standing: map[string]int{"z": 1}},
			want:  Verdict{Standing: 1, Doubled: 1},
			kinds: []string{"doubled"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := Check(test.facts)
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(Verdict{}, "Broken")); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
			var kinds []string
			for _, sentence := range got.Broken {
				kind, _, _ := strings.Cut(sentence, ":")
				kinds = append(kinds, kind)
			}
			if diff := cmp.Diff(test.kinds, kinds); diff != "" {
				t.Errorf("kinds of broken promises (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRecovery(t *testing.T) {
	entries := newScript().say(1, Claimed, "a", 1).say(2, Claimed, "b", 1).say(1, Claimed, "c", 2).say(1, Claimed, "d", 3).entries
	slowest, missing := Recovery(entries, at(2), []int{1, 2})
	if slowest != time.Second || !cmp.Equal(missing, []int{2}) {
		t.Errorf("slowest %s, missing %v; want 1s and worker 2", slowest, missing)
	}
}

func TestLedgerIsReadAsWritten(t *testing.T) {
	name := filepath.Join(t.TempDir(), "ledger")
	if entries, err := ReadFile(name); err != nil || entries != nil {
		t.Fatalf("a missing ledger: %v, %v", entries, err)
	}
	w, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	want := []Entry{{Life: "w.1", What: Claimed, ID: "a", Attempt: 1, Run: 1700000000123456}, {Life: "w.1", What: Left}}
	if err := w.Write(want...); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Entry{}, "At", "Pid")); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
	if _, err := Read(bytes.NewBufferString("{\"at\":1}\n{")); err == nil {
		t.Error("half a line was read")
	}
}
