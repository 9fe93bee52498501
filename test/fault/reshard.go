package main

import (
	"context"
	"fmt"
	"net"
	"time"
)

// resharded has the channel's slot moved from node to node, key by key, under load.
func resharded() faultCase {
	var n *nodes
	return faultCase{
		name:    "Cluster slot migration",
		setting: setting{reload: true},
		open: func(s *scene) (err error) {
			n, err = openCluster(s, false)
			return err
		},
		play: func(ctx context.Context, s *scene) error {
			for s.goesOn(ctx, 0, 500*time.Millisecond) {
				err := s.fault(ctx, nothing, n.migrate)
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// migrate moves the channel's slot to another master, as the tools of Redis do.
func (n *nodes) migrate(ctx context.Context) error {
	from, err := n.owner(ctx)
	if err != nil {
		return err
	}
	to := from
	for to == from {
		to = n.all[n.s.between(0, masters-1)]
	}
	slot := n.slot(ctx)
	if err := to.rdb.Do(ctx, "cluster", "setslot", slot, "importing", from.id).Err(); err != nil {
		return fmt.Errorf("importing the slot: %w", err)
	}
	if err := from.rdb.Do(ctx, "cluster", "setslot", slot, "migrating", to.id).Err(); err != nil {
		return fmt.Errorf("migrating the slot: %w", err)
	}
	if err := n.carry(ctx, from, to, slot); err != nil {
		return err
	}
	for _, one := range []*node{to, from} {
		if err := one.rdb.Do(ctx, "cluster", "setslot", slot, "node", to.id).Err(); err != nil {
			return fmt.Errorf("giving the slot away: %w", err)
		}
	}
	return nil
}

// carry moves the keys one by one, with a moment in between for the load to come across them.
func (n *nodes) carry(ctx context.Context, from, to *node, slot int) error {
	host, port, err := net.SplitHostPort(to.server.Addr)
	if err != nil {
		return err
	}
	for {
		keys, err := from.rdb.ClusterGetKeysInSlot(ctx, slot, 10).Result()
		if err != nil {
			return fmt.Errorf("listing the keys of the slot: %w", err)
		}
		if len(keys) == 0 {
			return nil
		}
		for _, key := range keys {
			if err := from.rdb.Migrate(ctx, host, port, key, 0, 5*time.Second).Err(); err != nil {
				return fmt.Errorf("migrating %s: %w", key, err)
			}
			n.s.pause(ctx, n.s.between(0, 40*time.Millisecond))
		}
	}
}
