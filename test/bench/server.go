package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// usage is what a Redis server has done so far.
type usage struct {
	cpu      float64 // seconds
	commands float64 // that clients sent
}

// sentByClients are the commands that no contender's script calls. What scripts do is counted by
// Redis too, under the same names as if clients had sent it, and does not cost a round trip.
var sentByClients = []string{"eval", "evalsha", "blmove", "brpop", "client", "hello", "ping", "psubscribe", "subscribe", "publish"}

// usageOf asks the server.
func usageOf(ctx context.Context, rdb *redis.Client, scripted bool) (usage, error) {
	info, err := rdb.Info(ctx, "cpu", "commandstats").Result()
	if err != nil {
		return usage{}, err
	}
	var u usage
	for line := range strings.SplitSeq(info, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		switch {
		case name == "used_cpu_user", name == "used_cpu_sys":
			u.cpu += number(value)
		case strings.HasPrefix(name, "cmdstat_") && isSent(strings.TrimPrefix(name, "cmdstat_"), scripted):
			calls, _, _ := strings.Cut(strings.TrimPrefix(value, "calls="), ",")
			u.commands += number(calls)
		}
	}
	return u, nil
}

func isSent(command string, scripted bool) bool {
	command, _, _ = strings.Cut(command, "|")
	if command == "info" {
		return false // ours
	}
	if !scripted {
		return true
	}
	for _, sent := range sentByClients {
		if command == sent {
			return true
		}
	}
	return false
}

func number(text string) float64 {
	n, _ := strconv.ParseFloat(text, 64)
	return n
}
