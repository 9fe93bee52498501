package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// lifetime of every certificate. A local cluster lives for hours; a year means
// that nobody ever meets an expired one.
const lifetime = 365 * 24 * time.Hour

// subject says who a certificate is for.
type subject struct {
	file       string   // base name of the files, without an ending
	commonName string   // the user's name to Kubernetes
	group      string   // the user's group; may be empty
	server     bool     // whether it also proves a server
	ips        []net.IP // addresses of the server
	names      []string // host names of the server
}

// authority signs certificates. Its key never leaves the memory, so nobody can
// become a user of the cluster after this program has ended.
type authority struct {
	cert    *x509.Certificate
	certPEM []byte
	key     *ecdsa.PrivateKey
}

func newAuthority(name string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generating the authority's key: %w", err)
	}
	template, err := newTemplate(pkix.Name{CommonName: name})
	if err != nil {
		return nil, err
	}
	template.IsCA = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("signing the authority's certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("reading the authority's certificate: %w", err)
	}
	return &authority{cert: cert, certPEM: encode("CERTIFICATE", der), key: key}, nil
}

// newTemplate returns what all certificates have in common. They are good from
// five minutes ago, so that a clock that steps back a little does no harm.
func newTemplate(name pkix.Name) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("choosing a serial number: %w", err)
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber:          serial,
		Subject:               name,
		NotBefore:             now.Add(-5 * time.Minute),
		NotAfter:              now.Add(lifetime),
		BasicConstraintsValid: true,
	}, nil
}

// issue returns a fresh key and a certificate for it, both as PEM.
func (a *authority) issue(s subject) (certPEM, keyPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("generating the key of %s: %w", s.file, err)
	}
	name := pkix.Name{CommonName: s.commonName}
	if s.group != "" {
		name.Organization = []string{s.group}
	}
	template, err := newTemplate(name)
	if err != nil {
		return nil, nil, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if s.server {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		template.IPAddresses, template.DNSNames = s.ips, s.names
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, nil, fmt.Errorf("signing the certificate of %s: %w", s.file, err)
	}
	keyPEM, err = encodeKey(key)
	if err != nil {
		return nil, nil, err
	}
	return encode("CERTIFICATE", der), keyPEM, nil
}

// writePair writes the certificate and the key of s to dir.
func (a *authority) writePair(dir string, s subject) error {
	cert, key, err := a.issue(s)
	if err != nil {
		return err
	}
	base := filepath.Join(dir, s.file)
	if err := os.WriteFile(base+".crt", cert, 0o644); err != nil {
		return fmt.Errorf("writing the certificate of %s: %w", s.file, err)
	}
	if err := os.WriteFile(base+".key", key, 0o600); err != nil {
		return fmt.Errorf("writing the key of %s: %w", s.file, err)
	}
	return nil
}

// writeSigningKey writes the key pair that service account tokens are signed
// and checked with.
func writeSigningKey(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("generating the signing key: %w", err)
	}
	private, err := encodeKey(key)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("encoding the signing key: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "sa.key"), private, 0o600); err != nil {
		return fmt.Errorf("writing the signing key: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "sa.pub"), encode("PUBLIC KEY", der), 0o644); err != nil {
		return fmt.Errorf("writing the public signing key: %w", err)
	}
	return nil
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding a key: %w", err)
	}
	return encode("EC PRIVATE KEY", der), nil
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
