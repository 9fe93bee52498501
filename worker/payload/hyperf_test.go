package payload

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const vectorDir = "../../internal/phpserialize/testdata/hyperf"

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(vectorDir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// vector is one entry of valid/vectors.json, written by real Hyperf.
type vector struct {
	Name        string
	File        string
	Format      string
	RetryFile   string `json:"retry_file"`
	JobClass    string `json:"job_class"`
	Attempts    int
	MaxAttempts int `json:"maxAttempts"`
	Job         json.RawMessage
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

func mustDecode(t testing.TB, raw []byte) *Message {
	t.Helper()
	m, err := Decode(raw)
	if err != nil {
		t.Fatalf("decoding %.100q: %v", raw, err)
	}
	return m
}

// canonicalJSON spells text in one way: no spaces, sorted names.
func canonicalJSON(t testing.TB, text []byte) string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("decoding JSON: %v", err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestHyperfVectors(t *testing.T) {
	t.Parallel()
	for _, v := range readVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			raw := readFile(t, "valid/"+v.File)
			before := bytes.Clone(raw)
			m := mustDecode(t, raw)
			wantType := v.JobClass
			if wantType == string(annotationJobClass) {
				wantType = annotationName(t, v.Job)
			}
			most, ok := m.MaxAttempts()
			if m.Format() != Hyperf || m.Type() != wantType || m.Attempts() != v.Attempts || most != v.MaxAttempts || !ok {
				t.Errorf("got %v %q, attempts %d of %d (%v), want %q, %d of %d",
					m.Format(), m.Type(), m.Attempts(), most, ok, wantType, v.Attempts, v.MaxAttempts)
			}
			if diff := cmp.Diff(canonicalJSON(t, v.Job), canonicalJSON(t, m.Lossless())); diff != "" {
				t.Errorf("job differs (-want +got):\n%s", diff)
			}
			retry := m.Retry()
			if diff := cmp.Diff(string(readFile(t, "valid/"+v.RetryFile)), string(retry)); diff != "" {
				t.Errorf("retry differs (-want +got):\n%s", diff)
			}
			again := mustDecode(t, retry)
			if again.Attempts() != v.Attempts+1 || again.ID() != m.ID() || again.Type() != m.Type() {
				t.Errorf("after a retry: attempts %d, id %s, type %s; before: id %s", again.Attempts(), again.ID(), again.Type(), m.ID())
			}
			if !json.Valid(m.Data()) {
				t.Errorf("data is not JSON: %.200s", m.Data())
			}
			if !bytes.Equal(m.Raw(), before) {
				t.Error("the message was modified")
			}
		})
	}
}

// annotationName makes the name that Hyperf's listener logs.
func annotationName(t *testing.T, job json.RawMessage) string {
	t.Helper()
	var object struct {
		Props [][2]any
	}
	if err := json.Unmarshal(job, &object); err != nil {
		t.Fatal(err)
	}
	named := map[any]any{}
	for _, p := range object.Props {
		named[p[0]] = p[1]
	}
	class, _ := named["class"].(string)
	method, _ := named["method"].(string)
	return "Job[" + class + "@" + method + "]"
}

func TestHyperfInvalidVectors(t *testing.T) {
	t.Parallel()
	var list struct {
		Vectors []struct {
			File string
			Ours string
		}
	}
	if err := json.Unmarshal(readFile(t, "invalid/invalid.json"), &list); err != nil || len(list.Vectors) == 0 {
		t.Fatal("no vectors", err)
	}
	for _, v := range list.Vectors {
		m, err := Decode(readFile(t, v.File))
		switch v.Ours {
		case "message":
			if err != nil {
				t.Errorf("%s: %v, want a message", v.File, err)
				continue
			}
			if again := mustDecode(t, m.Retry()); again.Attempts() != m.Attempts()+1 {
				t.Errorf("%s: attempts after a retry = %d, before %d", v.File, again.Attempts(), m.Attempts())
			}
			_, _ = m.Data(), m.Lossless()
		case "failed":
			checkRefused(t, v.File, err)
		case "either":
		default:
			t.Errorf("%s: unknown verdict %q", v.File, v.Ours)
		}
	}
}

// checkRefused checks the form of a refusal and returns its reason.
func checkRefused(t *testing.T, what string, err error) string {
	t.Helper()
	var refused *DecodeError
	if !errors.As(err, &refused) || !errors.Is(err, ErrUndecodable) {
		t.Errorf("%s: error = %v, want a DecodeError", what, err)
		return ""
	}
	reason := refused.Reason
	if len(reason) == 0 || len(reason) > maxReasonBytes || strings.ContainsAny(reason, "\n\r\x00") || strings.HasSuffix(reason, ".") {
		t.Errorf("%s: reason is not a short sentence: %q", what, reason)
	}
	return reason
}

func TestWrappedVectorsNameTheSetting(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"f5_annotation_basic.igbinary.bin":       "packer",
		"f5_annotation_basic.igbinary.retry.bin": "packer",
		"f5_demo_empty.igbinary.bin":             "packer",
		"f5_demo_empty.igbinary.retry.bin":       "packer",
		"phpredis_serializer_igbinary.bin":       "OPT_SERIALIZER",
		"phpredis_serializer_php.bin":            "OPT_SERIALIZER",
	} {
		_, err := Decode(readFile(t, "wrapped/"+file))
		if reason := checkRefused(t, file, err); !strings.Contains(reason, want) {
			t.Errorf("%s: reason does not name %s: %s", file, want, reason)
		}
	}
	m := mustDecode(t, readFile(t, "wrapped/plain.bin"))
	if m.Type() != `App\Job\DemoJob` || m.ID() != "job-0" {
		t.Errorf("plain: type %q, id %q", m.Type(), m.ID())
	}
}

// object writes a JobMessage of today around a job.
func object(job, attempts string) string {
	return `O:28:"Hyperf\AsyncQueue\JobMessage":2:{s:3:"job";` + job + `s:8:"attempts";` + attempts + `}`
}

const smallJob = `O:5:"App\J":1:{s:1:"p";i:1;}`

func TestDecodeHyperfRefuses(t *testing.T) {
	t.Parallel()
	const annotation = `O:31:"Hyperf\AsyncQueue\AnnotationJob":`
	for _, c := range []struct{ name, raw, want string }{
		{"another class", `O:5:"App\X":0:{}`, `class "App\X"`},
		{"a job without its envelope", smallJob, `class "App\J"`},
		{"a class name with a line break", "O:6:\"App\xff\xc3\xa9\":0:{}", "class"},
		{"no attempts", `O:28:"Hyperf\AsyncQueue\JobMessage":1:{s:3:"job";` + smallJob + `}`, "no attempts"},
		{"no job", `O:28:"Hyperf\AsyncQueue\JobMessage":1:{s:8:"attempts";i:0;}`, "no job"},
		{"attempts as text", object(smallJob, `s:1:"1";`), "a string, not an integer"},
		{"attempts too large", object(smallJob, "i:2147483647;"), "out of range"},
		{"attempts beyond 64 bits", object(smallJob, "i:99999999999999999999;"), "out of range"},
		{"a job that is an array", object("a:0:{}", "i:0;"), "an array, not an object"},
		{"a plain object", object(`O:8:"stdclass":0:{}`, "i:0;"), "stdClass"},
		{"two jobs", `O:28:"Hyperf\AsyncQueue\JobMessage":3:{i:0;` + smallJob + `s:3:"job";` + smallJob + `i:1;i:0;}`, "two different jobs"},
		{"an AnnotationJob without its method", object(annotation+`1:{s:5:"class";s:1:"C";}`, "i:0;"), "class and a method"},
		{"an AnnotationJob with a number for a method", object(annotation+`2:{s:5:"class";s:1:"C";s:6:"method";i:1;}`, "i:0;"), "class and a method"},
		{"the old envelope around a string", `C:25:"Hyperf\AsyncQueue\Message":8:{s:1:"a";}`, "holds a string"},
		{"the old envelope with rubbish", `C:25:"Hyperf\AsyncQueue\Message":3:{abc}`, "malformed"},
		{"the old envelope with more than it holds", `C:25:"Hyperf\AsyncQueue\Message":8:{a:0:{}xy}`, "malformed"},
		{"cut short", object(smallJob, "i:0;")[:60], "cut short"},
		{"cut at the end", strings.TrimSuffix(object(smallJob, "i:0;"), "}"), "cut short"},
	} {
		_, err := Decode([]byte(c.raw))
		if reason := checkRefused(t, c.name, err); !strings.Contains(reason, c.want) {
			t.Errorf("%s: reason = %q, want %q in it", c.name, reason, c.want)
		}
	}
}

func TestDecodeHyperfReadsTheJob(t *testing.T) {
	t.Parallel()
	const annotation = `O:31:"hyperf\asyncqueue\annotationjob":2:{s:5:"class";s:5:"App\C";s:6:"method";s:3:"run";}`
	for _, c := range []struct {
		name, raw, wantType string
		wantMax             int
		wantOK              bool
	}{
		{"no maxAttempts", object(smallJob, "i:0;"), `App\J`, 0, false},
		{"public", object(`O:1:"J":1:{s:11:"maxAttempts";i:3;}`, "i:0;"), "J", 3, true},
		{"protected", object("O:1:\"J\":1:{s:14:\"\x00*\x00maxAttempts\";i:3;}", "i:0;"), "J", 3, true},
		{"private is not the job's", object("O:1:\"J\":1:{s:14:\"\x00B\x00maxAttempts\";i:3;}", "i:0;"), "J", 0, false},
		{"by reference", object(`O:1:"J":2:{s:1:"a";i:4;s:11:"maxAttempts";R:3;}`, "i:0;"), "J", 4, true},
		{"null", object(`O:1:"J":1:{s:11:"maxAttempts";N;}`, "i:0;"), "J", 0, false},
		{"only in the parameters", object(`O:1:"J":1:{s:1:"p";a:1:{s:11:"maxAttempts";i:9;}}`, "i:0;"), "J", 0, false},
		{"a job with a payload of its own", object(`C:1:"J":3:{xyz}`, "i:0;"), "J", 0, false},
		{"an enum as job", object(`E:5:"A\J:X";`, "i:0;"), `A\J`, 0, false},
		{"an annotation in small letters", object(annotation, "i:0;"), `Job[App\C@run]`, 0, false},
		{"the old class as an object", `O:25:"Hyperf\AsyncQueue\Message":2:{i:0;` + smallJob + `i:1;i:2;}`, `App\J`, 0, false},
	} {
		m, err := Decode([]byte(c.raw))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if n, ok := m.MaxAttempts(); m.Type() != c.wantType || n != c.wantMax || ok != c.wantOK {
			t.Errorf("%s: type %q, maxAttempts %d (%v), want %q, %d (%v)", c.name, m.Type(), n, ok, c.wantType, c.wantMax, c.wantOK)
		}
	}
}

func TestHyperfRetryOfOddSpellings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, raw, want string }{
		{"a sign", object(smallJob, "i:+0;"), object(smallJob, "i:1;")},
		{"zeros", object(smallJob, "i:009;"), object(smallJob, "i:10;")},
		{"negative", object(smallJob, "i:-1;"), object(smallJob, "i:0;")},
		{"bytes after the value stay", object(smallJob, "i:0;") + "\n", object(smallJob, "i:1;") + "\n"},
		{
			"the length grows by a digit too", `C:25:"Hyperf\AsyncQueue\Message":99:{` + wide(99, "i:9;") + `}`,
			`C:25:"Hyperf\AsyncQueue\Message":100:{` + wide(99, "i:10;") + `}`,
		},
		{"both counts, in the other order", `O:28:"Hyperf\AsyncQueue\JobMessage":4:{s:8:"attempts";i:9;s:3:"job";` + smallJob + `i:1;i:9;i:0;r:3;}`,
			`O:28:"Hyperf\AsyncQueue\JobMessage":4:{s:8:"attempts";i:10;s:3:"job";` + smallJob + `i:1;i:10;i:0;r:3;}`},
	} {
		m, err := Decode([]byte(c.raw))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(c.want, string(m.Retry())); diff != "" {
			t.Errorf("%s: retry differs (-want +got):\n%s", c.name, diff)
		}
	}
}

// wide is the body of the oldest envelope, n bytes long when attempts is as
// long as i:9;.
func wide(n int, attempts string) string {
	const frame = `a:2:{i:0;O:1:"J":1:{s:1:"p";s:00:"";}i:1;i:9;}`
	filler := strings.Repeat("x", n-len(frame))
	return `a:2:{i:0;O:1:"J":1:{s:1:"p";s:` + string([]byte{byte('0' + len(filler)/10), byte('0' + len(filler)%10)}) +
		`:"` + filler + `";}i:1;` + attempts + `}`
}

func TestHyperfID(t *testing.T) {
	t.Parallel()
	id := func(raw string) string { return mustDecode(t, []byte(raw)).ID() }
	withID := func(value string) string { return object(`O:1:"J":1:{s:8:"uniqueId";`+value+`}`, "i:0;") }
	if got := id(withID(`s:3:"u-1";`)); got != "u-1" {
		t.Errorf("id of a job with a uniqueId = %q", got)
	}
	for _, value := range []string{"i:5;", `s:0:"";`, `s:1:" ";`, "s:1:\"\xff\";", "N;"} {
		if got := id(withID(value)); len(got) != 32 {
			t.Errorf("id of a job with uniqueId %q = %q, want 32 digits", value, got)
		}
	}
	if id(object(smallJob, "i:0;")) != id(object(smallJob, "i:12;")) {
		t.Error("the id changes with the attempts")
	}
	if id(object(smallJob, "i:0;")) == id(object(`O:5:"App\J":1:{s:1:"p";i:2;}`, "i:0;")) {
		t.Error("different jobs have one id")
	}
}
