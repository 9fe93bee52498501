package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redistest"
)

// The size of a cluster.
const (
	masters    = 3
	slots      = 16384
	formWithin = 40 * time.Second
)

// node is a server of a cluster.
type node struct {
	server *redistest.Server
	id     string // in the cluster
	rdb    *redis.Client
}

// nodes is a Redis Cluster: masters, and then, where there are any, their replicas in the same order.
type nodes struct {
	s   *scene
	all []*node
}

// openCluster starts a cluster of three masters, each with a replica if so asked.
func openCluster(s *scene, replicated bool) (*nodes, error) {
	n := &nodes{s: s}
	count := masters
	if replicated {
		count *= 2
	}
	var addrs []string
	for i := range count {
		one, err := n.start(i)
		if err != nil {
			return nil, err
		}
		n.all = append(n.all, one)
		addrs = append(addrs, one.server.Addr)
	}
	s.url = "redis-cluster://" + strings.Join(addrs, ",")
	return n, n.form(context.Background())
}

func (n *nodes) start(i int) (*node, error) {
	server, err := n.s.launchWith(redistest.Options{Args: append([]string{
		"--cluster-enabled", "yes", "--cluster-node-timeout", "1500", "--cluster-replica-validity-factor", "0",
		"--cluster-require-full-coverage", "no",
	}, syncAtOnce...)}, "node-"+strconv.Itoa(i))
	if err != nil {
		return nil, err
	}
	one := &node{server: server, rdb: redis.NewClient(&redis.Options{
		Addr: server.Addr, Protocol: 2, DisableIdentity: true, MaxRetries: -1, DialerRetries: 1,
	})}
	n.s.cleanup(func() { _ = one.rdb.Close() })
	if one.id, err = one.rdb.ClusterMyID(context.Background()).Result(); err != nil {
		return nil, fmt.Errorf("asking a node for its name: %w", err)
	}
	return one, nil
}

// form makes the servers one cluster.
func (n *nodes) form(ctx context.Context) error {
	for i, one := range n.all {
		host, port, err := net.SplitHostPort(one.server.Addr)
		if err != nil {
			return err
		}
		if err := n.all[0].rdb.ClusterMeet(ctx, host, port).Err(); err != nil {
			return fmt.Errorf("making nodes meet: %w", err)
		}
		if i < masters {
			from, to := i*slots/masters, (i+1)*slots/masters-1
			if err := one.rdb.ClusterAddSlotsRange(ctx, from, to).Err(); err != nil {
				return fmt.Errorf("dealing slots: %w", err)
			}
		}
	}
	if err := n.s.await(ctx, "the nodes to know each other", formWithin, n.areMet); err != nil {
		return err
	}
	for i, one := range n.all[masters:] {
		if err := one.rdb.ClusterReplicate(ctx, n.all[i].id).Err(); err != nil {
			return fmt.Errorf("making a replica: %w", err)
		}
	}
	return n.s.await(ctx, "the cluster to form", formWithin, n.isFormed)
}

func (n *nodes) areMet(ctx context.Context) bool {
	for _, one := range n.all {
		text, err := one.rdb.ClusterNodes(ctx).Result()
		if err != nil || strings.Count(text, "connected") < len(n.all) || strings.Contains(text, "handshake") {
			return false
		}
	}
	return true
}

// isFormed says whether every node sees all slots served, and every replica follows its master.
func (n *nodes) isFormed(ctx context.Context) bool {
	for _, one := range n.all {
		info, err := one.rdb.ClusterInfo(ctx).Result()
		if err != nil || !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_slots_ok:16384") {
			return false
		}
		role, err := one.rdb.Info(ctx, "replication").Result()
		if err != nil || strings.Contains(role, "master_link_status:down") {
			return false
		}
	}
	return true
}

// owner returns the node that serves the channel, as the nodes themselves see it.
func (n *nodes) owner(ctx context.Context) (*node, error) {
	slot := n.slot(ctx)
	for _, one := range n.all {
		text, err := one.rdb.ClusterNodes(ctx).Result()
		if err != nil {
			continue
		}
		for line := range strings.SplitSeq(text, "\n") {
			if strings.Contains(line, "myself,master") && servesSlot(line, slot) {
				return one, nil
			}
		}
	}
	return nil, errors.New("finding the channel's node: no living master serves its slot")
}

func (n *nodes) slot(ctx context.Context) int {
	for _, one := range n.all {
		if slot, err := one.rdb.ClusterKeySlot(ctx, n.s.channel+":waiting").Result(); err == nil {
			return int(slot)
		}
	}
	return 0
}

// servesSlot reads the ranges at the end of a line of CLUSTER NODES.
func servesSlot(line string, slot int) bool {
	fields := strings.Fields(line)
	for _, text := range fields[min(8, len(fields)):] {
		first, last, isRange := strings.Cut(text, "-")
		if !isRange {
			last = first
		}
		from, err := strconv.Atoi(first)
		to, failed := strconv.Atoi(last)
		if err == nil && failed == nil && from <= slot && slot <= to {
			return true
		}
	}
	return false
}
