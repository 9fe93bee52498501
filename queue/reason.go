package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Reason says why a message stands in failed.
type Reason struct {
	Digest string    // SHA-1 of the payload, in hex
	Reason string    // in words
	At     time.Time // by the clock of Redis
	Worker string    // that gave it up; empty: a reload
}

// Reasons returns the newest n reasons, newest first. The newest 1000 are kept; a flush of failed
// removes them.
func (q *Queue) Reasons(ctx context.Context, n int) ([]Reason, error) {
	if n <= 0 {
		return nil, nil
	}
	texts, err := q.rdb.LRange(ctx, q.keys.reasons, 0, int64(n)-1).Result()
	if err != nil {
		return nil, fmt.Errorf("reading reasons of %s: %w", q.channel, err)
	}
	reasons := make([]Reason, 0, len(texts))
	for _, text := range texts {
		var r struct {
			Digest, Reason, Worker string
			At                     int64
		}
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return nil, fmt.Errorf("reading reasons of %s: %w", q.channel, err)
		}
		reasons = append(reasons, Reason{Digest: r.Digest, Reason: r.Reason, Worker: r.Worker, At: time.UnixMilli(r.At)})
	}
	return reasons, nil
}
