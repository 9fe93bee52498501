package crew

import (
	"context"
	"math/rand/v2"
	"net"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// mortal kills its own process, at moments that no killer from outside would meet.
type mortal struct{ chance float64 }

// moment is one at which the process may die, by SIGKILL: nothing is flushed, closed or said.
func (m *mortal) moment() {
	if m.chance > 0 && rand.Float64() < m.chance { //nolint:gosec // chance is not security
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
		select {} // until the signal arrives
	}
}

// DialHook passes on a connection that may be the last: a request may leave without its answer ever
// being read.
func (m *mortal) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := next(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &mortalConn{Conn: conn, mortal: m}, nil
	}
}

// ProcessHook dies before a command or after its answer.
func (m *mortal) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		m.moment()
		err := next(ctx, cmd)
		m.moment()
		return err
	}
}

// ProcessPipelineHook does the same with pipelines.
func (m *mortal) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		m.moment()
		err := next(ctx, cmds)
		m.moment()
		return err
	}
}

// mortalConn may die with a request on its way.
type mortalConn struct {
	net.Conn
	mortal *mortal
}

// Write sends and may die.
func (c *mortalConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.mortal.moment()
	return n, err
}
