package redistest

import (
	"strings"
	"testing"
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
