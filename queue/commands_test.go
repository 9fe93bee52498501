package queue

import (
	"context"
	"io/fs"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redistest"
)

// knownCommands are the commands that Redis 6.2 has, of those that we use.
var knownCommands = []string{
	"BLMOVE", "DEL", "EVAL", "EVALSHA", "EXISTS", "EXPIRE", "GET", "HDEL", "HEXISTS", "HGET", "HGETALL", "HINCRBY", "HKEYS", "HLEN",
	"HMGET", "HRANDFIELD", "HSET", "HVALS", "INCRBY", "LINDEX", "LLEN", "LMOVE", "LPOS", "LPUSH", "LRANGE", "LREM", "LTRIM", "PEXPIRE", "RPOP", "RPUSH",
	"SET", "TIME", "TYPE", "ZADD", "ZCARD", "ZCOUNT", "ZINCRBY", "ZMSCORE", "ZRANGE", "ZRANGEBYSCORE", "ZREM", "ZREMRANGEBYSCORE", "ZREVRANGE", "ZSCORE",
}

var scriptCall = regexp.MustCompile(`call\('([A-Z]+)'`)

func TestScriptsUseCommandsOfRedis62(t *testing.T) {
	files, err := fs.Glob(scriptFiles, "scripts/*.lua")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		content, err := scriptFiles.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := string(content)
		calls := scriptCall.FindAllStringSubmatch(text, -1)
		for _, call := range calls {
			if !slices.Contains(knownCommands, call[1]) {
				t.Errorf("%s uses %s", file, call[1])
			}
		}
		if all := strings.Count(text, "call("); all != len(calls)+strings.Count(text, "pcall(") {
			t.Errorf("%s: %d calls, of which only %d name their command", file, all, len(calls))
		}
		for _, newer := range []string{"redis.acl_check_cmd", "redis.setresp", "redis.REDIS_VERSION", "#!lua"} {
			if strings.Contains(text, newer) {
				t.Errorf("%s uses %s", file, newer)
			}
		}
	}
}

func TestClientSendsCommandsOfRedis62(t *testing.T) {
	rdb := newTestClient(t, redistest.Shared(t))
	if err := rdb.Ping(t.Context()).Err(); err != nil { // the connection's own commands are the client's
		t.Fatal(err)
	}
	sent := &recorder{}
	rdb.AddHook(sent)
	q, err := New(rdb, "{"+t.Name()+"}")
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(sent.names, "BLMOVE") || !slices.Contains(sent.names, "EVALSHA") {
		t.Errorf("the probe sends too little: %v", sent.names)
	}
	for _, name := range sent.names {
		if !slices.Contains(knownCommands, name) {
			t.Errorf("sends %s", name)
		}
	}
}

// The list above is checked against what the server says of itself, if it is new enough to say so.
func TestKnownCommandsAreNoNewer(t *testing.T) {
	rdb := newTestClient(t, redistest.Shared(t))
	for _, name := range knownCommands {
		docs, err := rdb.Do(t.Context(), "COMMAND", "DOCS", name).Result()
		if err != nil {
			t.Skipf("the server has no COMMAND DOCS: %v", err)
		}
		for _, doc := range docs.(map[any]any) {
			since := doc.(map[any]any)["since"].(string)
			if since > "6.2.9" {
				t.Errorf("%s came with %s", name, since)
			}
		}
	}
}

// recorder is a client hook that notes the names of the commands sent.
type recorder struct {
	mu    sync.Mutex
	names []string
}

func (r *recorder) note(cmds ...redis.Cmder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, cmd := range cmds {
		if name := strings.ToUpper(cmd.Name()); !slices.Contains(r.names, name) {
			r.names = append(r.names, name)
		}
	}
}

// DialHook passes on.
func (r *recorder) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessHook notes the command, unless a connection begins with it.
func (r *recorder) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if name := cmd.Name(); name != "hello" && name != "client" {
			r.note(cmd)
		}
		return next(ctx, cmd)
	}
}

// ProcessPipelineHook notes the commands; those by which a connection begins are the client's own.
func (r *recorder) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if name := cmds[0].Name(); name == "hello" || name == "client" {
			return next(ctx, cmds)
		}
		r.note(cmds...)
		return next(ctx, cmds)
	}
}
