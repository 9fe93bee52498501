package queue

import (
	"context"
	"embed"
	"fmt"

	"github.com/redis/go-redis/v9"
)

//go:embed scripts/*.lua
var scriptFiles embed.FS

// One script per move; the header of each file says what it takes and returns.
var (
	scriptPushDelayed = loadScript("push_delayed")
	scriptExchange    = loadExchange()
	scriptRetry       = loadScript("retry")
	scriptFail        = loadScript("fail")
	scriptExpire      = loadScript("expire")
	scriptHold        = loadScript("hold")
	scriptWithdraw    = loadScript("withdraw")
	scriptRelease     = loadScript("release")
	scriptRegister    = loadScript("register")
	scriptBeat        = loadScript("beat")
	scriptSweep       = loadScript("sweep")
	scriptDisown      = loadScript("disown")
	scriptTend        = loadScript("tend")
	scriptReload      = loadScript("reload")
	scriptFlush       = loadScript("flush")
)

// loadScript joins what stands before every script, the prelude and one script.
func loadScript(name string) *redis.Script {
	return redis.NewScript(scriptText("explain") + scriptText("prelude") + scriptText(name))
}

// loadExchange puts the usual way of an exchange before the general one. What the general one needs is
// made only when it is called: in a script that runs ten thousand times a second that counts.
func loadExchange() *redis.Script {
	return redis.NewScript(scriptText("explain") + scriptText("claim") +
		"local function general()\n" + scriptText("prelude") + scriptText("exchange") + "end\n" +
		scriptText("exchange_usual"))
}

// scriptText returns a file of the folder scripts. The files are part of the binary, so that a missing
// one is a build that no test has passed.
func scriptText(name string) string {
	text, err := scriptFiles.ReadFile("scripts/" + name + ".lua")
	if err != nil {
		panic(err)
	}
	return string(text)
}

// reply reads the nested lists that the scripts return.
type reply struct{ values []any }

func runList(ctx context.Context, rdb processor, s *redis.Script, keys []string, args ...any) (reply, error) {
	values, err := s.Run(ctx, once{rdb}, keys, args...).Slice()
	if err != nil {
		return reply{}, err
	}
	return reply{values}, nil
}

func (r reply) int(i int) int64 {
	if i >= len(r.values) {
		return 0
	}
	n, _ := r.values[i].(int64)
	return n
}

func (r reply) text(i int) string {
	if i >= len(r.values) {
		return ""
	}
	s, _ := r.values[i].(string)
	return s
}

func (r reply) list(i int) []any {
	if i >= len(r.values) {
		return nil
	}
	l, _ := r.values[i].([]any)
	return l
}

func (r reply) ints(i int) []int {
	list := r.list(i)
	if len(list) == 0 {
		return nil
	}
	numbers := make([]int, 0, len(list))
	for _, v := range list {
		n, _ := v.(int64)
		numbers = append(numbers, int(n))
	}
	return numbers
}

func (r reply) texts(i int) []string {
	list := r.list(i)
	texts := make([]string, 0, len(list))
	for _, v := range list {
		s, _ := v.(string)
		texts = append(texts, s)
	}
	return texts
}

// need returns an error when the answer is shorter than the script promises: another version of
// the script, or a proxy that rewrites answers.
func (r reply) need(n int) error {
	if len(r.values) < n {
		return fmt.Errorf("reading script answer: %d values instead of %d", len(r.values), n)
	}
	return nil
}
