package redisconn

import (
	"context"
	"errors"
	"net"

	"github.com/redis/go-redis/v9"
)

// newCluster returns a client of a Redis Cluster that looks for the nodes anew when one of them is
// gone. By itself the client library does so only when a node that is there says that another one is in
// charge: where the node in charge has died, it would call on the dead for a minute.
func newCluster(options *redis.ClusterOptions) *redis.ClusterClient {
	client := redis.NewClusterClient(options)
	client.AddHook(&reloader{reload: client.ReloadState})
	return client
}

// reloader is a hook that has the nodes looked for when one does not answer.
type reloader struct {
	reload func(context.Context) // in the background; more calls at once count as one
}

// look judges the error of a call.
func (r *reloader) look(ctx context.Context, err error) {
	var answer redis.Error
	if err == nil || errors.As(err, &answer) || errors.Is(err, context.Canceled) {
		return
	}
	r.reload(context.WithoutCancel(ctx))
}

// DialHook passes on.
func (r *reloader) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessHook looks at how a command went.
func (r *reloader) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		r.look(ctx, err)
		return err
	}
}

// ProcessPipelineHook looks at how a pipeline went.
func (r *reloader) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		r.look(ctx, err)
		return err
	}
}
