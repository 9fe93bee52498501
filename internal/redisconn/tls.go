package redisconn

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// TLS says how to encrypt. Of each pair of file and bytes only one may be given.
type TLS struct {
	// Enabled turns TLS on where the URL does not. Default false.
	Enabled bool
	// CAFile or CA (PEM) has the authorities to trust. Default: those of the system.
	CAFile string
	CA     []byte
	// CertFile or Cert, and KeyFile or Key (PEM), are the client's certificate. Default: none.
	CertFile, KeyFile string
	Cert, Key         []byte
	// ServerName is checked against the server's certificate. Default: the host name dialled.
	ServerName string
	// InsecureSkipVerify accepts any server certificate. Default false.
	InsecureSkipVerify bool
}

func (t *TLS) validate() error {
	switch {
	case t.CAFile != "" && len(t.CA) > 0:
		return errors.New("TLS.CAFile: want no TLS.CA beside it")
	case t.CertFile != "" && len(t.Cert) > 0:
		return errors.New("TLS.CertFile: want no TLS.Cert beside it")
	case t.KeyFile != "" && len(t.Key) > 0:
		return errors.New("TLS.KeyFile: want no TLS.Key beside it")
	case (t.CertFile != "" || len(t.Cert) > 0) != (t.KeyFile != "" || len(t.Key) > 0):
		return errors.New("TLS.CertFile: want a certificate and its key, or neither")
	}
	return nil
}

func (t *TLS) load() (*tls.Config, error) {
	//nolint:gosec // skipping verification is the user's own word
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName, InsecureSkipVerify: t.InsecureSkipVerify}
	ca, err := bytesOf("TLS.CAFile", t.CAFile, t.CA)
	if err != nil {
		return nil, err
	}
	if len(ca) > 0 {
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(ca) {
			return nil, errors.New("TLS.CA: want PEM certificates")
		}
	}
	cert, err := bytesOf("TLS.CertFile", t.CertFile, t.Cert)
	if err != nil {
		return nil, err
	}
	key, err := bytesOf("TLS.KeyFile", t.KeyFile, t.Key)
	if err != nil {
		return nil, err
	}
	if len(cert) > 0 {
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("TLS.Cert: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

func bytesOf(field, file string, given []byte) ([]byte, error) {
	if file == "" {
		return given, nil
	}
	content, err := os.ReadFile(file) //nolint:gosec // the path is configuration
	if err != nil {
		return nil, fmt.Errorf("%s: %w", field, err)
	}
	return content, nil
}
