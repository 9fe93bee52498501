package payload

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

// limit is how much memory a message may take, all that is thrown away on the way included.
type limit struct{ perByte, perMessage int }

// A stack grows with the levels of a message, by doubling: JSON needs one byte for a level and may have 1000 of
// them, PHP nine bytes and 4096. The race detector doubles what a level takes.
const (
	stackPerByte = 512
	leastStack   = 64 << 10
	maxStack     = 8 << 20 // whatever the message
)

var (
	// decoding is what every message goes through.
	decoding = limit{perByte: 80, perMessage: 64 << 10}
	// everything is its JSON in both forms, its retry and its CloudEvent too; shared values may be
	// written out up to copiesBytes, which grows by and by.
	everything = limit{perByte: 250, perMessage: 32 * copiesBytes}
)

// nasty are messages that ask for more than they are worth. size is about their length.
func nasty(size int) map[string]string {
	job := func(params string) string {
		return `O:28:"Hyperf\AsyncQueue\JobMessage":2:{s:3:"job";O:3:"Job":1:{s:6:"params";` + params + `}s:8:"attempts";i:0;}`
	}
	event := func(data string) string { return with(`"data":` + data) }
	fill := func(piece string) string { return strings.Repeat(piece, size/len(piece)) }
	entries := func(format string) string {
		var b strings.Builder
		n := 0
		for ; b.Len() < size; n++ {
			fmt.Fprintf(&b, format, n)
		}
		return fmt.Sprintf("a:%d:{%s}", n, b.String())
	}
	return map[string]string{
		"a declared count":              job(`a:2000000000:{i:0;N;}`),
		"a declared count that may fit": job(fmt.Sprintf(`a:%d:{%s}`, size/6, fill("x"))),
		"a declared length":             job(`s:2000000000:"x";`),
		"a length beyond all":           job(`s:99999999999999999999:"x";`),
		"a custom object's length":      job(`C:1:"A":2000000000:{x}`),
		"small entries":                 job(entries("i:%d;N;")),
		"named entries":                 job(entries(`s:8:"%08d";N;`)),
		"empty arrays":                  job(entries("i:%d;a:0:{}")),
		"objects":                       job(entries(`i:%d;O:1:"A":0:{}`)),
		"nested arrays":                 job(fill("a:1:{i:0;")),
		"nested and closed":             job(strings.Repeat("a:1:{i:0;", 4000) + "N;" + strings.Repeat("}", 4000)),
		"strings that escape":           job(fmt.Sprintf(`s:%d:"%s";`, size, strings.Repeat("\x01", size))),
		"bytes":                         job(fmt.Sprintf(`s:%d:"%s";`, size, strings.Repeat("\xff", size))),
		"escaped strings":               job(fmt.Sprintf(`S:%d:"%s";`, size/3, fill(`\ff`))),
		"references to a large value":   job(fmt.Sprintf(`a:2:{i:0;O:1:"A":1:{s:1:"s";s:%d:"%s";}i:1;%s}`, size/2, strings.Repeat("x", size/2), entries("i:%d;r:4;"))),
		"references that double":        job(laughs(size, 2)),
		"references that multiply":      job(laughs(size, 50)),
		"paths to oneself":              job(fmt.Sprintf(`O:1:"A":1:{s:%d:"%s";O:1:"B":1:{s:1:"b";%s}}`, size/2, strings.Repeat("k", size/2), entries("i:%d;r:4;"))),
		"nested JSON":                   event(fill("[")),
		"nested and closed JSON":        event(strings.Repeat("[", maxJSONDepth-2) + strings.Repeat("]", maxJSONDepth-2)),
		"JSON members":                  event("{" + fill(`"a":0,`) + `"b":0}`),
		"JSON escapes":                  event(`"` + fill(`\u0001`) + `"`),
		"many attributes":               `{` + fill(`"a":0,`),
		"base64":                        with(`"data_base64":"` + base64.StdEncoding.EncodeToString(make([]byte, size/2)) + `"`),
		"a long type":                   strings.Replace(minimal, `"type":"`, `"type":"`+fill("t"), 1),
		"garbage":                       fill("\xfe"),
		"a phpredis string":             fmt.Sprintf(`s:%d:"%s";`, size, fill("x")),
		"igbinary":                      "\x00\x00\x00\x02\x13" + string(binary.BigEndian.AppendUint32(nil, 1<<31)) + "x",
	}
}

// laughs are objects that each hold the one before several times.
func laughs(size, times int) string {
	var b strings.Builder
	b.WriteString(`i:0;O:1:"A":0:{}`)
	n, slot := 1, 4 // slots 1 to 3: the message, the job, the array
	for ; b.Len() < size; n++ {
		fmt.Fprintf(&b, `i:%d;O:1:"A":%d:{`, n, times)
		for k := range times {
			fmt.Fprintf(&b, "i:%d;r:%d;", k, slot)
		}
		b.WriteString("}")
		if slot == 4 {
			slot = 5
		} else {
			slot += 1 + times
		}
	}
	return fmt.Sprintf("a:%d:{%s}", n, b.String())
}

// use does with a message all that a worker may do.
func use(raw []byte) {
	m, err := Decode(raw)
	if err != nil {
		_ = err.Error()
		return
	}
	_ = [][]byte{m.Data(), m.Lossless(), m.Retry()}
	_, _ = m.CloudEvent("hyperf/queue")
}

// allocated returns how many bytes of heap and of stack f took.
func allocated(f func()) (heap, stack uint64) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	ended := make(chan struct{})
	go func() { // on a stack of its own, which is gone with it
		defer close(ended)
		f()
		runtime.ReadMemStats(&after)
	}()
	<-ended
	if after.StackInuse > before.StackInuse {
		stack = after.StackInuse - before.StackInuse
	}
	return after.TotalAlloc - before.TotalAlloc, stack
}

// Whatever a message claims, and however its values refer to each other: the memory that it takes is
// in proportion to its length, and small ones take little.
func TestMemoryIsInProportion(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // stacks shrink at a collection
	for _, size := range []int{1 << 10, 1 << 17} {
		for name, text := range nasty(size) {
			t.Run(fmt.Sprintf("%s, %d KiB", name, size>>10), func(t *testing.T) {
				raw := []byte(text)
				decoding.check(t, raw, func() { _, _ = Decode(raw) })
				everything.check(t, raw, func() { use(raw) })
			})
		}
	}
}

func (l limit) check(t *testing.T, raw []byte, f func()) {
	t.Helper()
	heap, stack := allocated(f)
	if most := uint64(l.perMessage + l.perByte*len(raw)); heap > most {
		t.Errorf("%d bytes took %d of heap (%d per byte), want at most %d", len(raw), heap, heap/uint64(len(raw)), most)
	}
	if most := uint64(min(leastStack+stackPerByte*len(raw), maxStack)); stack > most {
		t.Errorf("%d bytes took %d of stack, want at most %d", len(raw), stack, most)
	}
}

// The messages that Hyperf writes are read with little more memory than they have bytes.
func TestMemoryOfRealMessages(t *testing.T) {
	files, err := filepath.Glob(vectorDir + "/*/*.bin")
	if err != nil || len(files) == 0 {
		t.Fatalf("no messages: %v", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			limit{perByte: 100, perMessage: 64 << 10}.check(t, raw, func() { use(raw) })
		})
	}
}
