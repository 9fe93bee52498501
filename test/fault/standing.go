package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/queue"
	"github.com/asyncqueue/operator/worker/payload"
)

// keysOfOurs hold messages besides the five states. Workers and the operator's poller empty them
// without human help.
var keysOfOurs = []string{"hand:", "inbox:", "equal", "beside", "late"}

// standing is what stands in a channel's keys.
type standing struct {
	byState map[queue.State]int
	copies  map[string]int // by the message's id, in all states together
	ours    []string       // keys of ours that hold messages
}

// isSettled says whether nothing is to be done any more: what there is stands in timeout and failed.
func (s standing) isSettled() bool {
	return s.byState[queue.Waiting]+s.byState[queue.Delayed]+s.byState[queue.Reserved] == 0 && len(s.ours) == 0
}

// String tells where messages stand.
func (s standing) String() string {
	parts := make([]string, 0, len(s.byState)+len(s.ours))
	for _, state := range queue.States() {
		if n := s.byState[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", state, n))
		}
	}
	return strings.Join(append(parts, s.ours...), ", ")
}

// look reads a channel as it stands.
func look(ctx context.Context, rdb redis.UniversalClient, channel string) (standing, error) {
	s := standing{byState: map[queue.State]int{}, copies: map[string]int{}}
	for _, state := range queue.States() {
		bodies, err := members(ctx, rdb, channel, state)
		if err != nil {
			return s, fmt.Errorf("reading %s: %w", state, err)
		}
		s.byState[state] = len(bodies)
		for _, body := range bodies {
			s.copies[idOf(body)]++
		}
	}
	var err error
	s.ours, err = full(ctx, rdb, channel)
	return s, err
}

func members(ctx context.Context, rdb redis.UniversalClient, channel string, state queue.State) ([]string, error) {
	key := channel + ":" + string(state)
	if state == queue.Delayed || state == queue.Reserved {
		return rdb.ZRange(ctx, key, 0, -1).Result()
	}
	return rdb.LRange(ctx, key, 0, -1).Result()
}

func idOf(body string) string {
	m, err := payload.Decode([]byte(body))
	if err != nil {
		return fmt.Sprintf("undecodable %.40q", body)
	}
	return m.ID()
}

// full returns the keys of ours that hold messages, with how many. A hand also has a field that is
// about its last claim.
func full(ctx context.Context, rdb redis.UniversalClient, channel string) ([]string, error) {
	var found []string
	names, err := keysOf(ctx, rdb, channel)
	if err != nil {
		return nil, err
	}
	for _, key := range names {
		name := strings.TrimPrefix(key, channel+":")
		ours := slices.ContainsFunc(keysOfOurs, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
		if !ours {
			continue
		}
		n, err := sizeOf(ctx, rdb, key)
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(name, "hand:") {
			for _, note := range []string{"claim1", "claim2"} {
				if rdb.HExists(ctx, key, note).Val() {
					n--
				}
			}
		}
		if n > 0 {
			found = append(found, fmt.Sprintf("%s %d", name, n))
		}
	}
	slices.Sort(found)
	return found, nil
}

func sizeOf(ctx context.Context, rdb redis.UniversalClient, key string) (int64, error) {
	kind, err := rdb.Type(ctx, key).Result()
	if err != nil {
		return 0, fmt.Errorf("looking at %s: %w", key, err)
	}
	switch kind {
	case "hash":
		return rdb.HLen(ctx, key).Result()
	case "list":
		return rdb.LLen(ctx, key).Result()
	case "zset":
		return rdb.ZCard(ctx, key).Result()
	}
	return 0, nil
}

// keysOf returns all keys of a channel, on whichever node.
func keysOf(ctx context.Context, rdb redis.UniversalClient, channel string) ([]string, error) {
	pattern := strings.NewReplacer("[", `\[`, "]", `\]`).Replace(channel) + ":*"
	var names []string
	scan := func(ctx context.Context, node redis.Cmdable) error {
		keys := node.Scan(ctx, 0, pattern, 1000).Iterator()
		for keys.Next(ctx) {
			names = append(names, keys.Val())
		}
		return keys.Err()
	}
	var err error
	if cluster, is := rdb.(*redis.ClusterClient); is {
		node, failed := cluster.MasterForKey(ctx, channel)
		if failed != nil {
			return nil, fmt.Errorf("finding the channel's node: %w", failed)
		}
		err = scan(ctx, node)
	} else {
		err = scan(ctx, rdb)
	}
	if err != nil {
		return nil, fmt.Errorf("listing the keys: %w", err)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
