package redisconn

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redistest"
)

func sentinelURL(scheme string, g redistest.SentinelGroup, master string) string {
	return fmt.Sprintf("%s://%s?master=%s", scheme, strings.Join(g.Addresses(), ","), master)
}

// awaitWrite sets a key until that succeeds.
func awaitWrite(t *testing.T, rdb redis.UniversalClient, key string) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		err := rdb.Set(ctx, key, 1, 0).Err()
		cancel()
		switch {
		case err == nil:
			return
		case !IsTransient(err):
			t.Fatalf("not transient: %v", err)
		case time.Now().After(deadline):
			t.Fatal(err)
		}
		<-time.After(50 * time.Millisecond)
	}
}

func TestFailOver(t *testing.T) {
	g := redistest.StartSentinelGroup(t, 3, redistest.GroupConfig{Password: "data", SentinelPassword: "watch"})
	rdb := newTestClient(t, Config{URL: sentinelURL("redis-sentinel", g, redistest.MasterName), Password: "data", SentinelPassword: "watch"})
	awaitWrite(t, rdb, "before")
	g.Master.Stop()
	g.AwaitPromotion(t)
	awaitWrite(t, rdb, "after")
	if n, err := g.Client(t, g.Replica).Exists(t.Context(), "after").Result(); n != 1 || err != nil {
		t.Errorf("the promoted server has %d, %v", n, err)
	}
}

// A master that hangs, and a sentinel that hangs with it, as where both were on one machine.
func TestFailOverBesideAFrozenSentinel(t *testing.T) {
	g := redistest.StartSentinelGroup(t, 3, redistest.GroupConfig{})
	rdb := newTestClient(t, Config{URL: sentinelURL("redis-sentinel", g, redistest.MasterName)})
	awaitWrite(t, rdb, "before")
	for _, frozen := range []redistest.Member{g.Master, g.Sentinels[0]} {
		if err := frozen.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	awaitWrite(t, rdb, "after")
	if n, err := g.Client(t, g.Replica).Exists(t.Context(), "after").Result(); n != 1 || err != nil {
		t.Errorf("the promoted server has %d, %v", n, err)
	}
}

func TestSentinelErrors(t *testing.T) {
	g := redistest.StartSentinelGroup(t, 1, redistest.GroupConfig{SentinelPassword: "watch"})
	known := sentinelURL("redis-sentinel", g, redistest.MasterName)
	tests := map[string]struct {
		cfg         Config
		wantWord    string
		wantUnknown bool
	}{
		"no password":             {Config{URL: known}, "NOAUTH", false},
		"a wrong password":        {Config{URL: known, SentinelPassword: "wrong"}, "WRONGPASS", false},
		"another name":            {Config{URL: sentinelURL("redis-sentinel", g, "other"), SentinelPassword: "watch"}, "", true},
		"nobody listens":          {Config{URL: "redis-sentinel://127.0.0.1:1?master=m"}, "refused", false},
		"one listens not, one no": {Config{URL: "redis-sentinel://127.0.0.1:1," + g.Addresses()[0] + "?master=m"}, "NOAUTH", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := newTestClient(t, test.cfg).Set(t.Context(), "a", 1, 0).Err()
			if !errors.Is(err, ErrSentinels) || errors.Is(err, ErrUnknownMaster) != test.wantUnknown || !strings.Contains(err.Error(), test.wantWord) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestGroupsWithTLS(t *testing.T) {
	files := redistest.NewCertificate(t)
	secured := TLS{CAFile: files.CA}
	t.Run("sentinel", func(t *testing.T) {
		g := redistest.StartSentinelGroup(t, 1, redistest.GroupConfig{Certificate: &files, Password: "data"})
		rdb := newTestClient(t, Config{URL: sentinelURL("rediss-sentinel", g, redistest.MasterName), TLS: secured, Password: "data"})
		if err := rdb.Set(t.Context(), "a", 1, 0).Err(); err != nil {
			t.Error(err)
		}
	})
	t.Run("cluster", func(t *testing.T) {
		g := redistest.StartClusterGroup(t, redistest.GroupConfig{Certificate: &files})
		g.SetUser(t, "app", "on", ">one", "~*", "+@all")
		rdb := newTestClient(t, Config{URL: "rediss-cluster://" + g.Addresses()[0], TLS: secured, Username: "app", Password: "one"})
		for _, key := range []string{"a", "b", "c", "d", "e"} { // on all nodes
			if err := rdb.Set(t.Context(), key, 1, 0).Err(); err != nil {
				t.Error(err)
			}
		}
	})
}
