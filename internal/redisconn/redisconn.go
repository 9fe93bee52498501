package redisconn

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// New returns a client, which connects when it is first used. Its methods honour the deadlines of
// their contexts and send no command twice by themselves; judge their errors with IsTransient.
func New(cfg Config) (redis.UniversalClient, error) {
	silence()
	options, where, err := cfg.options()
	if err != nil {
		return nil, fmt.Errorf("configuring Redis: %w", err)
	}
	switch where.mode {
	case cluster:
		return redis.NewClusterClient(options.Cluster()), nil
	case sentinel:
		return redis.NewFailoverClient(options.Failover()), nil
	default:
		return redis.NewClient(options.Simple()), nil
	}
}

// silence keeps the client library from writing to stderr by itself: what fails is returned.
var silence = sync.OnceFunc(func() { redis.SetLogger(quiet{}) })

type quiet struct{}

// Printf drops the line.
func (quiet) Printf(context.Context, string, ...any) {}

func (c Config) options() (*redis.UniversalOptions, target, error) {
	c.setDefaults()
	if err := c.useCredentialsURI(); err != nil {
		return nil, target{}, err
	}
	if err := c.validate(); err != nil {
		return nil, target{}, err
	}
	where, err := parseURL(c.URL)
	if err != nil {
		return nil, target{}, err
	}
	options := &redis.UniversalOptions{
		Addrs: where.addrs, DB: where.database, MasterName: where.master,
		Protocol: 2, DisableIdentity: true,
		MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
		DialTimeout: c.DialTimeout, ReadTimeout: c.Timeout, WriteTimeout: c.Timeout,
		PoolSize: c.PoolSize, PoolTimeout: c.Timeout, ConnMaxIdleTime: 5 * time.Minute,
		OnConnect:                setName("asyncqueue-" + c.Role),
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if c.TLS.Enabled || where.tls {
		if options.TLSConfig, err = c.TLS.load(); err != nil {
			return nil, target{}, err
		}
	}
	options.Dialer = dialer(c.DialTimeout, options.TLSConfig)
	return options, where, c.authenticate(options, where)
}

func (c Config) authenticate(options *redis.UniversalOptions, where target) error {
	options.Username, options.Password = where.username, where.password
	if c.Username != "" || c.Password != "" {
		options.Username, options.Password = c.Username, c.Password
	}
	if dir := c.CredentialsDir; dir != "" {
		if _, _, err := readPair(dir); err != nil {
			return fmt.Errorf("CredentialsDir: %w", err)
		}
		options.CredentialsProviderContext = func(context.Context) (string, string, error) { return readPair(dir) }
	}
	options.SentinelUsername, options.SentinelPassword = c.SentinelUsername, c.SentinelPassword
	if dir := c.SentinelCredentialsDir; dir != "" {
		var err error
		if options.SentinelUsername, options.SentinelPassword, err = readPair(dir); err != nil {
			return fmt.Errorf("SentinelCredentialsDir: %w", err)
		}
	}
	return nil
}

// setName names the connection for those who look at CLIENT LIST. A user that may not do this is
// served all the same.
func setName(name string) func(context.Context, *redis.Conn) error {
	return func(ctx context.Context, conn *redis.Conn) error {
		_ = conn.ClientSetName(ctx, name).Err()
		return nil
	}
}

// dialer connects with keepalives that find a vanished peer within half a minute.
func dialer(timeout time.Duration, secure *tls.Config) func(context.Context, string, string) (net.Conn, error) {
	plain := &net.Dialer{
		Timeout:         timeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3},
	}
	if secure == nil {
		return plain.DialContext
	}
	encrypted := &tls.Dialer{NetDialer: plain, Config: secure}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		return encrypted.DialContext(ctx, network, addr)
	}
}
