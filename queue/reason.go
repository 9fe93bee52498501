package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
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
// removes them. An entry that is no reason is returned as it stands, in the field Reason.
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
		reasons = append(reasons, parseReason(text))
	}
	return reasons, nil
}

// parseReason reads one entry. What is none is shown as it stands: somebody put it there by hand, and
// it must not hide the others.
func parseReason(text string) Reason {
	var r struct {
		Digest, Reason, Worker string
		At                     int64
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return Reason{Reason: strings.ToValidUTF8(text, "?")}
	}
	return Reason{Digest: r.Digest, Reason: r.Reason, Worker: r.Worker, At: time.UnixMilli(r.At)}
}
