package connect

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

const (
	schemePlain = "redis"
	schemeTLS   = "rediss"
	defaultPort = "6379"
)

// address is one Redis server and a database on it.
type address struct {
	host, port string
	database   int
	tls        bool
}

// parseURL reads redis://host:port/database or rediss://. User and password are
// returned apart; the error never shows them.
func parseURL(text string) (address, *url.Userinfo, error) {
	u, err := url.Parse(text)
	if err != nil {
		return address{}, nil, errors.New("it is no URL")
	}
	a := address{host: u.Hostname(), port: u.Port(), tls: u.Scheme == schemeTLS}
	if a.port == "" {
		a.port = defaultPort
	}
	switch {
	case u.Scheme != schemePlain && u.Scheme != schemeTLS:
		return address{}, nil, errors.New("it must begin with redis:// or rediss://")
	case a.host == "":
		return address{}, nil, errors.New("it names no host")
	case u.RawQuery != "" || u.Fragment != "":
		return address{}, nil, errors.New("it may hold nothing behind the database")
	}
	if path := strings.Trim(u.Path, "/"); path != "" {
		a.database, err = strconv.Atoi(path)
		if err != nil || a.database < 0 {
			return address{}, nil, errors.New("the database behind the host must be a number")
		}
	}
	return a, u.User, nil
}

// url is the address without credentials.
func (a address) url() string {
	scheme := schemePlain
	if a.tls {
		scheme = schemeTLS
	}
	return fmt.Sprintf("%s://%s/%d", scheme, a.hostPort(), a.database)
}

func (a address) hostPort() string { return net.JoinHostPort(a.host, a.port) }

// place tells servers and databases apart, as well as their addresses can.
func (a address) place() string {
	return strings.ToLower(strings.TrimSuffix(a.host, ".")) + "|" + strings.TrimLeft(a.port, "0") + "|" + strconv.Itoa(a.database)
}

// from is the address as it is reached from another namespace: a bare service
// name is one of the queue's namespace.
func (a address) from(namespace string) address {
	if !strings.ContainsAny(a.host, ".:") && a.host != "localhost" {
		a.host += "." + namespace
	}
	return a
}
