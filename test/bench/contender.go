package main

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// channel is the queue of every trial.
const channel = "{bench}"

// setup is what a trial asks of a contender's process. It travels as JSON.
type setup struct {
	Contender   string        `json:"contender"`
	Kind        kind          `json:"kind"`
	Addr        string        `json:"addr"`
	Workers     int           `json:"workers"`     // consumers in the one process
	Concurrency int           `json:"concurrency"` // of each
	Handle      time.Duration `json:"handle"`      // how long a handler takes
	Messages    int           `json:"messages"`    // how many to handle
	Warm        int           `json:"warm"`        // after how many the clock starts
	Sample      bool          `json:"sample"`      // note the age of every message; tell when each is handled
	Profile     string        `json:"profile"`     // file for a CPU profile of the time between warm and done; empty = none
}

// contender is one way to consume the queue.
type contender interface {
	// produce puts messages where the contender takes them from.
	produce(ctx context.Context, rdb *redis.Client, messages [][]byte) error
	// consume runs one worker until ctx is cancelled. It returns when everything that was handled
	// is acknowledged.
	consume(ctx context.Context, s setup, handle func(message []byte)) error
	// left returns how many messages stand in Redis in any state.
	left(ctx context.Context, rdb *redis.Client) (int64, error)
}

var contenders = map[string]contender{
	"ours":      ours{},
	"asynq":     peer{},
	"naive":     naive{},
	"prototype": prototype{},
}

// pushAll puts messages on `waiting`, 1000 in a command.
func pushAll(ctx context.Context, rdb *redis.Client, messages [][]byte) error {
	for len(messages) > 0 {
		part := messages[:min(len(messages), 1000)]
		messages = messages[len(part):]
		values := make([]any, len(part))
		for i, m := range part {
			values[i] = m
		}
		if err := rdb.LPush(ctx, channel+":waiting", values...).Err(); err != nil {
			return err
		}
	}
	return nil
}

// standing adds up the messages in Hyperf's five keys.
func standing(ctx context.Context, rdb *redis.Client) (int64, error) {
	var total int64
	for _, list := range []string{"waiting", "timeout", "failed", "mine"} {
		n, err := rdb.LLen(ctx, channel+":"+list).Result()
		if err != nil {
			return 0, err
		}
		total += n
	}
	for _, set := range []string{"delayed", "reserved"} {
		n, err := rdb.ZCard(ctx, channel+":"+set).Result()
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// connect returns a client as a careful user would configure it: no re-sends, deadlines.
func connect(addr string, connections int) *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr: addr, Protocol: 2, DisableIdentity: true, MaxRetries: -1, PoolSize: connections, ReadTimeout: 10 * time.Second,
	})
}
