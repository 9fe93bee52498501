package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/test/fault/crew"
)

// workersUser is the Redis user of the workers, who may be forbidden a command.
const workersUser = "workers"

// withdrawable are commands by which scripts move messages, and those by which scripts are called.
var withdrawable = []string{
	"evalsha", "blmove", "rpop", "hset", "hdel", "hget", "zadd", "zrem", "lpush", "rpush", "zremrangebyscore", "incrby", "time",
}

// missingPermission takes one command after the other away from the workers, in the middle of their
// work, and gives it back. Whatever a script had done by then must not cost a message. A worker that
// starts meanwhile has to stop and name the command.
func missingPermission() faultCase {
	return faultCase{
		name:    "a permission is missing",
		setting: setting{reload: true, poller: true},
		open: func(s *scene) error {
			if err := s.launch(); err != nil {
				return err
			}
			s.workerURL = func(int) string { return "redis://" + workersUser + ":secret@" + s.server.Addr }
			return s.allow("reset", "on", ">secret", "~*", "&*", "+@all")
		},
		play: func(ctx context.Context, s *scene) error {
			if err := s.startForbidden(ctx, "zadd"); err != nil {
				return err
			}
			for i := 0; ctx.Err() == nil; i++ {
				command := withdrawable[i%len(withdrawable)]
				err := s.fault(ctx,
					func(context.Context) error { return s.allow("-" + command) },
					func(lasting context.Context) error {
						s.pause(lasting, s.between(100*time.Millisecond, 800*time.Millisecond))
						return s.allow("+" + command)
					},
				)
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// allow changes what the workers may do.
func (s *scene) allow(rules ...string) error {
	ctx := context.Background()
	return direct(s.server.Addr, func(rdb *redis.Client) error {
		if err := rdb.ACLSetUser(ctx, workersUser, rules...).Err(); err != nil {
			return fmt.Errorf("changing what workers may do: %w", err)
		}
		return nil
	})
}

// startForbidden starts the worker image's program with a command forbidden, and expects it to end
// with the command's name.
func (s *scene) startForbidden(ctx context.Context, command string) error {
	if err := s.allow("-" + command); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("starting a worker: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
	defer cancel()
	order := s.order(0)
	order.Kind, order.Ledger = crew.Command, filepath.Join(s.dir, "forbidden.jsonl")
	worker := exec.CommandContext(ctx, program) //nolint:gosec // this very program
	worker.Env = append(os.Environ(), crew.Variable+"="+order.Text())
	output, err := worker.CombinedOutput()
	if err == nil || !strings.Contains(string(output), command) {
		s.brokef("a worker that may not use %s ended with %v and said %q", command, err, output)
	}
	s.count()
	return s.allow("+" + command)
}
