package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/asyncqueue/operator/internal/redistest"
)

// stage is everything that one size is measured on.
type stage struct {
	config
	size    int
	dir     string
	program string

	cluster *cluster
	redis   *redistest.Server
	rdb     *redis.Client
	// wire stands between the managers and the Redis of the queues.
	wire    *wire
	tracker *tracker
	manager *manager
	started int

	results results
	cleanup []func()
}

// measureSize measures the operator with so many queues, and says on progress
// what it does. With an error it returns what was measured up to then.
func measureSize(ctx context.Context, c config, size int, progress io.Writer) (_ results, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dir, err := os.MkdirTemp("", "asyncqueue-scale-")
	if err != nil {
		return nil, err
	}
	s := &stage{config: c, size: size, dir: dir}
	defer s.clear()
	s.later(func() { _ = os.RemoveAll(dir) })
	if err := s.build(ctx); err != nil {
		return nil, err
	}
	for _, phase := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"converging", s.converge}, {"resting", s.resting}, {"a burst on one queue", s.burst},
		{"every queue busy", s.busyPhase}, {"Secrets that do not exist", s.lost},
		{"one silent Redis", s.silent}, {"a killed and a stopped leader", s.leaders},
	} {
		if len(s.results) > 0 && !regexp.MustCompile(s.only).MatchString(phase.name) {
			continue
		}
		_, _ = fmt.Fprintf(progress, "%s %d queues: %s\n", time.Now().Format(time.TimeOnly), size, phase.name)
		if err := phase.do(ctx); err != nil {
			return s.results, fmt.Errorf("%s: %w", phase.name, err)
		}
	}
	return s.results, nil
}

// later notes what to do at the end, the last first.
func (s *stage) later(do func()) { s.cleanup = append(s.cleanup, do) }

func (s *stage) clear() {
	for i := len(s.cleanup) - 1; i >= 0; i-- {
		s.cleanup[i]()
	}
}

// build starts all but the manager.
func (s *stage) build(ctx context.Context) error {
	var err error
	if s.program, err = buildManager(ctx, s.root, s.dir); err != nil {
		return err
	}
	if s.redis, err = redistest.Launch(s.dir); err != nil {
		return err
	}
	s.later(s.redis.Stop)
	s.rdb = redis.NewClient(&redis.Options{Addr: s.redis.Addr, Protocol: 2})
	s.later(func() { _ = s.rdb.Close() })
	if s.wire, err = newWire(ctx, s.redis.Addr); err != nil {
		return err
	}
	s.later(s.wire.close)
	if s.cluster, err = startCluster(ctx, s.config, s.dir); err != nil {
		return err
	}
	s.later(func() { _ = s.cluster.env.Stop() })
	playing, cancel := context.WithCancel(ctx)
	s.later(cancel)
	player := newPlayer(s.cluster.client)
	player.run(playing)
	s.tracker = newTracker()
	s.tracker.stale = player.play
	if err := s.tracker.watch(playing, s.cluster); err != nil {
		return err
	}
	return s.cluster.settle(ctx, s.size, s.wire.addr())
}

// start runs one more manager.
func (s *stage) start(ctx context.Context) (*manager, error) {
	s.started++
	m, err := startManager(ctx, s.program, s.cluster.kubeconfig, s.wire.addr(), filepath.Join(s.dir, fmt.Sprintf("manager-%d.log", s.started)))
	if err != nil {
		return nil, err
	}
	s.later(func() { m.end(syscall.SIGKILL) })
	return m, nil
}

// push puts messages on queues at once.
func (s *stage) push(ctx context.Context, n int, queues ...types.NamespacedName) error {
	messages := make([]any, n)
	for i := range messages {
		messages[i] = "message"
	}
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, q := range queues {
			p.LPush(ctx, channelOf(q)+":waiting", messages...)
		}
		return nil
	})
	return err
}

// scaling returns some queues that scale and were not returned before.
func (s *stage) scaling(ctx context.Context, n int) ([]types.NamespacedName, error) {
	var list []types.NamespacedName
	for i := 0; i < s.size && len(list) < n; i++ {
		if q := nameOf(i); scales(i) && s.tracker.replicas(q) == 0 {
			list = append(list, q)
		}
	}
	if len(list) < n {
		return nil, errors.New("too few queues are at zero")
	}
	return list, ctx.Err()
}

// remove deletes queues; no garbage collector takes their Deployments.
func (s *stage) remove(ctx context.Context, namespace string, objects ...client.Object) error {
	for _, o := range objects {
		if err := s.cluster.client.DeleteAllOf(ctx, o, client.InNamespace(namespace)); err != nil {
			return fmt.Errorf("deleting what namespace %s holds: %w", namespace, err)
		}
	}
	return nil
}
