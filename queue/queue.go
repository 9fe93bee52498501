package queue

import (
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Queue is one channel on one Redis. It holds no state besides the client, and is safe for
// concurrent use.
type Queue struct {
	rdb     redis.UniversalClient
	channel string
	keys    keys
}

// New returns the queue of a channel. The channel is the text before ":waiting" in the names of the
// keys, with its braces if it has any. It must not be empty, and on Redis Cluster it needs a hash
// tag ("{orders}"), since one move touches several keys.
func New(rdb redis.UniversalClient, channel string) (*Queue, error) {
	if rdb == nil {
		return nil, errors.New("creating queue: no Redis client")
	}
	if channel == "" {
		return nil, errors.New("creating queue: channel is empty")
	}
	if _, isCluster := rdb.(*redis.ClusterClient); isCluster && !HasHashTag(channel) {
		return nil, fmt.Errorf("creating queue: channel %q needs a hash tag such as {orders} on Redis Cluster", channel)
	}
	return &Queue{rdb: rdb, channel: channel, keys: newKeys(channel)}, nil
}

// Channel returns the channel as it was configured.
func (q *Queue) Channel() string { return q.channel }

// HasHashTag reports that Redis Cluster keeps all keys of the channel on one node: that some text of it
// stands in braces.
func HasHashTag(channel string) bool {
	_, rest, found := strings.Cut(channel, "{")
	return found && strings.Index(rest, "}") > 0
}
