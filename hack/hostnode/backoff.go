//go:build linux

package main

import "time"

// The pauses before a container's restart are a kubelet's: none at first, then
// 10 s doubling up to 5 min; a run of 10 min counts as healthy again.
const (
	firstBackoff   = 10 * time.Second
	longestBackoff = 5 * time.Minute
	healthyRun     = 10 * time.Minute
)

// backoff is the pause that one container's next restart has to wait, counted
// from the end of its last run. The zero value is a container that never ran.
type backoff struct {
	exits int
	pause time.Duration
}

// exited records the end of a run that took ran.
func (b *backoff) exited(ran time.Duration) {
	if ran >= healthyRun {
		*b = backoff{}
	}
	b.exits++
	switch b.exits {
	case 1:
		b.pause = 0
	case 2:
		b.pause = firstBackoff
	default:
		b.pause = min(2*b.pause, longestBackoff)
	}
}
