package redisconn

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseURL(t *testing.T) {
	tests := map[string]struct {
		url      string
		want     Place
		wantUser string
	}{
		"host only":           {"redis://cache", Place{Mode: Standalone, Addresses: []string{"cache:6379"}}, ""},
		"everything":          {"rediss://u%40:p%3Aw@cache:1/3", Place{Mode: Standalone, TLS: true, Addresses: []string{"cache:1"}, Database: 3}, "u@ p:w"},
		"password only":       {"redis://:pw@cache", Place{Mode: Standalone, Addresses: []string{"cache:6379"}}, " pw"},
		"an at sign inside":   {"redis://:p@w@cache", Place{Mode: Standalone, Addresses: []string{"cache:6379"}}, " p@w"},
		"IPv6":                {"redis://[::1]:7000/", Place{Mode: Standalone, Addresses: []string{"[::1]:7000"}}, ""},
		"IPv6 without a port": {"redis://[::1]", Place{Mode: Standalone, Addresses: []string{"[::1]:6379"}}, ""},
		"sentinels": {
			"redis-sentinel://a,b:1/2?master=m",
			Place{Mode: Sentinel, Addresses: []string{"a:26379", "b:1"}, Master: "m", Database: 2}, "",
		},
		"a cluster with TLS": {"rediss-cluster://a:1,b", Place{Mode: Cluster, TLS: true, Addresses: []string{"a:1", "b:6379"}}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, user, err := ParseURL(test.url)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			haveUser := ""
			if user != nil {
				password, _ := user.Password()
				haveUser = user.Username() + " " + password
			}
			if haveUser != test.wantUser {
				t.Errorf("user %q, want %q", haveUser, test.wantUser)
			}
			again, _, err := ParseURL(got.URL())
			if diff := cmp.Diff(got, again); err != nil || diff != "" {
				t.Errorf("%s, read again: %v\n%s", got.URL(), err, diff)
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
			_, err := New(Config{URL: test.url})
			if err == nil || !strings.Contains(err.Error(), test.wantPart) || !strings.HasPrefix(err.Error(), "configuring Redis: URL: ") {
				t.Errorf("got %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("shows the password: %v", err)
			}
		})
	}
}

func TestInNamespace(t *testing.T) {
	for address, want := range map[string]string{
		"redis:6379":      "redis.shop:6379",
		"redis.cache:1":   "redis.cache:1",
		"[fd00::1]:6379":  "[fd00::1]:6379",
		"10.0.0.1:6379":   "10.0.0.1:6379",
		"localhost:6379":  "localhost:6379",
		"no address here": "no address here",
	} {
		if got := InNamespace(address, "shop"); got != want {
			t.Errorf("InNamespace(%q) = %q, want %q", address, got, want)
		}
		if got := InNamespace(address, ""); got != address {
			t.Errorf("InNamespace(%q) without a namespace = %q", address, got)
		}
	}
}
