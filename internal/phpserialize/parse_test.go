package phpserialize

import (
	"errors"
	"runtime"
	"strings"
	"testing"
)

// TestParseAgreesWithPHP holds what unserialize() of PHP 8.2 accepts and
// refuses.
func TestParseAgreesWithPHP(t *testing.T) {
	t.Parallel()
	const object = `O:8:"stdClass":`
	accepted := []string{
		"N;", "N;x", "b:0;", "b:1;", "i:0;", "i:+1;", "i:-1;", "i:0000000000000000000000000000001;",
		"i:9223372036854775808;", "i:-9223372036854775809;", "i:99999999999999999999999;",
		"d:.5;", "d:5.;", "d:+1;", "d:1e5;", "d:1E+5;", "d:-0;", "d:NAN;", "d:INF;", "d:-INF;",
		`s:0:"";`, `s:01:"a";`, `S:1:"\6a";`, `S:1:"\6A";`, `S:0:"";`, "s:3:\"a\x00b\";",
		"a:0:{}", "a:0:{}x", "a:01:{i:0;N;}", `a:1:{S:1:"a";i:1;}`, `a:2:{s:1:"1";i:1;i:1;i:2;}`,
		`O:4:"Foo\":0:{}`, `O:5:"1Foox":0:{}`, "O:4:\"F\x80oo\":0:{}", `O:3:"Foo":+0:{}`, `O:03:"Foo":0:{}`,
		object + `1:{i:0;i:1;}`, object + "1:{s:4:\"\x00abx\";i:1;}", object + `1:{s:1:"a";r:1;}`,
		`a:1:{i:0;R:1;}`, `a:2:{i:0;i:1;i:1;R:2;}`,
		`a:2:{i:0;` + object + `0:{}i:1;r:2;}`, `a:3:{i:0;` + object + `0:{}i:1;r:2;i:2;r:3;}`,
		`C:3:"Foo":0:{}`, `C:3:"Foo":5:{aaaaa}`, `C:3:"Foo":1:{}}`, `E:5:"A\B:C";`,
	}
	refused := []string{
		"", "N", "x", "b:2;", "b:01;", "b:1", "i:;", "i:-;", "i:--1;", "i:0x1;", "i:1", "i1;",
		"d:;", "d:.;", "d:+INF;", "d:-NAN;", "d:inf;", "d:1e;", "d:1", "d1;", "d:1.2.3;",
		`s:+1:"a";`, `s:2:"a";`, `s:0:"a";`, `s:1:a;`, `s:1:"a"`, `s:99999999999999999999:"a";`, `s:2147483647:"a";`,
		`S:1:"\6g";`, `S:1:"\6`, `S:2:"a";`, `S:1:a`, "a:+0:{}", "a:0:{", "a:1:{}", "a:0:{i:0;N;}", "a:-1:{}",
		"a:1:{N;i:1;}", "a:1:{d:1;i:1;}", "a:1:{a:0:{}i:1;}", "a:1:{i:0;i:1;i:1;i:2;}", "a:2147483647:{i:0;N;}",
		"a:1:{R:1;N;}", "a:1:(i:0;N;)",
		`O:0:"":0:{}`, `O:1:"\":0:{}`, `O:4:"\Foo":0:{}`, `O:3:"F o":0:{}`, "O:4:\"F\x7foo\":0:{}",
		`O:3:"Foo":-1:{}`, `O:+3:"Foo":0:{}`, `O:3:"Foo":+:{}`, `O:3:"Foo":{}`, `O:3:"Foo";`, `o:0:{}`,
		`C:3:"Foo":5:{aaaaa`, `C:3:"Foo":5:{aaaa}`, `C:3:"Foo":5:(aaaaa)`, `C:3:"F o":0:{}`, `C:3:"Foo":9:{}`,
		`E:3:"Foo";`, `E:4:"Foo:";`, `E:2:":C";`, `E:5:"A:B:C";`, `E:5:"A:"B";`, `E:3:"A:B`, `E:`, `E:3:A:B;`, `E:4:"\A:B";`, `E:3:"A:B"`,
		"r:1;", "R:1;", "R:0;", "r:x;", "R:1", "R:99999999999999999999;", "a:1:{i:0;r:1;}", "a:1:{i:0;R:2;}",
		"a:2:{i:0;i:1;i:1;r:2;}", "a:2:{i:0;i:1;i:1;R:3;}", "a:2:{i:0;R:1;i:1;R:0;}",
		"a:3:{i:0;i:5;i:1;R:2;i:2;R:3;}", object + `2:{s:1:"a";r:2;s:1:"b";i:1;}`,
	}
	for _, src := range accepted {
		if _, err := Parse([]byte(src)); err != nil {
			t.Errorf("Parse(%q) = %v, PHP accepts it", src, err)
		}
	}
	for _, src := range refused {
		if _, err := Parse([]byte(src)); err == nil {
			t.Errorf("Parse(%q) succeeded, PHP refuses it", src)
		}
	}
}

// TestParseTakesEnumsOfAnyLength: the one place where more is accepted than PHP
// does, see parser.enum.
func TestParseTakesEnumsOfAnyLength(t *testing.T) {
	t.Parallel()
	for _, src := range []string{`E:4:"A\B:C";`, `E:9:"A\B:C";`} {
		tree, err := Parse([]byte(src))
		if err != nil {
			t.Errorf("Parse(%s) = %v", src, err)
			continue
		}
		if got := string(tree.Text(0)); got != `A\B:C` || tree.End() != len(src) {
			t.Errorf("%s is read as %s, ending at %d", src, got, tree.End())
		}
	}
}

func TestParseStopsAtTheEndOfTheValue(t *testing.T) {
	t.Parallel()
	tree, err := Parse([]byte("a:1:{i:0;b:1;}rest"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tree.End(), len("a:1:{i:0;b:1;}"); got != want {
		t.Errorf("End() = %d, want %d", got, want)
	}
}

func nest(n int, inner string) string {
	return strings.Repeat("a:1:{i:0;", n) + inner + strings.Repeat("}", n)
}

func TestParseCountsDepthAsPHPDoes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		src    string
		wantOK bool
	}{
		{"4096 arrays", nest(4096, "N;"), true},
		{"4097 arrays", nest(4097, "N;"), false},
		{"an empty array is no level", nest(4096, "a:0:{}"), true},
		{"an empty object is one", nest(4096, `O:8:"stdClass":0:{}`), false},
		{"an empty object at the limit", nest(4095, `O:8:"stdClass":0:{}`), true},
	} {
		if _, err := Parse([]byte(c.src)); (err == nil) != c.wantOK {
			t.Errorf("%s: error = %v, want success %v", c.name, err, c.wantOK)
		}
	}
}

func TestParseKeepsItsLimits(t *testing.T) {
	t.Parallel()
	var tree Tree
	if err := tree.Parse([]byte(nest(4, "N;")), Options{MaxDepth: 3}); err == nil {
		t.Error("MaxDepth 3 allowed 4 levels")
	}
	list := []byte("a:3:{i:0;N;i:1;N;i:2;N;}")
	if err := tree.Parse(list, Options{MaxNodes: 6}); err == nil {
		t.Error("MaxNodes 6 allowed 7 nodes")
	}
	if err := tree.Parse(list, Options{MaxNodes: 7}); err != nil {
		t.Errorf("MaxNodes 7 refused 7 nodes: %v", err)
	}
}

// TestParseTakesMemoryInProportion claims huge counts in few bytes.
func TestParseTakesMemoryInProportion(t *testing.T) {
	for _, src := range []string{
		"a:2147483647:{", "a:2000000000:{i:0;", `O:1:"A":2147483647:{`, `s:2147483647:"`, `C:1:"A":2147483647:{`,
		strings.Repeat("a:2147483647:{i:0;", 50),
	} {
		const runs = 100
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range runs {
			_, _ = Parse([]byte(src))
		}
		runtime.ReadMemStats(&after)
		got, limit := (after.TotalAlloc-before.TotalAlloc)/runs, uint64(2000+100*len(src))
		if got > limit {
			t.Errorf("%.20q…: parsing takes %d bytes of memory, want at most %d", src, got, limit)
		}
	}
}

func TestSyntaxErrorHasTheOffsetAndNoneOfTheText(t *testing.T) {
	t.Parallel()
	_, err := Parse([]byte(`a:1:{s:6:"secret";X}`))
	var syntax *SyntaxError
	if !errors.As(err, &syntax) {
		t.Fatalf("error is %T, want *SyntaxError", err)
	}
	if want := strings.Index(`a:1:{s:6:"secret";X}`, "X"); syntax.Offset != want {
		t.Errorf("offset = %d, want %d", syntax.Offset, want)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the error shows the text: %v", err)
	}
}

// TestReferencesAfterOpaqueCustomObjects: the payload may have taken slots, so
// that later numbers are not certain and must not fail a message.
func TestReferencesAfterOpaqueCustomObjects(t *testing.T) {
	t.Parallel()
	src := `a:4:{i:0;O:8:"stdClass":0:{}i:1;C:3:"Foo":4:{i:1;}i:2;r:2;i:3;r:99;}`
	tree, err := Parse([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	last := tree.First(0)
	for tree.Within(0, tree.After(last)) {
		if tree.Node(last.Value).Kind == Ref {
			if _, ok := tree.Resolve(last.Value); !ok {
				t.Error("the reference to a slot before the custom object is not resolved")
			}
		}
		last = tree.After(last)
	}
	if _, ok := tree.Resolve(last.Value); ok {
		t.Error("a reference to a slot that cannot be counted is resolved")
	}
}

func TestPayloadLength(t *testing.T) {
	t.Parallel()
	src := []byte(`C:3:"Foo":05:{aaaaa}`)
	tree, err := Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	start, end := tree.PayloadLength(0)
	if got := string(src[start:end]); got != "05" {
		t.Errorf("length digits = %q, want 05", got)
	}
	if got := string(tree.Payload(0)); got != "aaaaa" {
		t.Errorf("payload = %q", got)
	}
}

func TestTreeIsReused(t *testing.T) {
	var tree Tree
	src := []byte("a:2:{i:0;N;i:1;O:1:\"A\":0:{}}")
	parse := func() {
		if err := tree.Parse(src, Options{}); err != nil {
			t.Fatal(err)
		}
	}
	parse()
	if got := testing.AllocsPerRun(100, parse); got > 0 {
		t.Errorf("parsing into a used tree makes %v allocations, want none", got)
	}
	if tree.Parse([]byte("x"), Options{}) == nil || tree.Len() != 0 {
		t.Error("a failed parse leaves nodes")
	}
	tree.Forget()
	if tree.Cap() == 0 {
		t.Error("Forget dropped the memory")
	}
}
