package redisconn

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseURL(t *testing.T) {
	tests := map[string]struct {
		url  string
		want target
	}{
		"host only":           {"redis://cache", target{addrs: []string{"cache:6379"}}},
		"everything":          {"rediss://u%40:p%3Aw@cache:1/3", target{tls: true, addrs: []string{"cache:1"}, database: 3, username: "u@", password: "p:w"}},
		"password only":       {"redis://:pw@cache", target{addrs: []string{"cache:6379"}, password: "pw"}},
		"an at sign inside":   {"redis://:p@w@cache", target{addrs: []string{"cache:6379"}, password: "p@w"}},
		"IPv6":                {"redis://[::1]:7000/", target{addrs: []string{"[::1]:7000"}}},
		"IPv6 without a port": {"redis://[::1]", target{addrs: []string{"[::1]:6379"}}},
		"sentinels": {
			"redis-sentinel://a,b:1/2?master=m",
			target{mode: sentinel, addrs: []string{"a:26379", "b:1"}, master: "m", database: 2},
		},
		"a cluster with TLS": {"rediss-cluster://a:1,b", target{mode: cluster, tls: true, addrs: []string{"a:1", "b:6379"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := parseURL(test.url)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(target{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseURLRefuses(t *testing.T) {
	tests := map[string]struct{ url, wantPart string }{
		"no scheme":             {"cache:6379", "redis://"},
		"another scheme":        {"http://cache", "redis://"},
		"no host":               {"redis://", "host name"},
		"no port number":        {"redis://cache:no", "port"},
		"a port out of range":   {"redis://cache:70000", "port"},
		"two addresses":         {"redis://a,b", "redis-sentinel"},
		"a database by name":    {"redis://cache/main", "database"},
		"a database on cluster": {"redis-cluster://a/1", "database"},
		"no master":             {"redis-sentinel://a", "master"},
		"a master without":      {"redis://a?master=m", "redis-sentinel"},
		"an unknown parameter":  {"redis://a?pool=3", "pool"},
		"a bad escape":          {"redis://u:secret%@a", "password"},
		"a colon in the host":   {"redis://u:secret@a:b:c", "host:port"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := parseURL(test.url)
			if err == nil || !strings.Contains(err.Error(), test.wantPart) || !strings.HasPrefix(err.Error(), "URL: ") {
				t.Errorf("got %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("shows the password: %v", err)
			}
		})
	}
}
