package payload

import (
	"os"
	"regexp"
	"sync"
	"testing"

	"github.com/asyncqueue/operator/internal/phpserialize"
)

// TestDocumentedExamples checks the table of docs/payloads.md.
func TestDocumentedExamples(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/payloads.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| .* \\| `([a-zA-Z]:.*)` \\| `(.*)` \\|$")
	rows := row.FindAllStringSubmatch(string(text), -1)
	const want = 17
	if len(rows) != want {
		t.Errorf("found %d examples, want %d", len(rows), want)
	}
	for _, r := range rows {
		tree, err := phpserialize.Parse([]byte(r[1]))
		if err != nil || tree.End() != len(r[1]) {
			t.Errorf("%s: %v", r[1], err)
			continue
		}
		if got := string(tree.AppendNatural(nil, 0, copiesBytes)); got != r[2] {
			t.Errorf("%s is %s, documented as %s", r[1], got, r[2])
		}
	}
}

func TestMessageIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	m := mustDecode(t, readFile(t, "valid/f5_demo_refs_object.bin"))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_, _, _, _ = m.Data(), m.Lossless(), m.Retry(), m.ID()
			if _, err := m.CloudEvent("hyperf/queue"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// TestDecodeIsCheap keeps the hot path from growing allocations: the message, its
// name and its id.
func TestDecodeIsCheap(t *testing.T) {
	const most = 5 // room for the pool, which the garbage collector empties
	raw := readFile(t, "valid/f5_demo_attempts_1.bin")
	if got := testing.AllocsPerRun(1000, func() { _, _ = Decode(raw) }); got > most {
		t.Errorf("decoding makes %v allocations, want at most %d", got, most)
	}
}
