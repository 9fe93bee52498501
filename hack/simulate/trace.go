package main

import (
	"math"
	"time"
)

// trace is a load over time.
type trace struct {
	name, about string
	length      time.Duration
	// rate is how many messages are pushed per second at a time.
	rate func(at float64) float64
	// pushes are bursts at a second.
	pushes map[int]int
	// poison is the share of messages that always fail.
	poison float64
	// away says that Redis does not answer at a time.
	away func(at float64) bool
}

func calm(float64) float64 { return 0 }
func never(float64) bool   { return false }

func between(at float64, from, to float64) bool { return at >= from && at < to }

// traces are the loads that the issue of scaling is about.
func traces() []trace {
	return []trace{
		{
			name: "steps", about: "nothing, 20, 60, 10 and again nothing a second", length: 16 * time.Minute, away: never,
			rate: func(at float64) float64 {
				switch {
				case between(at, 60, 240):
					return 20
				case between(at, 240, 420):
					return 60
				case between(at, 420, 660):
					return 10
				}
				return 0
			},
		},
		{
			name: "sine", about: "a wave of five minutes between 2 and 58 a second", length: 20 * time.Minute, away: never,
			rate: func(at float64) float64 {
				if at > 900 {
					return 0
				}
				return 30 - 28*math.Cos(2*math.Pi*at/300)
			},
		},
		{
			name: "bursts", about: "500, 2000 and 40 messages at once, from zero", length: 12 * time.Minute, away: never,
			rate: calm, pushes: map[int]int{30: 500, 200: 2000, 420: 40},
		},
		{
			name: "poison", about: "10 a second, of which a fifth fails each of its four runs", length: 12 * time.Minute, away: never,
			rate: func(at float64) float64 {
				if between(at, 30, 330) {
					return 10
				}
				return 0
			},
			poison: 0.2,
		},
		{
			name: "outage", about: "20 a second; Redis is away for a minute, and again right after a burst", length: 16 * time.Minute,
			rate: func(at float64) float64 {
				if between(at, 30, 600) {
					return 20
				}
				return 0
			},
			pushes: map[int]int{400: 500},
			away:   func(at float64) bool { return between(at, 200, 260) || between(at, 402, 462) },
		},
	}
}
