package redistest

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// ModeVariable names the environment variable that says how the Redis of SharedPlace is made up:
// standalone (default), sentinel or cluster. `make redis-modes` runs the suites with each.
const ModeVariable = "REDIS_MODE"

// Place says where a Redis is, in the terms of redisconn.Config.
type Place struct {
	URL                string
	CAFile             string // of its TLS; empty: none
	Username, Password string // empty: none
}

var sharedPlace struct {
	once  sync.Once
	place Place
	owner owner
}

// SharedPlace returns one Redis for all tests of a package, which must use keys of their own. The
// package's TestMain has to call Main. Beside standalone, which is the server of Shared, it speaks
// TLS, wants an ACL user, and is a master with a replica and a sentinel, or a cluster of three.
func SharedPlace(t testing.TB) Place {
	t.Helper()
	mode := os.Getenv(ModeVariable)
	if mode == "" || mode == "standalone" {
		return Place{URL: "redis://" + Shared(t)}
	}
	sharedPlace.once.Do(func() { sharedPlace.place = startPlace(&sharedPlace.owner, mode) })
	if failure := sharedPlace.owner.failure; failure != "" {
		t.Fatal(failure)
	}
	return sharedPlace.place
}

// appRules are the ACL rules of the user of SharedPlace: all keys of a channel, and whatever tests do.
var appRules = []string{"on", ">" + appPassword, "~{*}:*", "~*:*", "&*", "+@all"}

const appUser, appPassword = "app", "secret of the app"

// startPlace starts the servers of a mode. They end with the owner.
func startPlace(t *owner, mode string) (place Place) {
	defer t.recover()
	files := NewCertificate(t)
	c := GroupConfig{Certificate: &files, Password: "secret of the servers", DownAfter: 5 * time.Minute}
	place = Place{CAFile: files.CA, Username: appUser, Password: appPassword}
	switch mode {
	case "sentinel":
		g := StartSentinelGroup(t, 1, c)
		c.setUser(t, g.Master, appUser, appRules...)
		c.setUser(t, g.Replica, appUser, appRules...)
		place.URL = fmt.Sprintf("rediss-sentinel://%s?master=%s", strings.Join(g.Addresses(), ","), MasterName)
	case "cluster":
		g := StartClusterGroup(t, c)
		g.SetUser(t, appUser, appRules...)
		place.URL = "rediss-cluster://" + strings.Join(g.Addresses(), ",")
	default:
		t.Fatalf("%s=%s: want standalone, sentinel or cluster", ModeVariable, mode)
	}
	return place
}

// owner is a testing.TB for what outlives the test that asks first: Main ends it.
type owner struct {
	testing.TB // only for what is not overridden, which nobody calls

	failure  string
	cleanups []func()
	dirs     []string
}

// stopped is what Fatal panics with.
type stopped struct{}

func (o *owner) recover() {
	if v := recover(); v != nil {
		if _, ok := v.(stopped); !ok {
			panic(v)
		}
	}
}

// Helper does nothing.
func (o *owner) Helper() {}

// Context never ends.
func (o *owner) Context() context.Context { return context.Background() }

// Cleanup notes what end calls.
func (o *owner) Cleanup(f func()) { o.cleanups = append(o.cleanups, f) }

// Fatal keeps the reason for the tests, and stops the start.
func (o *owner) Fatal(args ...any) {
	o.failure = fmt.Sprint(args...)
	panic(stopped{})
}

// Fatalf does what Fatal does.
func (o *owner) Fatalf(format string, args ...any) { o.Fatal(fmt.Sprintf(format, args...)) }

// TempDir returns a folder that end removes.
func (o *owner) TempDir() string {
	dir, err := os.MkdirTemp("", "redistest")
	if err != nil {
		o.Fatal(err)
	}
	o.dirs = append(o.dirs, dir)
	return dir
}

// end stops what was started.
func (o *owner) end() {
	for i := len(o.cleanups) - 1; i >= 0; i-- {
		o.cleanups[i]()
	}
	for _, dir := range o.dirs {
		_ = os.RemoveAll(dir)
	}
}
