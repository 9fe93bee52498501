package phpserialize

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const vectorDir = "testdata/hyperf"

// vector is one entry of valid/vectors.json: what real Hyperf wrote, and the
// job in it as lossless JSON.
type vector struct {
	Name         string
	File         string
	Format       string
	MessageClass string `json:"message_class"`
	Job          json.RawMessage
}

func readVectors(t testing.TB) []vector {
	t.Helper()
	var list struct{ Vectors []vector }
	if err := json.Unmarshal(readFile(t, "valid/vectors.json"), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Vectors) == 0 {
		t.Fatal("no vectors")
	}
	return list.Vectors
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(vectorDir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// opensMessage opens the payload of Hyperf's oldest envelope.
func opensMessage(class []byte) bool { return string(class) == `Hyperf\AsyncQueue\Message` }

func parseVector(t testing.TB, v vector) (*Tree, int) {
	t.Helper()
	tree := &Tree{}
	if err := tree.Parse(readFile(t, "valid/"+v.File), Options{Open: opensMessage}); err != nil {
		t.Fatal(err)
	}
	list := 0
	if v.Format == "f1" {
		list = 1
	}
	return tree, tree.First(list).Value
}

func TestVectorsDecodeToTheirJSON(t *testing.T) {
	t.Parallel()
	for _, v := range readVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			tree, job := parseVector(t, v)
			if got := string(tree.Text(0)); got != v.MessageClass {
				t.Errorf("message class = %q, want %q", got, v.MessageClass)
			}
			got := tree.AppendLossless(nil, job)
			// Compared as text: the deepest vector is too deep for a structural diff.
			if diff := cmp.Diff(canonicalJSON(t, v.Job), canonicalJSON(t, got)); diff != "" {
				t.Errorf("lossless JSON differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestVectorsAreWrittenAgainByteForByte(t *testing.T) {
	t.Parallel()
	for _, v := range readVectors(t) {
		for _, file := range []string{v.File, strings.TrimSuffix(v.File, ".bin") + ".retry.bin"} {
			src := readFile(t, "valid/"+file)
			tree := &Tree{}
			if err := tree.Parse(src, Options{Open: opensMessage}); err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			if diff := cmp.Diff(string(src), string(tree.AppendTree(nil, 0))); diff != "" {
				t.Errorf("%s: written differently (-want +got):\n%s", file, diff)
			}
		}
	}
}

// TestVectorsHaveTheirOffsets checks that each node encloses exactly its own
// text: what it encloses parses to the same text again.
func TestVectorsHaveTheirOffsets(t *testing.T) {
	t.Parallel()
	for _, v := range readVectors(t) {
		tree, _ := parseVector(t, v)
		checkOffsets(t, tree)
	}
}

func checkOffsets(t *testing.T, tree *Tree) {
	t.Helper()
	for i := range tree.Len() {
		n := tree.Node(i)
		if n.Start < 0 || n.Start >= n.End || n.TextStart > n.TextEnd || n.TextEnd > n.End || int(n.Next) <= i {
			t.Fatalf("node %d has impossible offsets: %+v", i, *n)
		}
		again := &Tree{}
		err := again.Parse(tree.Source(i), Options{Open: opensMessage})
		if err != nil && n.Kind != Ref && n.Kind != Alias && !strings.Contains(err.Error(), "a reference") {
			t.Fatalf("node %d (%v) is no value of its own: %v", i, n.Kind, err)
		}
		if err == nil && again.End() != int(n.End-n.Start) {
			t.Fatalf("node %d (%v) ends at %d, want %d", i, n.Kind, again.End(), n.End-n.Start)
		}
	}
}

func decodeJSON(t testing.TB, text []byte) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("decoding JSON: %v", err)
	}
	if d.More() {
		t.Fatal("JSON is followed by something")
	}
	return v
}

// canonicalJSON spells text in one way: no spaces, sorted names.
func canonicalJSON(t testing.TB, text []byte) string {
	t.Helper()
	b, err := json.Marshal(decodeJSON(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
