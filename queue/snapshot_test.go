package queue

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// snapshot is what stands in the keys of a channel: the name of the key, then its content. Lists
// stand as in Redis (newest first), sets in the order of their scores, hashes sorted. Keys without
// messages (workers, tender, tokens, reasons, redelivered) are left out, empty ones too. The hands and
// inboxes of all workers are joined.
type snapshot map[string][]string

func snapshotOf(t testing.TB, q *Queue) snapshot {
	t.Helper()
	ctx := context.Background()
	shot := snapshot{}
	must := func(values []string, err error) []string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return values
	}
	k := q.keys
	for name, key := range map[string]string{"waiting": k.waiting, "timeout": k.timeout, "failed": k.failed} {
		shot[name] = must(q.rdb.LRange(ctx, key, 0, -1).Result())
	}
	for name, key := range map[string]string{"delayed": k.delayed, "reserved": k.reserved} {
		shot[name] = must(q.rdb.ZRange(ctx, key, 0, -1).Result())
	}
	for _, member := range must(q.rdb.ZRange(ctx, k.beside, 0, -1).Result()) {
		_, payload, _ := strings.Cut(member, ":")
		shot["beside"] = append(shot["beside"], payload)
	}
	shot["late"] = slices.DeleteFunc(must(q.rdb.HVals(ctx, k.late).Result()), func(mark string) bool { return mark == "\x00held" })
	equal, err := q.rdb.HGetAll(ctx, k.equal).Result()
	if err != nil {
		t.Fatal(err)
	}
	for payload, count := range equal {
		shot["equal"] = append(shot["equal"], fmt.Sprintf("%s*%s", payload, count))
	}
	for _, key := range keysLike(t, q, k.hands) {
		fields, err := q.rdb.HGetAll(ctx, key).Result()
		if err != nil {
			t.Fatal(err)
		}
		for field, payload := range fields {
			if !strings.HasPrefix(field, "claim") {
				shot["hand"] = append(shot["hand"], payload)
			}
		}
	}
	for _, key := range keysLike(t, q, k.inboxes) {
		shot["inbox"] = append(shot["inbox"], must(q.rdb.LRange(ctx, key, 0, -1).Result())...)
	}
	for _, unordered := range []string{"late", "equal", "hand"} {
		slices.Sort(shot[unordered])
	}
	for name, values := range shot {
		if len(values) == 0 {
			delete(shot, name)
		}
	}
	return shot
}

// keysLike returns the keys that begin with the prefix.
func keysLike(t testing.TB, q *Queue, prefix string) []string {
	t.Helper()
	escaped := strings.NewReplacer("[", `\[`, "]", `\]`, "*", `\*`, "?", `\?`, `\`, `\\`).Replace(prefix)
	var keys []string
	scan := nodeOf(t, q).Scan(context.Background(), 0, escaped+"*", 1000).Iterator()
	for scan.Next(context.Background()) {
		keys = append(keys, scan.Val())
	}
	if err := scan.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// wantState compares what stands in the keys.
func wantState(t testing.TB, q *Queue, want snapshot) {
	t.Helper()
	if diff := cmp.Diff(want, snapshotOf(t, q)); diff != "" {
		t.Errorf("state of %s (-want +got):\n%s", q.Channel(), diff)
	}
}

// standing counts the messages that the channel holds: each one stands in exactly one of these,
// reserved and late being the second record of what is in a hand (late: in timeout).
func (s snapshot) standing() map[string]int {
	all := map[string]int{}
	for _, name := range []string{"waiting", "delayed", "beside", "timeout", "failed", "hand", "inbox"} {
		for _, payload := range s[name] {
			all[payload]++
		}
	}
	for _, payload := range s["late"] {
		all[payload]-- // in hand, but its message stands in timeout
	}
	for _, entry := range s["equal"] {
		payload, count, _ := strings.Cut(entry, "*")
		var n int
		_, _ = fmt.Sscan(count, &n)
		all[payload] += n
	}
	for payload, n := range all {
		if n == 0 {
			delete(all, payload)
		}
	}
	return all
}
