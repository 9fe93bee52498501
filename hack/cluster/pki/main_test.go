package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestWriteMakesCertificatesThatVerify(t *testing.T) {
	dir := t.TempDir()
	o := options{
		dir: dir, server: "https://10.85.0.1:16443", node: "n1", nodeIP: net.IPv4(10, 85, 0, 1),
		serverIPs: []net.IP{net.IPv4(10, 85, 0, 1), net.IPv4(10, 85, 128, 1)},
	}
	if err := write(o); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(read(t, dir, "ca.crt")) {
		t.Fatal("ca.crt holds no certificate")
	}
	tests := map[string]struct {
		file, host string
		usage      x509.ExtKeyUsage
	}{
		"API server by bridge address":  {"apiserver", "10.85.0.1", x509.ExtKeyUsageServerAuth},
		"API server by service address": {"apiserver", "10.85.128.1", x509.ExtKeyUsageServerAuth},
		"API server by service name":    {"apiserver", "kubernetes.default.svc", x509.ExtKeyUsageServerAuth},
		"kubelet by address":            {"kubelet", "10.85.0.1", x509.ExtKeyUsageServerAuth},
		"API server as kubelet client":  {"apiserver-kubelet-client", "", x509.ExtKeyUsageClientAuth},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cert := leaf(t, read(t, dir, tt.file+".crt"), read(t, dir, tt.file+".key"))
			_, err := cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: tt.host, KeyUsages: []x509.ExtKeyUsage{tt.usage}})
			if err != nil {
				t.Errorf("verifying %s for %q: %v", tt.file, tt.host, err)
			}
		})
	}
}

func TestKubeconfigsNameTheUsersThatKubernetesKnows(t *testing.T) {
	dir := t.TempDir()
	o := options{
		dir: dir, server: "https://127.0.0.1:1", node: "n1", nodeIP: net.IPv4(127, 0, 0, 1),
		serverIPs: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if err := write(o); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct{ wantName, wantGroup string }{
		"admin":              {"admin", "system:masters"},
		"controller-manager": {"system:kube-controller-manager", ""},
		"scheduler":          {"system:kube-scheduler", ""},
		"kubelet":            {"system:node:n1", "system:nodes"},
		"kube-proxy":         {"system:kube-proxy", ""},
	}
	for file, tt := range tests {
		t.Run(file, func(t *testing.T) {
			var c kubeconfig
			if err := json.Unmarshal(read(t, dir, file+".kubeconfig"), &c); err != nil {
				t.Fatal(err)
			}
			cert := leaf(t, c.Users[0].User.Cert, c.Users[0].User.Key)
			group := ""
			if len(cert.Subject.Organization) > 0 {
				group = cert.Subject.Organization[0]
			}
			if cert.Subject.CommonName != tt.wantName || group != tt.wantGroup {
				t.Errorf("got user %q of group %q, want %q of %q", cert.Subject.CommonName, group, tt.wantName, tt.wantGroup)
			}
			if got := c.Clusters[0].Cluster.Server; got != o.server {
				t.Errorf("got server %q, want %q", got, o.server)
			}
		})
	}
}

func TestSecretsAreForTheirOwnerOnly(t *testing.T) {
	dir := t.TempDir()
	o := options{dir: dir, server: "https://127.0.0.1:1", serverIPs: []net.IP{net.IPv4(127, 0, 0, 1)}}
	if err := write(o); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"*.key", "*.kubeconfig"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no file matches %s: %v", pattern, err)
		}
		for _, file := range files {
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %v, want 0600", filepath.Base(file), info.Mode().Perm())
			}
		}
	}
}

func TestParseRefusesWhatIsNoAddress(t *testing.T) {
	for name, args := range map[string][]string{
		"nothing at all":       {},
		"server address":       {"--dir", "x", "--server", "y", "--server-ips", "10.85.0.1,z"},
		"node without address": {"--dir", "x", "--server", "y", "--server-ips", "10.85.0.1", "--node", "n"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parse(args); err == nil {
				t.Error("got no error")
			}
		})
	}
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// leaf returns the certificate after a check that the key belongs to it.
func leaf(t *testing.T, certPEM, keyPEM []byte) *x509.Certificate {
	t.Helper()
	if _, err := tls.X509KeyPair(certPEM, keyPEM); err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(certPEM)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}
