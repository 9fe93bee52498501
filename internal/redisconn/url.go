package redisconn

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Mode is how a Redis is made up.
type Mode string

// The modes, as the API spells them.
const (
	Standalone Mode = "Standalone" // one server
	Sentinel   Mode = "Sentinel"   // a master that sentinels know
	Cluster    Mode = "Cluster"    // Redis Cluster
)

// Place says where a Redis is: what a URL says, but for the credentials.
type Place struct {
	// Mode is never empty.
	Mode Mode
	// TLS encrypts the connections, those to sentinels too.
	TLS bool
	// Addresses are host:port pairs, at least one: of the server, the sentinels or some nodes.
	Addresses []string
	// Master is the name under which the sentinels know the master. Empty in other modes.
	Master string
	// Database is 0 in mode Cluster.
	Database int
}

var modes = map[string]Mode{"redis": Standalone, "redis-sentinel": Sentinel, "redis-cluster": Cluster}

const schemeError = "want it to begin with redis://, rediss://, redis-sentinel:// or redis-cluster://"

// ParseURL reads a URL of the forms that Config lists. The user is nil where the URL has none. Errors
// never show what may be a password.
func ParseURL(text string) (Place, *url.Userinfo, error) {
	scheme, rest, found := strings.Cut(text, "://")
	plain := scheme
	if secure, ok := strings.CutPrefix(scheme, "rediss"); ok {
		plain = "redis" + secure
	}
	mode, known := modes[plain]
	if !found || !known {
		return Place{}, nil, errors.New(schemeError)
	}
	p := Place{Mode: mode, TLS: plain != scheme}
	rest, query, _ := strings.Cut(rest, "?")
	hosts, path, _ := strings.Cut(rest, "/")
	if strings.Contains(path+query, "@") { // what stands before it may be a secret
		return Place{}, nil, errors.New("want / and ? in a user name or password written as %2F and %3F, and @ behind the host as %40")
	}
	var user *url.Userinfo
	if at := strings.LastIndex(hosts, "@"); at >= 0 {
		var err error
		if user, err = readUser(hosts[:at]); err != nil {
			return Place{}, nil, err
		}
		hosts = hosts[at+1:]
	}
	for _, read := range []func() error{
		func() error { return p.readAddresses(hosts) },
		func() error { return p.readPath(path) },
		func() error { return p.readQuery(query) },
	} {
		if err := read(); err != nil {
			return Place{}, nil, err
		}
	}
	return p, user, nil
}

// URL returns the URL that ParseURL reads as p.
func (p Place) URL() string {
	scheme := "redis"
	if p.TLS {
		scheme = "rediss"
	}
	text := scheme + strings.TrimPrefix(schemeOf(p.Mode), "redis") + "://" + strings.Join(p.Addresses, ",")
	if p.Mode != Cluster {
		text += "/" + strconv.Itoa(p.Database)
	}
	if p.Master != "" {
		text += "?master=" + url.QueryEscape(p.Master)
	}
	return text
}

func schemeOf(mode Mode) string {
	for scheme, m := range modes {
		if m == mode {
			return scheme
		}
	}
	return "redis"
}

// String names the place for people, without a secret.
func (p Place) String() string {
	addresses := strings.Join(p.Addresses, ", ")
	switch p.Mode {
	case Sentinel:
		return fmt.Sprintf("%s (sentinels %s)", p.Master, addresses)
	case Cluster:
		return "cluster " + addresses
	default:
		return addresses
	}
}

func readUser(text string) (*url.Userinfo, error) {
	username, password, _ := strings.Cut(text, ":")
	username, err := url.PathUnescape(username)
	if err != nil {
		return nil, errors.New("the user name is not escaped well")
	}
	if password, err = url.PathUnescape(password); err != nil {
		return nil, errors.New("the password is not escaped well")
	}
	return url.UserPassword(username, password), nil
}

func (p *Place) readAddresses(hosts string) error {
	port := "6379"
	if p.Mode == Sentinel {
		port = "26379"
	}
	for host := range strings.SplitSeq(hosts, ",") {
		addr, err := withPort(host, port)
		if err != nil {
			name, _, _ := strings.Cut(host, ":") // what follows may belong to a password
			return fmt.Errorf("address %q: %w", name, err)
		}
		p.Addresses = append(p.Addresses, addr)
	}
	if p.Mode == Standalone && len(p.Addresses) > 1 {
		return errors.New("more than one address needs redis-sentinel:// or redis-cluster://")
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
	if inner, open := strings.CutPrefix(name, "["); open { // an IPv6 address
		name = strings.TrimSuffix(inner, "]")
	}
	if name == "" || strings.ContainsAny(name, "[]") {
		return "", errors.New("want a host name")
	}
	if n, err := strconv.Atoi(given); err != nil || n < 1 || n > 65535 {
		return "", errors.New("want a port between 1 and 65535")
	}
	return net.JoinHostPort(name, given), nil
}

func (p *Place) readPath(path string) error {
	path = strings.Trim(path, "/")
	if path == "" {
		return nil
	}
	n, err := strconv.Atoi(path)
	if err != nil || n < 0 {
		return errors.New("the database behind the host: want a number")
	}
	if p.Mode == Cluster && n != 0 {
		return errors.New("a Redis Cluster has no database but 0")
	}
	p.Database = n
	return nil
}

func (p *Place) readQuery(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("the part after ? is not escaped well")
	}
	p.Master = values.Get("master")
	for name := range values {
		if name != "master" {
			return fmt.Errorf("parameter %q is not known", name)
		}
	}
	if p.Mode == Sentinel && p.Master == "" {
		return errors.New("redis-sentinel:// needs ?master=<name>")
	}
	if p.Mode != Sentinel && p.Master != "" {
		return errors.New("?master= goes with redis-sentinel://")
	}
	return nil
}
