package redistest

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

func TestStartSaysWhatIsMissing(t *testing.T) {
	t.Setenv("REDIS_SERVER", "")
	t.Setenv("PATH", t.TempDir())
	_, err := Launch(t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "redis-server") || !strings.Contains(err.Error(), "REDIS_SERVER") {
		t.Errorf("got %v", err)
	}
}

func TestLaunchShowsTheLog(t *testing.T) {
	_, err := Launch(t.TempDir(), "--no-such-setting", "1")
	if err == nil || !strings.Contains(err.Error(), "no-such-setting") {
		t.Errorf("got %v", err)
	}
}

func TestStopMayBeRepeated(t *testing.T) {
	server, err := Launch(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	server.Stop()
	server.Stop()
	if err := server.connect(t.Context()); err == nil {
		t.Error("somebody still listens")
	}
}

func TestRestartKeepsAddressAndFolder(t *testing.T) {
	server, err := LaunchWith(Options{Dir: t.TempDir(), Args: []string{"--appendonly", "yes"}, Env: []string{"TZ=UTC"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Stop() })
	addr := server.Addr
	rdb := redis.NewClient(&redis.Options{Addr: addr, Protocol: 2, DisableIdentity: true})
	defer func() { _ = rdb.Close() }()
	if err := rdb.Set(t.Context(), "key", "value", 0).Err(); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	if got := rdb.Get(t.Context(), "key").Val(); got != "value" || server.Addr != addr {
		t.Errorf("key = %q at %s, want what was set at %s", got, server.Addr, addr)
	}
}
