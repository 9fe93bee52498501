package connect

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// Calm is how long a Secret is believed to be as it was read.
	Calm = time.Minute
	// Troubled is the same while the queue cannot be reached for a reason that a
	// Secret may be behind.
	Troubled = 3 * time.Second
	// unusedFor is how long what nobody asks for is remembered.
	unusedFor = 10 * time.Minute
)

// errNoSecret means that a Secret does not exist; errForbidden that the operator
// may not read it.
var (
	errNoSecret  = errors.New("there is no such Secret")
	errForbidden = errors.New("the operator may not read the Secret")
)

// secret is what a Secret holds, and what stands for it in a pod's annotation.
type secret struct {
	data   map[string][]byte
	digest string
	err    error
	// at is when it was read, until when it should be read again.
	at, until time.Time
	// vain counts the reads in a row that brought nothing new although something
	// was wrong.
	vain int
}

// age is how old the secret may be where at most maxAge is asked for. While
// something is wrong and reading does not help, it grows up to Calm: a Secret that
// never comes must not cost a request every few seconds.
func (s secret) age(maxAge time.Duration) time.Duration {
	for range s.vain {
		if maxAge >= Calm {
			break
		}
		maxAge *= 2
	}
	return min(maxAge, Calm)
}

// secrets reads Secrets, each at most once in a while. It is safe for concurrent
// use; two that ask for the same at once may both read it.
type secrets struct {
	reader client.Reader
	clock  func() time.Time

	mu     sync.Mutex
	known  map[types.NamespacedName]secret
	pruned time.Time
}

func newSecrets(reader client.Reader, clock func() time.Time) *secrets {
	return &secrets{reader: reader, clock: clock, known: map[types.NamespacedName]secret{}}
}

// get returns the Secret as it was at most maxAge ago. An error other than
// errNoSecret and errForbidden is not remembered.
func (s *secrets) get(ctx context.Context, key types.NamespacedName, maxAge time.Duration) (secret, error) {
	now := s.clock()
	s.mu.Lock()
	held, ok := s.known[key]
	s.mu.Unlock()
	if ok && now.Before(held.until) && now.Sub(held.at) < held.age(maxAge) {
		return held, held.err
	}
	fresh, err := s.read(ctx, key, held)
	if err != nil {
		return secret{}, err
	}
	if fresh.err != nil {
		maxAge = Troubled
	}
	isNew := !ok || fresh.err != held.err || fresh.digest != held.digest //nolint:errorlint // one of two
	if maxAge < Calm && !isNew {
		fresh.vain = held.vain + 1
	}
	fresh.at, fresh.until = now, now.Add(spread(fresh.age(maxAge), !ok))
	s.remember(key, fresh, now)
	return fresh, fresh.err
}

// read asks the API server. The error is one of asking.
func (s *secrets) read(ctx context.Context, key types.NamespacedName, held secret) (secret, error) {
	var object corev1.Secret
	switch err := s.reader.Get(ctx, key, &object); {
	case apierrors.IsNotFound(err):
		return secret{err: errNoSecret}, nil
	case apierrors.IsForbidden(err):
		return secret{err: errForbidden}, nil
	case err != nil:
		return secret{}, err
	}
	fresh := secret{data: object.Data, digest: held.digest}
	if held.digest == "" || !sameData(held.data, object.Data) {
		fresh.digest = digestOf(key, object.Data)
	}
	return fresh, nil
}

func (s *secrets) remember(key types.NamespacedName, fresh secret, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[key] = fresh
	if now.Sub(s.pruned) < unusedFor {
		return
	}
	s.pruned = now
	for k, held := range s.known {
		if now.Sub(held.until) > unusedFor {
			delete(s.known, k)
		}
	}
}

// spread takes up to a tenth off d, so that the reads of many queues drift apart,
// and up to nine tenths after the first read: a new leader reads all at once.
func spread(d time.Duration, isFirst bool) time.Duration {
	if isFirst && d == Calm {
		return d - time.Duration(rand.Int64N(int64(d)*9/10)) //nolint:gosec // spreading load needs no secret randomness
	}
	return d - time.Duration(rand.Int64N(int64(d)/10)) //nolint:gosec // spreading load needs no secret randomness
}
