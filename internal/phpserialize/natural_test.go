package phpserialize

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAppendNatural(t *testing.T) {
	t.Parallel()
	const (
		shared = `O:8:"stdClass":1:{s:2:"id";i:7;}`
		parent = "s:15:\"\x00App\\Base\x00token\";"
		child  = "s:16:\"\x00App\\Child\x00token\";"
	)
	for _, c := range []struct{ name, src, want string }{
		{"null", "N;", "null"},
		{"booleans", "a:2:{i:0;b:0;i:1;b:1;}", "[false,true]"},
		{"an integer", "i:-5;", "-5"},
		{"an integer beyond 2^53 keeps its digits", "i:9223372036854775807;", "9223372036854775807"},
		{"an integer with sign and zeros", "a:3:{i:0;i:+007;i:1;i:-00;i:2;i:-010;}", "[7,0,-10]"},
		{"floats stay floats", "a:4:{i:0;d:1;i:1;d:0.1;i:2;d:-0;i:3;d:1.0E+25;}", "[1.0,0.1,-0.0,1.0E+25]"},
		{"floats that JSON lacks", "a:3:{i:0;d:NAN;i:1;d:-INF;i:2;d:1e999;}",
			`[{"$float":"NAN"},{"$float":"-INF"},{"$float":"1e999"}]`},
		{"floats in other spellings", "a:5:{i:0;d:.5;i:1;d:5.;i:2;d:+1.5;i:3;d:007;i:4;d:0;}", "[0.5,5.0,1.5,7.0,0.0]"},
		{"a string", "s:8:\"a\"\\\n\x01é/\";", `"a\"\\\n\u0001é/"`},
		{"an escaped string", `S:2:"\c3\a9";`, `"é"`},
		{"a string that is not UTF-8", "s:2:\"\xff\xfe\";", `{"$bytes":"//4="}`},
		{"an empty array is a list", "a:0:{}", "[]"},
		{"a list", `a:2:{i:0;s:1:"a";i:1;i:2;}`, `["a",2]`},
		{"a map", `a:2:{s:1:"k";i:1;i:5;i:2;}`, `{"k":1,"5":2}`},
		{"a list with a gap is a map", `a:2:{i:0;N;i:2;N;}`, `{"0":null,"2":null}`},
		{"equal keys: the last value counts", `a:3:{s:1:"1";i:1;s:1:"x";i:2;i:1;i:3;}`, `{"1":3,"x":2}`},
		{"a name that is not UTF-8", "a:1:{s:1:\"\xff\";i:1;}", `{"$bytes:/w==":1}`},
		{"names that look like marks", `a:4:{s:6:"$bytes";i:1;s:5:"$$ref";i:2;s:4:"$set";i:3;s:8:"$bytes:x";i:4;}`,
			`{"$$bytes":1,"$$$ref":2,"$set":3,"$$bytes:x":4}`},
		{"an object", shared, `{"id":7}`},
		{"an object with integer names", `O:1:"A":1:{i:0;i:1;}`, `{"0":1}`},
		{"an empty object", `O:1:"A":0:{}`, "{}"},
		{"protected and private names", "O:1:\"A\":2:{s:4:\"\x00*\x00p\";i:1;s:4:\"\x00A\x00q\";i:2;}", `{"p":1,"q":2}`},
		{"the own private property has the bare name", `O:9:"App\Child":2:{` + parent + `i:1;` + child + `i:2;}`,
			`{"token":2,"App\\Base::token":1}`},
		{"in either order", `O:9:"App\Child":2:{` + child + `i:2;` + parent + `i:1;}`,
			`{"token":2,"App\\Base::token":1}`},
		{"a public property comes first", `O:9:"App\Child":2:{` + parent + `i:1;s:5:"token";i:3;}`,
			`{"token":3,"App\\Base::token":1}`},
		{"an enum case", `E:6:"Suit:H";`, `{"$enum":"Suit:H"}`},
		{"a custom object", `C:3:"Foo":2:{a"}`, `{"$custom":"Foo","payload":"a\""}`},
		{"a shared object stands twice", `a:2:{i:0;` + shared + `i:1;r:2;}`, `[{"id":7},{"id":7}]`},
		{"a shared value stands twice", `a:2:{i:0;i:5;i:1;R:2;}`, `[5,5]`},
		{"an object that holds itself", `O:1:"A":1:{s:1:"a";r:1;}`, `{"a":{"$ref":"#"}}`},
		{"deeper inside", `a:1:{s:3:"a/~";a:2:{i:0;N;i:1;O:1:"A":1:{s:1:"b";r:4;}}}`,
			`{"a/~":[null,{"b":{"$ref":"#/a~1~0/1"}}]}`},
		{"through a reference", `a:2:{s:1:"x";O:1:"A":1:{s:1:"p";R:1;}s:1:"y";r:2;}`,
			`{"x":{"p":{"$ref":"#"}},"y":{"p":{"$ref":"#"}}}`},
		{"a reference that cannot be known", `a:2:{i:0;C:1:"A":1:{x}i:1;r:9;}`,
			`[{"$custom":"A","payload":"x"},{"$ref":9}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tree, err := Parse([]byte(c.src))
			if err != nil {
				t.Fatal(err)
			}
			got := tree.AppendNatural(nil, 0, 1000)
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Errorf("natural JSON differs (-want +got):\n%s", diff)
			}
			if !json.Valid(got) {
				t.Errorf("not valid JSON: %s", got)
			}
		})
	}
}

func TestAppendNaturalOfManyMembers(t *testing.T) {
	t.Parallel()
	var src strings.Builder
	const n = 100
	fmt.Fprintf(&src, "a:%d:{", n+1)
	for i := range n {
		fmt.Fprintf(&src, `s:4:"k%03d";i:%d;`, i, i)
	}
	src.WriteString(`s:4:"k050";s:4:"last";}`)
	tree, err := Parse([]byte(src.String()))
	if err != nil {
		t.Fatal(err)
	}
	text := tree.AppendNatural(nil, 0, 1<<20)
	got, ok := decodeJSON(t, text).(map[string]any)
	if !ok || len(got) != n || got["k050"] != "last" || strings.Count(string(text), `"k050"`) != 1 {
		t.Errorf("got %d members, k050 = %v", len(got), got["k050"])
	}
}

// doubling is a text in which n objects each hold the one before twice.
func doubling(n int) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `a:%d:{i:0;O:1:"A":0:{}`, n)
	slot := 2
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, `i:%d;O:1:"A":2:{s:1:"l";r:%d;s:1:"r";r:%d;}`, i, slot, slot)
		if i == 1 {
			slot++
		} else {
			slot += 3
		}
	}
	b.WriteString("}")
	return []byte(b.String())
}

func TestAppendNaturalDoesNotExplode(t *testing.T) {
	t.Parallel()
	tree, err := Parse(doubling(40))
	if err != nil {
		t.Fatal(err)
	}
	got := tree.AppendNatural(nil, 0, 10_000)
	if len(got) < 10_000 || len(got) > 15_000 || !json.Valid(got) {
		t.Errorf("got %d bytes of JSON, want about 10000", len(got))
	}
	if !strings.Contains(string(got), `{"$ref":`) {
		t.Error("nothing says that copies are missing")
	}
}

func TestAppendNaturalStaysReadable(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	const n = 10_000
	fmt.Fprintf(&b, `a:%d:{i:0;O:1:"A":0:{}`, n)
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, `i:%d;O:1:"A":1:{s:1:"p";r:%d;}`, i, max(2, 2*i-1))
	}
	b.WriteString("}")
	tree, err := Parse([]byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	last := tree.First(0)
	for next := tree.After(last); tree.Within(0, next); next = tree.After(last) {
		last = next
	}
	// json.Valid knows the depth limit of encoding/json.
	if got := tree.AppendNatural(nil, last.Value, 1<<20); !json.Valid(got) {
		t.Error("the JSON is nested too deeply")
	}
}

func TestVectorsAreValidNaturalJSON(t *testing.T) {
	t.Parallel()
	for _, v := range readVectors(t) {
		tree, job := parseVector(t, v)
		if got := tree.AppendNatural(nil, job, 1<<20); !json.Valid(got) {
			t.Errorf("%s: not JSON: %.200s", v.Name, got)
		}
	}
}
