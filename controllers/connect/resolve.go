package connect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
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
	// URL is redis:// or rediss:// without credentials. Empty: there is none.
	URL string
	// CredentialsDir is a folder of the operator with the files username and
	// password, for queues without credentials of their own. Only the operator
	// uses it; a queue's pods never see it. Empty: none.
	CredentialsDir string
}

// Validate says what is wrong with the default, without its flag's name.
func (d Default) Validate() error {
	if d.URL == "" {
		if d.CredentialsDir != "" {
			return errors.New("credentials without a default Redis have no use")
		}
		return nil
	}
	_, user, err := parseURL(d.URL)
	if err != nil {
		return err
	}
	if user != nil {
		return errors.New("it may hold no user name or password, since it is shown to every queue's pods")
	}
	return nil
}

// Connection is a queue's Redis.
type Connection struct {
	// Pods is what the queue's pods are told.
	Pods desired.Redis
	// Poll is how the operator connects.
	Poll poll.Redis
	// Place is the same for two queues on the same server and database.
	Place string
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
	b := builder{namespace: q.Namespace, spec: q.Spec.Redis, maxAge: maxAge}
	if b.spec == nil {
		b.spec = &queuev1alpha1.Redis{}
	}
	for _, step := range []func(context.Context, *builder) error{r.credentials, r.address, r.certificates} {
		if err := step(ctx, &b); err != nil {
			return Connection{Place: r.place(ctx, &b)}, err
		}
	}
	return b.connection(), nil
}

// place is where a queue is whose Secrets cannot be used, empty where that depends
// on them.
func (r *Resolver) place(ctx context.Context, b *builder) string {
	if b.dial.host == "" && len(b.spec.Addresses) > 0 {
		_ = r.address(ctx, b) // without an address there is no place
	}
	if b.dial.host == "" {
		return ""
	}
	return b.dial.place()
}

// builder gathers what is known about one queue's connection.
type builder struct {
	namespace string
	spec      *queuev1alpha1.Redis
	maxAge    time.Duration

	address            address
	dial               address
	username, password string
	credentialsDir     string
	ca, cert, key      []byte
	pods               desired.Redis
	digests            []string
	until              time.Time
}

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

// credentials reads credentialsSecretRef: username and password, or uri.
func (r *Resolver) credentials(ctx context.Context, b *builder) error {
	if b.spec.CredentialsSecretRef == nil {
		return nil
	}
	const field = "credentialsSecretRef"
	name := b.spec.CredentialsSecretRef.Name
	s, err := r.read(ctx, b, name, field)
	if err != nil {
		return err
	}
	uri, hasURI := s.data[queuev1alpha1.SecretKeyURI]
	username, hasUsername := s.data[queuev1alpha1.SecretKeyUsername]
	password, hasPassword := s.data[queuev1alpha1.SecretKeyPassword]
	switch {
	case hasURI && (hasUsername || hasPassword):
		return invalid(s, "Secret %q holds the key uri beside username or password: keep one or the other", name)
	case hasURI && (len(b.spec.Addresses) > 0 || b.spec.TLS != nil):
		return invalid(s, "Secret %q holds the key uri, which excludes every other field of spec.redis: remove these, or replace uri by username and password", name)
	case hasURI:
		b.pods.Credentials = b.uses(name, s, queuev1alpha1.SecretKeyURI)
		return b.takeURI(string(uri), s, name)
	case !hasPassword:
		return missing(s, name, queuev1alpha1.SecretKeyPassword, field)
	}
	keys := []string{queuev1alpha1.SecretKeyPassword}
	if hasUsername {
		keys = append(keys, queuev1alpha1.SecretKeyUsername)
	}
	b.username, b.password = string(username), string(password)
	b.pods.Credentials = b.uses(name, s, keys...)
	return nil
}

func (b *builder) takeURI(uri string, s secret, name string) error {
	a, user, err := parseURL(uri)
	if err != nil {
		return invalid(s, "the uri in Secret %q cannot be used: %v", name, err)
	}
	b.address = a
	b.takeUser(user)
	return nil
}

func (b *builder) takeUser(user *url.Userinfo) {
	if user != nil {
		b.username = user.Username()
		b.password, _ = user.Password()
	}
}

// address takes the spec's address, or the operator's default, where no uri gave
// one.
func (r *Resolver) address(_ context.Context, b *builder) error {
	switch {
	case b.address.host != "":
	case len(b.spec.Addresses) > 0:
		host, port, err := net.SplitHostPort(b.spec.Addresses[0])
		if err != nil {
			return &Problem{
				Reason: queuev1alpha1.ReasonNoRedis, Stalled: true,
				Message: "spec.redis.addresses[0] is not host:port: correct it",
			}
		}
		b.address = address{host: host, port: port, tls: b.spec.TLS != nil && b.spec.TLS.Enabled}
		if b.spec.Database != nil {
			b.address.database = int(*b.spec.Database)
		}
	case r.fallback.URL != "":
		a, _, err := parseURL(r.fallback.URL)
		if err != nil {
			return fmt.Errorf("reading the operator's default Redis: %w", err)
		}
		b.address = a
		if b.spec.CredentialsSecretRef == nil {
			b.credentialsDir = r.fallback.CredentialsDir
		}
		b.dial = a
		return nil
	default:
		return &Problem{
			Reason: queuev1alpha1.ReasonNoRedis, Stalled: true,
			Message: "the operator has no default Redis: set spec.redis.addresses",
		}
	}
	b.dial = b.address.from(b.namespace)
	return nil
}

func (b *builder) connection() Connection {
	b.pods.URL = b.address.url()
	b.pods.SecretsDigest = joinDigests(b.digests)
	config := redisconn.Config{
		URL:            b.dial.url(),
		CredentialsDir: b.credentialsDir,
		Username:       b.username,
		Password:       b.password,
		TLS: redisconn.TLS{
			CA: b.ca, Cert: b.cert, Key: b.key,
			ServerName: b.serverName(), InsecureSkipVerify: b.pods.InsecureSkipVerify,
		},
	}
	return Connection{
		Pods:  b.pods,
		Place: b.dial.place(),
		Until: b.until,
		Poll: poll.Redis{
			ID: identityOf(config.URL, config.CredentialsDir, config.Username, config.Password,
				string(b.ca), string(b.cert), string(b.key), config.TLS.ServerName, strconv.FormatBool(config.TLS.InsecureSkipVerify)),
			Address: b.address.hostPort(),
			Config:  config,
		},
	}
}

// serverName is the name to verify, which is the pods' host name even where the
// operator must dial a longer one.
func (b *builder) serverName() string {
	if b.pods.ServerName == "" && b.address.tls {
		return b.address.host
	}
	return b.pods.ServerName
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
