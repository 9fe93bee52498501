package phpserialize

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// FuzzParse holds what must be true of any input: no panic; offsets inside the
// text; what is written again parses to the same, and once canonical stays so;
// both JSON forms are JSON.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob(vectorDir + "/*/*.bin")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add(doubling(8))
	f.Fuzz(func(t *testing.T, src []byte) {
		opens := Options{Open: opensMessage}
		var tree Tree
		if err := tree.Parse(src, opens); err != nil {
			return
		}
		if tree.End() > len(src) {
			t.Fatalf("value ends at %d of %d", tree.End(), len(src))
		}
		for i := range tree.Len() {
			n := tree.Node(i)
			if n.Start >= n.End || int(n.End) > tree.End() || n.TextStart > n.TextEnd || n.TextEnd > n.End {
				t.Fatalf("node %d has impossible offsets: %+v", i, *n)
			}
		}
		lossless := tree.AppendLossless(nil, 0)
		if !json.Valid(lossless) {
			t.Fatalf("lossless JSON is not JSON: %s", lossless)
		}
		if natural := tree.AppendNatural(nil, 0, 1<<16); !json.Valid(natural) {
			t.Fatalf("natural JSON is not JSON: %s", natural)
		}
		canonical := tree.AppendTree(nil, 0)
		var again Tree
		if err := again.Parse(canonical, opens); err != nil {
			t.Fatalf("what was written does not parse: %v\n%q", err, canonical)
		}
		if got := again.AppendTree(nil, 0); !bytes.Equal(got, canonical) {
			t.Fatalf("not canonical after one writing:\n%q\n%q", canonical, got)
		}
	})
}
