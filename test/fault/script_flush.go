package main

import (
	"context"
	"fmt"
	"time"
)

// flushedScripts has Redis forget its scripts, again and again.
func flushedScripts() faultCase {
	return faultCase{
		name:    "SCRIPT FLUSH",
		setting: setting{reload: true, poller: true},
		play: func(ctx context.Context, s *scene) error {
			for s.goesOn(ctx, 0, 20*time.Millisecond) {
				if err := s.rdb.ScriptFlush(context.WithoutCancel(ctx)).Err(); err != nil {
					return fmt.Errorf("flushing the scripts: %w", err)
				}
				s.count()
			}
			return s.awaitFlow(ctx, time.Now())
		},
	}
}
