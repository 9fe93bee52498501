package redisconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	// ErrSentinels is wrapped by what goes wrong at the sentinels rather than at the master.
	ErrSentinels = errors.New("asking the sentinels")
	// ErrUnknownMaster means that the sentinels answer, but know no master of the given name.
	ErrUnknownMaster = errors.New("they know no master of that name")
)

// connectionLife bounds how long a connection to a master is kept: a master that was replaced while
// the sentinels could not tell it so is left after this time.
const connectionLife = 30 * time.Second

// sentinels find a master. They are asked anew for every connection, all at once, so that one that
// hangs, or still tells of the old master, costs nothing.
type sentinels struct {
	addresses []string
	master    string
	patience  time.Duration // for an answer
	dial      dialFunc
	user      func() (username, password string, err error)
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dialMaster connects to the master, whatever address is asked for.
func (s *sentinels) dialMaster(ctx context.Context, network, _ string) (net.Conn, error) {
	address, err := s.find(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSentinels, err)
	}
	return s.dial(ctx, network, address)
}

// find returns the master's address as soon as more than half of the sentinels agree, or else the
// one that most of those name that answer in time.
func (s *sentinels) find(ctx context.Context) (string, error) {
	username, password, err := s.user()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	votes := make(chan vote, len(s.addresses))
	for _, address := range s.addresses {
		go func() { votes <- s.ask(ctx, address, username, password) }()
	}
	count := map[string]int{}
	var best string
	var failures []error
	for range s.addresses {
		a := <-votes
		if a.err != nil {
			failures = append(failures, a.err)
			continue
		}
		count[a.master]++
		if best == "" || count[a.master] > count[best] {
			best = a.master
		}
		if count[a.master] > len(s.addresses)/2 {
			break
		}
	}
	if best != "" {
		return best, nil
	}
	return "", gravest(failures)
}

// vote is what one sentinel says.
type vote struct {
	master string
	err    error
}

func (s *sentinels) ask(ctx context.Context, address, username, password string) vote {
	client := redis.NewSentinelClient(&redis.Options{
		Addr: address, Dialer: s.dial, Username: username, Password: password,
		Protocol: 2, DisableIdentity: true, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
		DialTimeout: s.patience, ReadTimeout: s.patience, WriteTimeout: s.patience, PoolSize: 1,
	})
	defer func() { _ = client.Close() }()
	host, err := client.GetMasterAddrByName(ctx, s.master).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return vote{err: ErrUnknownMaster}
	case err != nil:
		return vote{err: err}
	case len(host) != 2:
		return vote{err: errors.New("the answer is no address")}
	}
	return vote{master: net.JoinHostPort(host[0], host[1])}
}

// gravest returns the failure that says most: what a sentinel answered goes before its silence.
func gravest(failures []error) error {
	var worst error
	for _, err := range failures {
		var said redis.Error
		switch {
		case errors.As(err, &said):
			return err
		case worst == nil, errors.Is(err, ErrUnknownMaster), errors.Is(worst, context.DeadlineExceeded):
			worst = err
		}
	}
	return worst
}
