package queue

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redisconn"
	"github.com/asyncqueue/operator/internal/redistest"
)

// The suite of this package runs on every kind of Redis (`make redis-modes`). Here is what concerns
// several channels, and a user with no more rights than are needed.

// One round trip tends channels that a cluster keeps on different nodes.
func TestTendAllTendsChannelsOfAllNodes(t *testing.T) {
	rdb := newSharedClient(t)
	t.Cleanup(func() { _ = rdb.Close() })
	var keepers []*Keeper
	for _, channel := range []string{"{a}", "jobs{b}", "{c}:d", "{e}", "{f}"} {
		q, err := New(rdb, channel)
		if err != nil {
			t.Fatal(err)
		}
		mustPush(t, q, "x")
		keepers = append(keepers, q.NewKeeper(KeeperConfig{}))
	}
	for range 2 { // the first round finds that the nodes do not know the script
		for _, result := range TendAll(t.Context(), rdb, keepers) {
			if result.Err != nil || result.Tended.Waiting != 1 {
				t.Errorf("%+v", result)
			}
		}
	}
}

// leastRights are the ACL rules of a user who may use one channel, as docs/protocol.md gives them.
func leastRights(channel string) []string {
	rules := []string{"on", ">pw", "~" + channel + ":*", "-@all", "+ping", "+hello", "+auth", "+select", "+client|setname", "+cluster|slots", "+command"}
	for _, command := range knownCommands {
		rules = append(rules, "+"+strings.ToLower(command))
	}
	return rules
}

// A user with the least rights does everything on the own channel, and nothing on another one; and
// what Redis sees are commands that 6.2 has.
func TestTheLeastRights(t *testing.T) {
	const channel = "{mine}"
	standalone, cluster := redistest.Start(t), redistest.StartCluster(t)
	for name, place := range map[string]struct{ addr, url string }{
		"standalone": {standalone, "redis://" + standalone},
		"cluster":    {cluster, "redis-cluster://" + cluster},
	} {
		t.Run(name, func(t *testing.T) {
			command := []any{"acl", "setuser", "least"}
			for _, rule := range leastRights(channel) {
				command = append(command, rule)
			}
			if err := newTestClient(t, place.addr).Do(t.Context(), command...).Err(); err != nil {
				t.Fatal(err)
			}
			rdb, err := redisconn.New(redisconn.Config{URL: place.url, Username: "least", Password: "pw"})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = rdb.Close() })
			seen := redistest.Monitor(t, place.addr, channel)
			useAll(t, rdb, channel)
			checkSeen(t, seen())
			other, err := New(rdb, "{other}")
			if err != nil {
				t.Fatal(err)
			}
			if err := other.Push(t.Context(), []byte("m")); err == nil || !strings.Contains(err.Error(), "NOPERM") {
				t.Errorf("pushing to another channel: %v, want NOPERM", err)
			}
		})
	}
}

// docs/protocol.md gives these rules to copy.
func TestTheLeastRightsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "docs", "protocol.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rules, _ := strings.Cut(string(doc), "ACL SETUSER")
	rules, _, _ = strings.Cut(rules, "```")
	words := strings.Fields(rules)
	for _, command := range knownCommands {
		if !slices.Contains(words, "+"+strings.ToLower(command)) {
			t.Errorf("+%s is missing", strings.ToLower(command))
		}
	}
}

// useAll uses every method of the package.
func useAll(t *testing.T, rdb redis.UniversalClient, channel string) {
	t.Helper()
	q, err := New(rdb, channel)
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	c := newTestConsumer(t, q, ConsumerConfig{})
	mustPush(t, q, "a", "b")
	runs := mustExchange(t, c, nil, 2).Runs
	if _, err := c.Fail(t.Context(), runs[1].ID, "no"); err != nil {
		t.Error(err)
	}
	mustExchange(t, c, idsOf(runs[:1]), 0)
	if _, err := q.Counts(t.Context(), 0); err != nil {
		t.Error(err)
	}
	if _, err := q.Workers(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := q.Reasons(t.Context(), 1); err != nil {
		t.Error(err)
	}
	mustTend(t, q.NewKeeper(KeeperConfig{}))
}

// newerOptions are options that commands got after Redis 6.2.
var newerOptions = map[string][]string{"EXPIRE": {"NX", "XX", "GT", "LT"}, "ZRANK": {"WITHSCORE"}}

// checkSeen looks at what Redis was sent, by scripts too.
func checkSeen(t *testing.T, commands []redistest.Command) {
	t.Helper()
	fromScripts := 0
	for _, c := range commands {
		name := strings.ToUpper(c.Words[0])
		if !slices.Contains(knownCommands, name) {
			t.Errorf("Redis was sent %s", name)
		}
		for _, option := range newerOptions[name] {
			if slices.Contains(c.Words[2:], option) {
				t.Errorf("Redis was sent %q", c.Words)
			}
		}
		if c.Lua {
			fromScripts++
		}
	}
	if fromScripts < 100 {
		t.Errorf("only %d of %d commands came from scripts", fromScripts, len(commands))
	}
}
