package main

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// prototype is how fast the same idea can be with nothing around it: one script acknowledges what
// ended and claims for all free slots. It has no fence, decodes nothing, tells nobody anything,
// loses its messages when it dies, and merges equal ones. It is the measure of what ours adds.
type prototype struct{}

var turn = redis.NewScript(`
for i = 3, #ARGV, 500 do redis.call('ZREM', KEYS[2], unpack(ARGV, i, math.min(i + 499, #ARGV))) end
local want = tonumber(ARGV[1])
if want == 0 then return {} end
local got = redis.call('RPOP', KEYS[3], want) or redis.call('RPOP', KEYS[1], want)
if not got then return {} end
for i = 1, #got, 500 do
  local entries = {}
  for j = i, math.min(i + 499, #got) do
    entries[#entries + 1] = ARGV[2]
    entries[#entries + 1] = got[j]
  end
  redis.call('ZADD', KEYS[2], unpack(entries))
end
return got`)

func (prototype) produce(ctx context.Context, rdb *redis.Client, messages [][]byte) error {
	return pushAll(ctx, rdb, messages)
}

func (p prototype) consume(ctx context.Context, s setup, handle func([]byte)) error {
	rdb := connect(s.Addr, 2)
	defer func() { _ = rdb.Close() }()
	work, ended := make(chan string, s.Concurrency), make(chan string, s.Concurrency)
	defer close(work)
	for range s.Concurrency {
		go func() {
			for message := range work {
				handle([]byte(message))
				ended <- message
			}
		}()
	}
	for free := s.Concurrency; ; {
		done := p.collect(ctx, rdb, ended, free, s.Concurrency)
		free += len(done)
		want := free
		if ctx.Err() != nil {
			want = 0
		}
		got, err := p.turn(rdb, done, want)
		if err != nil {
			return err
		}
		for _, message := range got {
			work <- message
		}
		free -= len(got)
		if ctx.Err() != nil && free == s.Concurrency {
			return nil
		}
	}
}

// collect returns what ended. Where all slots are busy it waits for the first, where all are free
// for a message.
func (prototype) collect(ctx context.Context, rdb *redis.Client, ended chan string, free, all int) []string {
	var done []string
	switch free {
	case 0:
		done = append(done, <-ended)
	case all:
		if ctx.Err() == nil {
			err := rdb.BLMove(ctx, channel+":waiting", channel+":mine", "RIGHT", "LEFT", time.Second).Err()
			if err != nil && !errors.Is(err, redis.Nil) {
				return nil
			}
		}
	}
	for {
		select {
		case message := <-ended:
			done = append(done, message)
		default:
			return done
		}
	}
}

func (prototype) turn(rdb *redis.Client, done []string, want int) ([]string, error) {
	args := make([]any, 2, 2+len(done))
	args[0], args[1] = want, time.Now().Add(10*time.Second).Unix()
	for _, message := range done {
		args = append(args, message)
	}
	keys := []string{channel + ":waiting", channel + ":reserved", channel + ":mine"}
	return turn.Run(context.Background(), rdb, keys, args...).StringSlice()
}

func (prototype) left(ctx context.Context, rdb *redis.Client) (int64, error) {
	return standing(ctx, rdb)
}
