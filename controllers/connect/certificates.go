package connect

import (
	"context"
	"crypto/tls"
	"crypto/x509"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
)

// certificates reads the Secrets of spec.redis.tls.
func (r *Resolver) certificates(ctx context.Context, b *builder) error {
	t := b.spec.TLS
	if t == nil || !t.Enabled {
		return nil
	}
	b.pods.ServerName, b.pods.InsecureSkipVerify = t.ServerName, t.InsecureSkipVerify
	if t.CASecretRef != nil {
		if err := r.authority(ctx, b, t.CASecretRef.Name); err != nil {
			return err
		}
	}
	if t.CertSecretRef != nil {
		return r.clientCertificate(ctx, b, t.CertSecretRef.Name)
	}
	return nil
}

func (r *Resolver) authority(ctx context.Context, b *builder, name string) error {
	const field = "tls.caSecretRef"
	s, err := r.read(ctx, b, name, field)
	if err != nil {
		return err
	}
	b.ca = s.data[queuev1alpha1.SecretKeyCA]
	switch {
	case len(b.ca) == 0:
		return missing(s, name, queuev1alpha1.SecretKeyCA, field)
	case !x509.NewCertPool().AppendCertsFromPEM(b.ca):
		return invalid(s, "the key ca.crt of Secret %q holds no PEM certificate", name)
	}
	b.pods.CA = b.uses(name, s, queuev1alpha1.SecretKeyCA)
	return nil
}

func (r *Resolver) clientCertificate(ctx context.Context, b *builder, name string) error {
	const field = "tls.certSecretRef"
	s, err := r.read(ctx, b, name, field)
	if err != nil {
		return err
	}
	b.cert, b.key = s.data[queuev1alpha1.SecretKeyCert], s.data[queuev1alpha1.SecretKeyPrivateKey]
	switch {
	case len(b.cert) == 0:
		return missing(s, name, queuev1alpha1.SecretKeyCert, field)
	case len(b.key) == 0:
		return missing(s, name, queuev1alpha1.SecretKeyPrivateKey, field)
	}
	if _, err := tls.X509KeyPair(b.cert, b.key); err != nil {
		return invalid(s, "tls.crt and tls.key of Secret %q are no PEM certificate with its key", name)
	}
	b.pods.Cert = b.uses(name, s, queuev1alpha1.SecretKeyCert, queuev1alpha1.SecretKeyPrivateKey)
	return nil
}
