package redisconn

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// mode is how a Redis is made up.
type mode int

const (
	standalone mode = iota
	sentinel
	cluster
)

// target is a parsed URL.
type target struct {
	mode               mode
	tls                bool
	addrs              []string
	master             string
	database           int
	username, password string
}

var schemes = map[string]target{
	"redis":           {mode: standalone},
	"rediss":          {mode: standalone, tls: true},
	"redis-sentinel":  {mode: sentinel},
	"rediss-sentinel": {mode: sentinel, tls: true},
	"redis-cluster":   {mode: cluster},
	"rediss-cluster":  {mode: cluster, tls: true},
}

// parseURL reads a URL of the forms that Config lists. Errors never show what may be a password.
func parseURL(text string) (target, error) {
	scheme, rest, found := strings.Cut(text, "://")
	t, known := schemes[scheme]
	if !found || !known {
		return target{}, errors.New("URL: want it to begin with redis://, rediss://, redis-sentinel:// or redis-cluster://")
	}
	rest, query, _ := strings.Cut(rest, "?")
	hosts, path, _ := strings.Cut(rest, "/")
	if at := strings.LastIndex(hosts, "@"); at >= 0 {
		if err := t.readUser(hosts[:at]); err != nil {
			return target{}, err
		}
		hosts = hosts[at+1:]
	}
	if err := t.readAddrs(hosts); err != nil {
		return target{}, err
	}
	if err := t.readPath(path); err != nil {
		return target{}, err
	}
	return t, t.readQuery(query)
}

func (t *target) readUser(text string) error {
	username, password, _ := strings.Cut(text, ":")
	var err error
	if t.username, err = url.PathUnescape(username); err != nil {
		return errors.New("URL: the user name is not escaped well")
	}
	if t.password, err = url.PathUnescape(password); err != nil {
		return errors.New("URL: the password is not escaped well")
	}
	return nil
}

func (t *target) readAddrs(hosts string) error {
	port := "6379"
	if t.mode == sentinel {
		port = "26379"
	}
	for host := range strings.SplitSeq(hosts, ",") {
		addr, err := withPort(host, port)
		if err != nil {
			return fmt.Errorf("URL: address %q: %w", host, err)
		}
		t.addrs = append(t.addrs, addr)
	}
	if t.mode == standalone && len(t.addrs) > 1 {
		return errors.New("URL: more than one address needs redis-sentinel:// or redis-cluster://")
	}
	return nil
}

func withPort(host, port string) (string, error) {
	name, given := host, port
	if strings.Contains(host, ":") && !strings.HasSuffix(host, "]") {
		var err error
		if name, given, err = net.SplitHostPort(host); err != nil {
			return "", errors.New("want host:port")
		}
	}
	name = strings.Trim(name, "[]")
	if name == "" {
		return "", errors.New("want a host name")
	}
	if n, err := strconv.Atoi(given); err != nil || n < 1 || n > 65535 {
		return "", errors.New("want a port between 1 and 65535")
	}
	return net.JoinHostPort(name, given), nil
}

func (t *target) readPath(path string) error {
	path = strings.Trim(path, "/")
	if path == "" {
		return nil
	}
	n, err := strconv.Atoi(path)
	if err != nil || n < 0 {
		return fmt.Errorf("URL: database %q: want a number", path)
	}
	if t.mode == cluster && n != 0 {
		return errors.New("URL: Redis Cluster has no database but 0")
	}
	t.database = n
	return nil
}

func (t *target) readQuery(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("URL: the part after ? is not escaped well")
	}
	t.master = values.Get("master")
	for name := range values {
		if name != "master" {
			return fmt.Errorf("URL: parameter %q is not known", name)
		}
	}
	if t.mode == sentinel && t.master == "" {
		return errors.New("URL: redis-sentinel:// needs ?master=<name>")
	}
	if t.mode != sentinel && t.master != "" {
		return errors.New("URL: ?master= goes with redis-sentinel://")
	}
	return nil
}
