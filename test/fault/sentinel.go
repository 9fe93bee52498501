package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redistest"
)

const masterName = "mymaster"

// syncAtOnce lets a replica begin without waiting for others.
var syncAtOnce = []string{"--repl-diskless-sync-delay", "0"}

// pair is a master and its replica, watched by sentinels. The replica lags behind.
type pair struct {
	s       *scene
	servers [2]*redistest.Server
	master  int
	lag     *wire // between the replica and its master
}

// failedOver has the master killed under load, with a replica that has not heard the last of it; the
// old master comes back as a replica.
func failedOver() faultCase {
	var p *pair
	return faultCase{
		name:    "Sentinel fail-over",
		setting: setting{reload: true, undo: true},
		open: func(s *scene) (err error) {
			p, err = openPair(s)
			return err
		},
		play: func(ctx context.Context, s *scene) error {
			s.producer.push = func(ctx context.Context, one parcel) error {
				node, is := s.rdb.(*redis.Client)
				if !is {
					return errors.New("want a client of one node")
				}
				return s.pushWaited(ctx, node, one)
			}
			for s.goesOn(ctx, time.Second, 2*time.Second) {
				if err := s.fault(ctx, p.killMaster, p.awaitPromotion); err != nil {
					return err
				}
				if err := p.bringBack(context.WithoutCancel(ctx)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func openPair(s *scene) (*pair, error) {
	p := &pair{s: s}
	for i := range p.servers {
		server, err := s.launchWith(redistest.Options{Args: syncAtOnce}, "redis-"+strconv.Itoa(i))
		if err != nil {
			return nil, err
		}
		p.servers[i] = server
	}
	if err := p.follow(); err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(p.servers[p.master].Addr)
	if err != nil {
		return nil, err
	}
	var addrs []string
	for i := range 3 {
		sentinel, err := s.launchWith(redistest.Options{Args: []string{"--sentinel"}}, "sentinel-"+strconv.Itoa(i))
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, sentinel.Addr)
		rdb := redis.NewSentinelClient(&redis.Options{Addr: sentinel.Addr, Protocol: 2, DisableIdentity: true})
		ctx := context.Background()
		err = errors.Join(
			rdb.Monitor(ctx, masterName, host, port, "2").Err(),
			rdb.Set(ctx, masterName, "down-after-milliseconds", "1000").Err(),
			rdb.Set(ctx, masterName, "failover-timeout", "20000").Err(),
			rdb.Close(),
		)
		if err != nil {
			return nil, fmt.Errorf("watching the master: %w", err)
		}
	}
	s.url = "redis-sentinel://" + strings.Join(addrs, ",") + "/0?master=" + masterName
	return p, s.await(context.Background(), "the sentinels to know the replica", 20*time.Second, func(ctx context.Context) bool {
		for _, addr := range addrs {
			rdb := redis.NewSentinelClient(&redis.Options{Addr: addr, Protocol: 2, DisableIdentity: true})
			replicas, err := rdb.Replicas(ctx, masterName).Result()
			others, failed := rdb.Sentinels(ctx, masterName).Result()
			_ = rdb.Close()
			if err != nil || failed != nil || len(replicas) != 1 || len(others) != 2 {
				return false
			}
		}
		return true
	})
}

// follow makes the other server a replica, over a wire with a delay.
func (p *pair) follow() error {
	lines, err := p.s.wiresTo(p.servers[p.master].Addr, 1)
	if err != nil {
		return err
	}
	p.lag = lines[0]
	delay := p.s.between(50*time.Millisecond, 250*time.Millisecond).Milliseconds()
	if err := p.lag.poison("latency", "downstream", &toxics.LatencyToxic{Latency: delay}); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(p.lag.addr)
	if err != nil {
		return err
	}
	replica := p.servers[1-p.master]
	ctx := context.Background()
	if err := direct(replica.Addr, func(rdb *redis.Client) error { return rdb.ReplicaOf(ctx, host, port).Err() }); err != nil {
		return fmt.Errorf("making a replica: %w", err)
	}
	return p.s.await(ctx, "the replica to follow", 20*time.Second, func(ctx context.Context) bool {
		return infoHas(ctx, replica.Addr, "master_link_status:up")
	})
}

// killMaster kills the master, and with it what its replica has not heard yet.
func (p *pair) killMaster(context.Context) error {
	p.lag.cut()
	p.servers[p.master].Stop()
	return nil
}

// awaitPromotion returns once the replica is the master.
func (p *pair) awaitPromotion(ctx context.Context) error {
	p.master = 1 - p.master
	return p.s.await(ctx, "the replica to be promoted", 60*time.Second, func(ctx context.Context) bool {
		return infoHas(ctx, p.servers[p.master].Addr, "role:master")
	})
}

// bringBack starts the old master again, which believes to be one still, until the sentinels or
// somebody else tell it better.
func (p *pair) bringBack(ctx context.Context) error {
	old := p.servers[1-p.master]
	if err := old.Restart(); err != nil {
		return err
	}
	if p.s.between(0, 3) == 0 {
		err := p.s.await(ctx, "the old master to be demoted", 60*time.Second, func(ctx context.Context) bool {
			return infoHas(ctx, old.Addr, "role:slave")
		})
		if err != nil {
			return err
		}
	}
	return p.follow()
}

// direct lets a client of one server do something.
func direct(addr string, do func(*redis.Client) error) error {
	rdb := redis.NewClient(&redis.Options{Addr: addr, Protocol: 2, DisableIdentity: true, MaxRetries: -1, DialerRetries: 1})
	defer func() { _ = rdb.Close() }()
	return do(rdb)
}

// infoHas says whether a server's INFO has a line.
func infoHas(ctx context.Context, addr, line string) bool {
	text := ""
	err := direct(addr, func(rdb *redis.Client) (err error) {
		text, err = rdb.Info(ctx).Result()
		return err
	})
	return err == nil && strings.Contains(text, line)
}
