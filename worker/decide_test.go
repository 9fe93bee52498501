package worker

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestDecide(t *testing.T) {
	cause := errors.New("no")
	schedule := []time.Duration{5 * time.Second, 10 * time.Second, time.Minute}
	tests := map[string]struct {
		err      error
		attempts int
		most     int
		want     decision
	}{
		"success":                               {nil, 0, 0, decision{action: actionAck}},
		"an error, first attempt of one":        {cause, 0, 0, decision{action: actionFail}},
		"an error, one retry left":              {cause, 0, 1, decision{actionRetry, 5 * time.Second}},
		"an error, the second retry":            {cause, 1, 2, decision{actionRetry, 10 * time.Second}},
		"an error, the last delay repeats":      {cause, 7, 9, decision{actionRetry, time.Minute}},
		"an error, none left":                   {cause, 2, 2, decision{action: actionFail}},
		"an error, more attempts than allowed":  {cause, 9, 2, decision{action: actionFail}},
		"a negative limit":                      {cause, 0, -1, decision{action: actionFail}},
		"negative attempts":                     {cause, -3, 2, decision{actionRetry, 5 * time.Second}},
		"retry after, attempts left":            {RetryAfter(time.Hour, cause), 0, 1, decision{actionRetry, time.Hour}},
		"retry after nothing":                   {RetryAfter(0, cause), 0, 1, decision{actionRetry, 0}},
		"retry after a negative time":           {RetryAfter(-1, cause), 0, 1, decision{actionRetry, 0}},
		"retry after, wrapped":                  {fmt.Errorf("x: %w", RetryAfter(time.Hour, cause)), 0, 1, decision{actionRetry, time.Hour}},
		"retry after, none left":                {RetryAfter(time.Hour, cause), 1, 1, decision{action: actionFail}},
		"requeue has the delay of a retry":      {Requeue, 1, 5, decision{actionRequeue, 10 * time.Second}},
		"requeue needs no attempts":             {Requeue, 5, 0, decision{actionRequeue, time.Minute}},
		"requeue after":                         {RequeueAfter(time.Second), 0, 0, decision{actionRequeue, time.Second}},
		"drop":                                  {Drop, 0, 5, decision{action: actionDrop}},
		"drop, wrapped":                         {fmt.Errorf("old: %w", Drop), 0, 5, decision{action: actionDrop}},
		"fail in spite of attempts left":        {Fail(cause), 0, 5, decision{action: actionFail}},
		"an unknown type needs no attempts":     {ErrUnknownType, 0, 0, decision{actionRequeue, 5 * time.Second}},
		"a verdict about an unknown type":       {Fail(fmt.Errorf("x: %w", ErrUnknownType)), 0, 5, decision{action: actionFail}},
		"an unknown type, wrapped":              {fmt.Errorf("x: %w", ErrUnknownType), 0, 0, decision{actionRequeue, 5 * time.Second}},
		"a panic is a failed attempt":           {&PanicError{Value: "oh"}, 0, 1, decision{actionRetry, 5 * time.Second}},
		"a panic with Drop is one all the same": {&PanicError{Value: Drop}, 0, 1, decision{actionRetry, 5 * time.Second}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := decide(test.err, history{attempts: test.attempts, maxAttempts: test.most, schedule: schedule})
			if got != test.want {
				t.Errorf("decide = %v after %s, want %v after %s", got.action, got.delay, test.want.action, test.want.delay)
			}
		})
	}
}

func TestEmptySchedule(t *testing.T) {
	if got := retryDelay(nil, 3); got != 10*time.Second {
		t.Errorf("delay of an empty schedule = %s, want Hyperf's 10s", got)
	}
}

// What a handler meant with a verdict can still be found in it.
func TestVerdictsKeepTheirCause(t *testing.T) {
	cause := errors.New("no")
	for _, err := range []error{RetryAfter(0, cause), Fail(cause), &PanicError{Value: cause}} {
		if !errors.Is(err, cause) {
			t.Errorf("%#v has lost its cause", err)
		}
	}
	if got, want := Fail(cause).Error(), "no"; got != want {
		t.Errorf("Fail(cause).Error() = %q, want %q", got, want)
	}
}

func TestBackoff(t *testing.T) {
	var b backoff
	for step := backoffFirst; ; step = min(2*step, backoffLast) {
		if got := b.wait(); got < step/2 || got > step {
			t.Fatalf("wait = %s, want from %s to %s", got, step/2, step)
		}
		if step == backoffLast {
			break
		}
	}
	b.reset()
	if got := b.wait(); got > backoffFirst {
		t.Errorf("wait after a success = %s, want at most %s", got, backoffFirst)
	}
}
