// Package redisconn opens Redis clients as AsyncQueue needs them: with deadlines on everything,
// short keepalives, and no automatic re-sends. It serves the worker, which reads credentials from
// mounted files, and the operator's poller, which has them in memory.
package redisconn

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Defaults of Config.
const (
	DefaultDialTimeout = 3 * time.Second
	DefaultTimeout     = 5 * time.Second
	DefaultPoolSize    = 10
)

// Config describes a Redis and how to talk to it. No error of this package shows a secret.
type Config struct {
	// URL says where Redis is:
	//
	//	redis://host:6379/0                       one server; rediss:// with TLS
	//	redis-sentinel://s1:26379,s2:26379/0?master=mymaster
	//	redis-cluster://n1:6379,n2:6379
	//
	// rediss-sentinel and rediss-cluster are the same with TLS. The port defaults to 6379 (26379 for
	// sentinels), the database to 0. User and password may stand in it, and lose against the fields.
	URL string

	// CredentialsDir is a folder with the files username and password, either of which may be absent,
	// or with the file uri, which then replaces URL. Files are read again for every new connection.
	CredentialsDir string

	// Username and Password authenticate where CredentialsDir is empty. Default: none.
	Username, Password string

	// SentinelUsername and SentinelPassword authenticate at the sentinels. Default: none.
	SentinelUsername, SentinelPassword string

	// SentinelCredentialsDir is like CredentialsDir, for the sentinels, without uri. Ignored, as the
	// two above, where the URL is not one of sentinels.
	SentinelCredentialsDir string

	// TLS is used where it is enabled, or where the URL asks for it.
	TLS TLS

	// Namespace is the Kubernetes namespace of a bare host name, for a client that runs in another one.
	// Default: names are looked up as they are.
	Namespace string

	// Role becomes part of the connections' name in Redis, "asyncqueue-<role>". Default "client".
	Role string

	// PoolSize bounds the connections, for each node in Cluster mode. Default 10.
	PoolSize int

	// DialTimeout bounds connecting, the TLS handshake included. Default 3 s.
	DialTimeout time.Duration

	// Timeout bounds one read or write. It must be above the 2 s of a blocking wait. Default 5 s.
	Timeout time.Duration
}

func (c *Config) setDefaults() {
	if c.Role == "" {
		c.Role = "client"
	}
	if c.PoolSize == 0 {
		c.PoolSize = DefaultPoolSize
	}
	if c.DialTimeout == 0 {
		c.DialTimeout = DefaultDialTimeout
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
}

// validate names the field that is wrong.
func (c *Config) validate() error {
	switch {
	case c.URL == "":
		return errors.New("URL: want a Redis URL such as redis://host:6379/0")
	case c.PoolSize < 0:
		return errors.New("PoolSize: want no negative number")
	case c.DialTimeout < 0:
		return errors.New("DialTimeout: want no negative duration")
	case c.Timeout <= 2*time.Second:
		return fmt.Errorf("Timeout %v: want more than the 2s of a blocking wait", c.Timeout)
	case c.CredentialsDir != "" && (c.Username != "" || c.Password != ""):
		return errors.New("CredentialsDir: want no Username and Password beside it")
	case c.SentinelCredentialsDir != "" && (c.SentinelUsername != "" || c.SentinelPassword != ""):
		return errors.New("SentinelCredentialsDir: want no SentinelUsername and SentinelPassword beside it")
	case strings.ContainsAny(c.Role, " \n"):
		return fmt.Errorf("Role %q: want no spaces", c.Role)
	}
	return c.TLS.validate()
}
