package connect

import (
	"context"
	"strconv"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/desired"
	"github.com/asyncqueue/operator/internal/redisconn"
)

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
	_, hasUsername := s.data[queuev1alpha1.SecretKeyUsername]
	_, hasPassword := s.data[queuev1alpha1.SecretKeyPassword]
	switch {
	case hasURI && (hasUsername || hasPassword):
		return invalid(s, "Secret %q holds the key uri beside username or password: keep one or the other", name)
	case hasURI && (len(b.spec.Addresses) > 0 || b.spec.TLS != nil):
		return invalid(s, "Secret %q holds the key uri, which excludes addresses, mode, masterName, database and tls of spec.redis: remove these, or replace uri by username and password", name)
	case hasURI:
		b.pods.Credentials = b.uses(name, s, queuev1alpha1.SecretKeyURI)
		return b.takeURI(string(uri), s, name)
	}
	b.credentials, b.pods.Credentials, err = b.login(s, name, field)
	return err
}

// sentinelCredentials reads sentinelCredentialsSecretRef: username and password.
func (r *Resolver) sentinelCredentials(ctx context.Context, b *builder) error {
	if b.spec.SentinelCredentialsSecretRef == nil {
		return nil
	}
	const field = "sentinelCredentialsSecretRef"
	name := b.spec.SentinelCredentialsSecretRef.Name
	s, err := r.read(ctx, b, name, field)
	if err != nil {
		return err
	}
	b.sentinelCredentials, b.pods.SentinelCredentials, err = b.login(s, name, field)
	return err
}

// login takes a password, and a user name where there is one, from a Secret.
func (b *builder) login(s secret, name, field string) (login, *desired.SecretFiles, error) {
	username, hasUsername := s.data[queuev1alpha1.SecretKeyUsername]
	password, hasPassword := s.data[queuev1alpha1.SecretKeyPassword]
	if !hasPassword {
		return login{}, nil, missing(s, name, queuev1alpha1.SecretKeyPassword, field)
	}
	keys := []string{queuev1alpha1.SecretKeyPassword}
	if hasUsername {
		keys = append(keys, queuev1alpha1.SecretKeyUsername)
	}
	return login{string(username), string(password)}, b.uses(name, s, keys...), nil
}

func (b *builder) takeURI(uri string, s secret, name string) error {
	place, user, err := redisconn.ParseURL(uri)
	if err != nil {
		return invalid(s, "the uri in Secret %q cannot be used: %v", name, err)
	}
	b.place, b.source, b.lookup = place, "the uri in Secret "+strconv.Quote(name), bareNamespace(place, b.namespace)
	if user != nil {
		b.credentials.username = user.Username()
		b.credentials.password, _ = user.Password()
	}
	return nil
}
