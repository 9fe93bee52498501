package connect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/desired"
	"github.com/asyncqueue/operator/controllers/poll"
	"github.com/asyncqueue/operator/internal/redisconn"
)

// Default is the operator's own Redis, for queues that name none.
type Default struct {
	// URL is a URL without credentials, in a form of redisconn. Empty: there is
	// none.
	URL string
	// CredentialsDir is a folder of the operator with the files username and
	// password, for queues without credentials of their own. Only the operator
	// uses it; a queue's pods never see it. Empty: none.
	CredentialsDir string
	// SentinelCredentialsDir is the same for the sentinels.
	SentinelCredentialsDir string
}

// Validate says what is wrong with the default, without its flag's name.
func (d Default) Validate() error {
	if d.URL == "" {
		if d.CredentialsDir != "" || d.SentinelCredentialsDir != "" {
			return errors.New("credentials without a default Redis have no use")
		}
		return nil
	}
	place, user, err := redisconn.ParseURL(d.URL)
	switch {
	case err != nil:
		return err
	case user != nil:
		return errors.New("it may hold no user name or password, since it is shown to every queue's pods")
	case d.SentinelCredentialsDir != "" && place.Mode != redisconn.Sentinel:
		return errors.New("credentials for sentinels need a URL that begins with redis-sentinel:// or rediss-sentinel://")
	}
	return nil
}

// Connection is a queue's Redis.
type Connection struct {
	// Pods is what the queue's pods are told.
	Pods desired.Redis
	// Poll is how the operator connects.
	Poll poll.Redis
	// Place meets that of another queue on the same server and database.
	Place Place
	// Until is when the Secrets should be looked at again; zero: there are none.
	Until time.Time
}

// Resolver resolves queues. It is safe for concurrent use.
type Resolver struct {
	fallback Default
	secrets  *secrets
}

// NewResolver returns a Resolver that reads Secrets from reader, which should not
// be a cache. Time comes from clock.
func NewResolver(reader client.Reader, fallback Default, clock func() time.Time) *Resolver {
	return &Resolver{fallback: fallback, secrets: newSecrets(reader, clock)}
}

// Resolve finds out where a queue's Redis is, from Secrets as they were at most
// maxAge ago, Calm or Troubled. The error is a *Problem where a person or time
// must help, and then only Place is set, where it does not depend on a Secret; any
// other is one of reading from the API server.
func (r *Resolver) Resolve(ctx context.Context, q *queuev1alpha1.AsyncQueue, maxAge time.Duration) (Connection, error) {
	b := builder{namespace: q.Namespace, channel: q.EffectiveChannel(), spec: q.Spec.Redis, maxAge: maxAge}
	if b.spec == nil {
		b.spec = &queuev1alpha1.Redis{}
	}
	for _, step := range []func(context.Context, *builder) error{r.credentials, r.address, suitable, r.sentinelCredentials, r.certificates} {
		if err := step(ctx, &b); err != nil {
			return Connection{Place: r.placeWithout(ctx, &b)}, err
		}
	}
	return b.connection(), nil
}

// placeWithout is where a queue is whose Secrets cannot be used, nil where that
// depends on them.
func (r *Resolver) placeWithout(ctx context.Context, b *builder) Place {
	if len(b.place.Addresses) == 0 && len(b.spec.Addresses) > 0 {
		_ = r.address(ctx, b) // without an address there is no place
	}
	return placeOf(b.place, b.lookup)
}

// builder gathers what is known about one queue's connection.
type builder struct {
	namespace string
	channel   string
	spec      *queuev1alpha1.Redis
	maxAge    time.Duration

	place redisconn.Place
	// source says in words what names the place.
	source string
	// lookup is the namespace in which the operator looks up bare host names.
	lookup                                 string
	credentials, sentinelCredentials       login
	credentialsDir, sentinelCredentialsDir string
	ca, cert, key                          []byte
	pods                                   desired.Redis
	digests                                []string
	until                                  time.Time
}

// login is a user and a password.
type login struct{ username, password string }

// uses notes a Secret of which the pods get some keys as files.
func (b *builder) uses(name string, s secret, keys ...string) *desired.SecretFiles {
	b.digests = append(b.digests, s.digest)
	if b.until.IsZero() || s.until.Before(b.until) {
		b.until = s.until
	}
	return &desired.SecretFiles{Name: name, Keys: keys}
}

func (r *Resolver) read(ctx context.Context, b *builder, name, field string) (secret, error) {
	s, err := r.secrets.get(ctx, types.NamespacedName{Namespace: b.namespace, Name: name}, b.maxAge)
	switch {
	case errors.Is(err, errNoSecret):
		return s, &Problem{
			Reason: queuev1alpha1.ReasonSecretNotFound, Until: s.until,
			Message: fmt.Sprintf("Secret %q, named by spec.redis.%s, does not exist in the namespace", name, field),
		}
	case errors.Is(err, errForbidden):
		return s, &Problem{
			Reason: queuev1alpha1.ReasonSecretNotFound, Until: s.until,
			Message: fmt.Sprintf("the operator may not read Secret %q, named by spec.redis.%s", name, field),
		}
	case err != nil:
		return s, fmt.Errorf("reading Secret %q: %w", name, err)
	}
	return s, nil
}

func joinDigests(digests []string) string {
	switch len(digests) {
	case 0:
		return ""
	case 1:
		return digests[0]
	}
	sum := sha256.New()
	for _, d := range digests {
		sum.Write([]byte(d))
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}
