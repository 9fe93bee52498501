package redisconn

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
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
	if where.Mode == Cluster {
		return newCluster(options.Cluster()), nil
	}
	return redis.NewClient(options.Simple()), nil
}

// silence keeps the client library from writing to stderr by itself: what fails is returned.
var silence = sync.OnceFunc(func() { redis.SetLogger(quiet{}) })

type quiet struct{}

// Printf drops the line.
func (quiet) Printf(context.Context, string, ...any) {}

func (c Config) options() (*redis.UniversalOptions, Place, error) {
	c.setDefaults()
	if err := c.useCredentialsURI(); err != nil {
		return nil, Place{}, err
	}
	if err := c.validate(); err != nil {
		return nil, Place{}, err
	}
	where, user, err := ParseURL(c.URL)
	if err != nil {
		return nil, Place{}, fmt.Errorf("URL: %w", err)
	}
	options := &redis.UniversalOptions{
		Addrs: where.Addresses, DB: where.Database,
		Protocol: 2, DisableIdentity: true,
		MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
		DialTimeout: c.DialTimeout, ReadTimeout: c.Timeout, WriteTimeout: c.Timeout,
		PoolSize: c.PoolSize, PoolTimeout: c.Timeout, ConnMaxIdleTime: 5 * time.Minute,
		OnConnect:                setName("asyncqueue-" + c.Role),
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if c.TLS.Enabled || where.TLS {
		if options.TLSConfig, err = c.TLS.load(); err != nil {
			return nil, Place{}, err
		}
	}
	dial := dialer(c.DialTimeout, c.Namespace, options.TLSConfig)
	options.Dialer = dial
	if where.Mode == Sentinel {
		if options.Dialer, err = c.throughSentinels(where, dial); err != nil {
			return nil, Place{}, err
		}
		options.ConnMaxLifetime, options.ConnMaxLifetimeJitter = connectionLife, connectionLife/4
	}
	return options, where, c.authenticate(options, user)
}

func (c Config) authenticate(options *redis.UniversalOptions, user *url.Userinfo) error {
	if user != nil {
		options.Username = user.Username()
		options.Password, _ = user.Password()
	}
	if c.Username != "" || c.Password != "" {
		options.Username, options.Password = c.Username, c.Password
	}
	if dir := c.CredentialsDir; dir != "" {
		if _, _, err := readPair(dir); err != nil {
			return fmt.Errorf("CredentialsDir: %w", err)
		}
		options.CredentialsProviderContext = func(context.Context) (string, string, error) { return readPair(dir) }
	}
	return nil
}

// throughSentinels makes a dialer that finds the master first.
func (c Config) throughSentinels(where Place, dial dialFunc) (dialFunc, error) {
	user := func() (string, string, error) { return c.SentinelUsername, c.SentinelPassword, nil }
	if dir := c.SentinelCredentialsDir; dir != "" {
		if _, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("SentinelCredentialsDir: %w", err)
		}
		user = func() (string, string, error) { return readPair(dir) }
	}
	if _, _, err := user(); err != nil {
		return nil, fmt.Errorf("SentinelCredentialsDir: %w", err)
	}
	s := &sentinels{addresses: where.Addresses, master: where.Master, patience: c.DialTimeout / 2, dial: dial, user: user}
	return s.dialMaster, nil
}

// setName names the connection for those who look at CLIENT LIST. A user that may not do this is
// served all the same.
func setName(name string) func(context.Context, *redis.Conn) error {
	return func(ctx context.Context, conn *redis.Conn) error {
		_ = conn.ClientSetName(ctx, name).Err()
		return nil
	}
}

// dialer connects with keepalives that find a vanished peer within half a minute. A bare host name
// is looked up in the namespace, if there is one, but keeps its name in TLS.
func dialer(timeout time.Duration, namespace string, secure *tls.Config) dialFunc {
	plain := &net.Dialer{
		Timeout:         timeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3},
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		conn, err := plain.DialContext(ctx, network, InNamespace(address, namespace))
		if err != nil || secure == nil {
			return conn, err
		}
		config := secure
		if host, _, err := net.SplitHostPort(address); err == nil && config.ServerName == "" {
			config = secure.Clone()
			config.ServerName = host
		}
		encrypted := tls.Client(conn, config)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return encrypted, nil
	}
}

// InNamespace returns host:port as it is reached from outside of a Kubernetes namespace: a bare
// service name is one of the namespace. Without a namespace nothing changes.
func InNamespace(address, namespace string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil || namespace == "" || strings.ContainsAny(host, ".:") || host == "localhost" {
		return address
	}
	return net.JoinHostPort(host+"."+namespace, port)
}
