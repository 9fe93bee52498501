package payload

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const minimal = `{"specversion":"1.0","id":"1","source":"/s","type":"job"}`

// with adds members to the minimal CloudEvent.
func with(members string) string { return strings.TrimSuffix(minimal, "}") + "," + members + "}" }

func TestDecodeCloudEvent(t *testing.T) {
	t.Parallel()
	raw := " \n" + `{ "type" : "send\u002dmail", "specversion":"1.0", "id":"a\/b", "source":"https:\/\/shop.example/x", ` +
		`"time":"2026-01-02T03:04:05.5+01:00", "attempts":2, "maxattempts":"7", "traceparent":"00-abc", "subject":null, "data":{"n":[1, 2]} }` + "\n"
	m := mustDecode(t, []byte(raw))
	most, ok := m.MaxAttempts()
	if m.Format() != CloudEvents || m.Type() != "send-mail" || m.ID() != "a/b" || m.Source() != "https://shop.example/x" ||
		m.Attempts() != 2 || most != 7 || !ok || m.TraceParent() != "00-abc" || string(m.Data()) != `{"n":[1, 2]}` {
		t.Errorf("got %v type %q id %q source %q attempts %d of %d (%v) trace %q data %s",
			m.Format(), m.Type(), m.ID(), m.Source(), m.Attempts(), most, ok, m.TraceParent(), m.Data())
	}
	if want := time.Date(2026, 1, 2, 2, 4, 5, 5e8, time.UTC); !m.Time().Equal(want) {
		t.Errorf("time = %v, want %v", m.Time(), want)
	}
	m = mustDecode(t, []byte(minimal))
	if _, ok := m.MaxAttempts(); ok || m.Attempts() != 0 || !m.Time().IsZero() || string(m.Data()) != "null" {
		t.Errorf("minimal: attempts %d, maxAttempts set %v, time %v, data %s", m.Attempts(), ok, m.Time(), m.Data())
	}
}

func TestDecodeCloudEventRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, raw, want string }{
		{"nothing", "", "empty"},
		{"only spaces", " \n", "empty"},
		{"other JSON", `{"job":"x"}`, "no specversion"},
		{"an empty object", `{}`, "no specversion"},
		{"another version", `{"specversion":"0.3","id":"1","source":"/s","type":"job"}`, `specversion is "0.3"`},
		{"a version that is a number", `{"specversion":1.0,"id":"1","source":"/s","type":"job"}`, "specversion is not a string"},
		{"no type", `{"specversion":"1.0","id":"1","source":"/s"}`, "type is missing"},
		{"no id", `{"specversion":"1.0","source":"/s","type":"t"}`, "id is missing"},
		{"no source", `{"specversion":"1.0","id":"1","type":"t"}`, "source is missing"},
		{"an empty type", `{"specversion":"1.0","id":"1","source":"/s","type":" "}`, "type is empty"},
		{"a null id", `{"specversion":"1.0","id":null,"source":"/s","type":"t"}`, "id is missing"},
		{"a source that is no URI", `{"specversion":"1.0","id":"1","source":"http://[x","type":"t"}`, "source is not a URI"},
		{"a source with a colon in its first segment", `{"specversion":"1.0","id":"1","source":"1:x","type":"t"}`, "source is not a URI"},
		{"attempts twice", with(`"attempts":1,"attempts":2`), `"attempts" stands twice`},
		{"attempts twice, once escaped", with(`"attempts":1,"\u0061ttempts":2`), `"attempts" stands twice`},
		{"negative attempts", with(`"attempts":-1`), "whole number"},
		{"attempts with a fraction", with(`"attempts":1.0`), "whole number"},
		{"attempts with an exponent", with(`"attempts":1e1`), "whole number"},
		{"attempts too large", with(`"attempts":2147483647`), "whole number"},
		{"attempts as a word", with(`"attempts":"one"`), "whole number"},
		{"attempts with an empty string", with(`"attempts":""`), "whole number"},
		{"attempts with a zero in front", with(`"attempts":"01"`), "whole number"},
		{"attempts as a list", with(`"attempts":[1]`), "whole number"},
		{"negative maxattempts", with(`"maxattempts":-1`), "maxattempts is not a whole number"},
		{"maxAttempts as in PHP", with(`"maxAttempts":1`), `"maxAttempts" must be named with lower-case`},
		{"an attribute with a line", with(`"my_key":1`), `"my_key" must be named`},
		{"an attribute without a name", with(`"":1`), "has no name"},
		{"an extension that is an object", with(`"params":{}`), "belong into data"},
		{"an extension with a fraction", with(`"price":1.5`), "belong into data"},
		{"an extension too large", with(`"big":2147483648`), "belong into data"},
		{"a bad time", with(`"time":"yesterday"`), "RFC 3339"},
		{"an empty subject", with(`"subject":""`), "subject is empty"},
		{"a schema that is no URI", with(`"dataschema":"x/y"`), "dataschema is not an absolute URI"},
		{"a content type that is none", with(`"datacontenttype":";"`), "media type"},
		{"data that is not of its type", with(`"datacontenttype":"text/plain","data":{}`), "not JSON, but its data is"},
		{"both kinds of data", with(`"data":1,"data_base64":"QQ=="`), "both data and data_base64"},
		{"data that is not base64", with(`"data_base64":"Q"`), "not base64"},
		{"data that is half padded", with(`"data_base64":"A==="`), "not base64"},
		{"data in URL base64", with(`"data_base64":"_-=="`), "not base64"},
		{"data_base64 that is a number", with(`"data_base64":1`), "not base64"},
		{"a trace that is a number", with(`"traceparent":1`), "traceparent is not a string"},
		{"cut short", minimal[:20], "cut short"},
		{"a comma too much", `{"specversion":"1.0",}`, "name of a member"},
		{"no comma", `{"specversion":"1.0" "id":"1"}`, "comma"},
		{"something behind", minimal + "x", "something follows"},
		{"two objects", minimal + minimal, "something follows"},
		{"not UTF-8", with("\"a\":\"\xff\""), "UTF-8"},
		{"a line break in a string", with("\"a\":\"\n\""), "control character"},
		{"a list", "[" + minimal + "]", "JSON array"},
		{"a byte order mark", "\xef\xbb\xbf" + minimal, "byte order mark"},
		{"too many members", with(manyMembers(70)), "too many members"},
		{"a wrapped CloudEvent", `"{\"specversion\":\"1.0\"}"`, "OPT_SERIALIZER"},
		{"a text in JSON", `"hello"`, "single string"},
		{"wrapped by msgpack", "\xd9\x10O:28:\"Hyperf", "OPT_SERIALIZER"},
		{"compressed with LZF", "\x1fO:28:\"Hyperf\\AsyncQueue\\JobMess", "OPT_COMPRESSION"},
		{"compressed with zstd", "\x28\xb5\x2f\xfd....", "OPT_COMPRESSION"},
		{"an array from PHP", "a:0:{}", "an array, no job"},
		{"igbinary cut short", "\x00\x00\x00\x02", "packer"},
		{"an igbinary text", "\x00\x00\x00\x02\x11\x02hi", "single string"},
		{"an igbinary text cut short", "\x00\x00\x00\x02\x13\x00", "packer"},
		{"anything", "hello", "no known format"},
		{"one byte", "O", "no known format"},
	} {
		_, err := Decode([]byte(c.raw))
		if reason := checkRefused(t, c.name, err); !strings.Contains(reason, c.want) {
			t.Errorf("%s: reason = %q, want %q in it", c.name, reason, c.want)
		}
	}
}

func manyMembers(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = `"` + strings.Repeat("a", i+1) + `":1`
	}
	return strings.Join(names, ",")
}

func TestRefusalShowsNoData(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	long := strings.Repeat("x", 1000)
	for _, raw := range []string{
		with(`"data":{"password":"` + secret + `"`), with(`"id2":{"password":"` + secret + `"}`), secret,
		`O:28:"Hyperf\AsyncQueue\JobMessage":1:{s:7:"` + secret + `";}`, `s:7:"` + secret + `";`,
		`O:1000:"` + long + `":0:{}`, with(`"` + long + `_":1`),
	} {
		_, err := Decode([]byte(raw))
		reason := checkRefused(t, raw, err)
		if strings.Contains(reason, secret) || strings.Contains(reason, strings.Repeat("x", 65)) {
			t.Errorf("the reason shows data: %s", reason)
		}
	}
}

func TestCloudEventRetry(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, raw, want string }{
		{"absent", minimal, with(`"attempts":1`)},
		{"present", with(`"attempts":9,"data":{"attempts":9}`), with(`"attempts":10,"data":{"attempts":9}`)},
		{"a string", with(`"attempts":"9"`), with(`"attempts":"10"`)},
		{"null", with(`"attempts":null`), with(`"attempts":1`)},
		{"an escaped name", with(`"\u0061ttempts":0`), with(`"\u0061ttempts":1`)},
		{
			"spaces stay", "\t{ \"specversion\" : \"1.0\",\n\"id\":\"1\" ,\"source\":\"/s\",\"type\":\"job\"\n}\n",
			"\t{ \"specversion\" : \"1.0\",\n\"id\":\"1\" ,\"source\":\"/s\",\"type\":\"job\",\"attempts\":1\n}\n",
		},
		{"the text attempts elsewhere", with(`"data":"\"attempts\":5"`), with(`"data":"\"attempts\":5","attempts":1`)},
	} {
		m := mustDecode(t, []byte(c.raw))
		got := m.Retry()
		if diff := cmp.Diff(c.want, string(got)); diff != "" {
			t.Errorf("%s: retry differs (-want +got):\n%s", c.name, diff)
		}
		again := mustDecode(t, got)
		if again.Attempts() != m.Attempts()+1 || again.ID() != m.ID() {
			t.Errorf("%s: attempts after the retry = %d, before %d", c.name, again.Attempts(), m.Attempts())
		}
	}
}

func TestCloudEventData(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, members, want string }{
		{"null", `"data":null`, "null"},
		{"a value", `"data":[1]`, "[1]"},
		{"text", `"datacontenttype":"text/plain","data":"a"`, `"a"`},
		{"another JSON type", `"datacontenttype":"application/vnd.x+json","data":{"a":1}`, `{"a":1}`},
		{"JSON in base64", `"data_base64":"eyJhIjoxfQ=="`, `{"a":1}`},
		{"bytes in base64", `"data_base64":"\/w=="`, `{"$bytes":"/w=="}`},
		{"nothing in base64", `"data_base64":""`, `{"$bytes":""}`},
	} {
		if got := string(mustDecode(t, []byte(with(c.members))).Data()); got != c.want {
			t.Errorf("%s: data = %s, want %s", c.name, got, c.want)
		}
	}
}
