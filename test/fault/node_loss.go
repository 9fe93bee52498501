package main

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// lostNode has the channel's master killed in a cluster; its replica is promoted, and it comes back as
// a replica.
func lostNode() faultCase {
	var n *nodes
	return faultCase{
		name:    "Cluster node loss",
		setting: setting{reload: true, undo: true},
		open: func(s *scene) (err error) {
			n, err = openCluster(s, true)
			return err
		},
		play: func(ctx context.Context, s *scene) error {
			s.producer.push = n.push
			for s.goesOn(ctx, time.Second, 2*time.Second) {
				owner, err := n.owner(context.WithoutCancel(ctx))
				if err != nil {
					return err
				}
				err = s.fault(ctx,
					func(context.Context) error { owner.server.Stop(); return nil },
					func(lasting context.Context) error {
						return s.await(lasting, "a replica to be promoted", formWithin, func(ctx context.Context) bool {
							now, err := n.owner(ctx)
							return err == nil && now != owner
						})
					},
				)
				if err != nil {
					return err
				}
				if err := owner.server.Restart(); err != nil {
					return err
				}
				if err := s.await(context.WithoutCancel(ctx), "the cluster to be whole", formWithin, n.isFormed); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// push has a replica confirm each push.
func (n *nodes) push(ctx context.Context, one parcel) error {
	cluster, is := n.s.rdb.(*redis.ClusterClient)
	if !is {
		return errors.New("want a client of a cluster")
	}
	master, err := cluster.MasterForKey(ctx, n.s.channel+":waiting")
	if err != nil {
		return err
	}
	err = n.s.pushWaited(ctx, master, one)
	if err != nil {
		cluster.ReloadState(ctx) // it may be another node by now
	}
	return err
}
