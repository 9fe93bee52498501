package controllers

import (
	"testing"
	"time"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
)

// Workers of a deleted queue drain for a while: only those that stay are told of.
func TestStrangersAreToldOfWhenTheyStay(t *testing.T) {
	seen := scene(func(s *observed) { s.known = []string{"uid", "younger"} })
	at := func(after time.Duration, want string, owners ...string) {
		t.Helper()
		seen.now, seen.sight.Owners = noon.Add(after), owners
		if got := findStranger(seen); got != want {
			t.Errorf("after %v with %v: stranger %q, want %q", after, owners, got, want)
		}
	}
	at(0, "", "uid", "younger")
	at(time.Second, "", "other", "uid")
	at(time.Minute, "", "other", "uid")
	at(90*time.Second, "", "uid")
	at(100*time.Second, "", "other", "uid")
	at(3*time.Minute, "", "other", "uid")
	at(4*time.Minute, "other", "other", "uid")
	at(5*time.Minute, "", "uid")
}

func TestNewLeaderKeepsAStranger(t *testing.T) {
	after := restarted(func(s *observed) { s.stranger = "other" })
	after.stranger = ""
	if v := judgeConflict(after); v.reason != queuev1alpha1.ReasonUnknownWorkers {
		t.Errorf("before the first look: %+v", v)
	}
	after.known, after.sight = []string{"uid"}, scene().sight
	after.sight.Owners = []string{"other"}
	if got := findStranger(after); got != "other" {
		t.Errorf("at the first look: stranger %q", got)
	}
}
