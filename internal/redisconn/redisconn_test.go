package redisconn

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asyncqueue/operator/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }

func newTestClient(t *testing.T, cfg Config) redis.UniversalClient {
	t.Helper()
	rdb, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

func TestNewNamesTheField(t *testing.T) {
	tests := map[string]struct {
		cfg  Config
		want string
	}{
		"no URL":                   {Config{}, "URL"},
		"a bad URL":                {Config{URL: "x"}, "URL"},
		"a short timeout":          {Config{URL: "redis://a", Timeout: time.Second}, "Timeout"},
		"a negative pool":          {Config{URL: "redis://a", PoolSize: -1}, "PoolSize"},
		"a negative dial timeout":  {Config{URL: "redis://a", DialTimeout: -1}, "DialTimeout"},
		"a role of two words":      {Config{URL: "redis://a", Role: "a b"}, "Role"},
		"no such folder":           {Config{URL: "redis://a", CredentialsDir: "/no/such"}, "CredentialsDir"},
		"a folder and a password":  {Config{URL: "redis://a", CredentialsDir: t.TempDir(), Password: "secret"}, "CredentialsDir"},
		"sentinels' likewise":      {Config{URL: "redis://a", SentinelCredentialsDir: t.TempDir(), SentinelPassword: "secret"}, "SentinelCredentialsDir"},
		"a CA that is none":        {Config{URL: "rediss://a", TLS: TLS{CA: []byte("secret")}}, "TLS.CA"},
		"no such CA file":          {Config{URL: "rediss://a", TLS: TLS{CAFile: "/no/such"}}, "TLS.CAFile"},
		"a certificate and no key": {Config{URL: "rediss://a", TLS: TLS{Cert: []byte("secret")}}, "TLS.CertFile"},
		"a CA twice":               {Config{URL: "rediss://a", TLS: TLS{CA: []byte("secret"), CAFile: "/no/such"}}, "TLS.CAFile"},
		"a bad certificate":        {Config{URL: "rediss://a", TLS: TLS{Cert: []byte("secret"), Key: []byte("secret")}}, "TLS.Cert"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := New(test.cfg)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v, want it to name %s", err, test.want)
			}
		})
	}
}

func TestConnectionsAreNamed(t *testing.T) {
	rdb := newTestClient(t, Config{URL: "redis://" + redistest.Shared(t), Role: "test"})
	name, err := rdb.ClientGetName(t.Context()).Result()
	if err != nil || name != "asyncqueue-test" {
		t.Error(name, err)
	}
}

func TestAUserWithoutClientCommandsIsServed(t *testing.T) {
	addr := redistest.Start(t)
	admin := newTestClient(t, Config{URL: "redis://" + addr})
	if err := admin.Do(t.Context(), "acl", "setuser", "few", "on", ">pw", "~*", "+@all", "-client").Err(); err != nil {
		t.Fatal(err)
	}
	rdb := newTestClient(t, Config{URL: "redis://" + addr, Username: "few", Password: "pw"})
	if err := rdb.Set(t.Context(), "a", 1, 0).Err(); err != nil {
		t.Error(err)
	}
}

func TestCredentials(t *testing.T) {
	addr := redistest.Start(t)
	admin := newTestClient(t, Config{URL: "redis://" + addr})
	for user, password := range map[string]string{"app": "one", "default": "two"} {
		if err := admin.Do(t.Context(), "acl", "setuser", user, "on", "resetpass", ">"+password, "~*", "&*", "+@all").Err(); err != nil {
			t.Fatal(err)
		}
	}
	folder := func(files map[string]string) string {
		dir := t.TempDir()
		for name, content := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	tests := map[string]struct {
		cfg    Config
		wantOK bool
	}{
		"fields":                         {Config{Username: "app", Password: "one"}, true},
		"a password alone":               {Config{Password: "two"}, true},
		"in the URL":                     {Config{URL: "redis://app:one@" + addr}, true},
		"fields before the URL":          {Config{URL: "redis://app:bad@" + addr, Username: "app", Password: "one"}, true},
		"files":                          {Config{CredentialsDir: folder(map[string]string{"username": "app", "password": "one\n"})}, true},
		"a password file alone":          {Config{CredentialsDir: folder(map[string]string{"password": "two"})}, true},
		"a uri file":                     {Config{CredentialsDir: folder(map[string]string{"uri": "redis://app:one@" + addr}), URL: "redis://nowhere"}, true},
		"a wrong password":               {Config{Username: "app", Password: "bad"}, false},
		"files with a wrong password":    {Config{CredentialsDir: folder(map[string]string{"username": "app", "password": "bad"})}, false},
		"no password where one is asked": {Config{}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.cfg.URL == "" {
				test.cfg.URL = "redis://" + addr
			}
			err := newTestClient(t, test.cfg).Set(t.Context(), "a", 1, 0).Err()
			if (err == nil) != test.wantOK || IsTransient(err) {
				t.Error(err)
			}
		})
	}
}

func TestSentinelAndCluster(t *testing.T) {
	watcher, _ := redistest.StartSentinel(t)
	for name, url := range map[string]string{
		"sentinel": "redis-sentinel://" + watcher + "?master=mymaster",
		"cluster":  "redis-cluster://" + redistest.StartCluster(t),
	} {
		t.Run(name, func(t *testing.T) {
			if err := newTestClient(t, Config{URL: url}).Set(t.Context(), "a", 1, 0).Err(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTLS(t *testing.T) {
	files := redistest.NewCertificate(t)
	ca, cert, key := files.CA, files.Cert, files.Key
	addr := redistest.StartTLS(t, ca, cert, key)
	read := func(file string) []byte {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	tests := map[string]struct {
		url    string
		tls    TLS
		wantOK bool
	}{
		"files":             {"rediss://", TLS{CAFile: ca, CertFile: cert, KeyFile: key}, true},
		"bytes":             {"redis://", TLS{Enabled: true, CA: read(ca), Cert: read(cert), Key: read(key)}, true},
		"no verification":   {"rediss://", TLS{InsecureSkipVerify: true, CertFile: cert, KeyFile: key}, true},
		"another name":      {"rediss://", TLS{CAFile: ca, CertFile: cert, KeyFile: key, ServerName: "redis.example"}, true},
		"a wrong name":      {"rediss://", TLS{CAFile: ca, CertFile: cert, KeyFile: key, ServerName: "other.example"}, false},
		"an unknown issuer": {"rediss://", TLS{CertFile: cert, KeyFile: key}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := newTestClient(t, Config{URL: test.url + addr, TLS: test.tls}).Set(t.Context(), "a", 1, 0).Err()
			if (err == nil) != test.wantOK {
				t.Error(err)
			}
			if IsTransient(err) {
				t.Errorf("transient: %v", err)
			}
		})
	}
}

func TestIsTransient(t *testing.T) {
	refused := newTestClient(t, Config{URL: "redis://127.0.0.1:1"}).Ping(t.Context()).Err()
	tests := map[string]struct {
		err  error
		want bool
	}{
		"nothing":              {nil, false},
		"nobody listens":       {refused, true},
		"a deadline":           {context.DeadlineExceeded, true},
		"a cancelled context":  {context.Canceled, false},
		"a closed client":      {redis.ErrClosed, false},
		"no answer":            {redis.Nil, false},
		"a read-only replica":  {answer("READONLY You can't write against a read only replica."), true},
		"a script on replica":  {answer("READONLY script: abc, on @user_script:1."), true},
		"a starting server":    {answer("LOADING Redis is loading the dataset in memory"), true},
		"no master":            {answer("MASTERDOWN Link with MASTER is down"), true},
		"a cluster that moves": {answer("TRYAGAIN Multiple keys request during rehashing of slot"), true},
		"a cluster that is down": {
			answer("CLUSTERDOWN The cluster is down"), true,
		},
		"a full memory":       {answer("OOM command not allowed when used memory > 'maxmemory'."), true},
		"too many clients":    {answer("ERR max number of clients reached"), true},
		"a key of wrong type": {answer("WRONGTYPE Operation against a key holding the wrong kind of value"), false},
		"no permission":       {answer("NOPERM this user has no permissions"), false},
		"a wrong password":    {answer("WRONGPASS invalid username-password pair"), false},
		"another error":       {errors.New("something else"), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := IsTransient(test.err); got != test.want {
				t.Errorf("%v: transient %v", test.err, got)
			}
		})
	}
}

// answer is an error that Redis itself says.
type answer string

func (a answer) Error() string { return string(a) }
func (answer) RedisError()     {}
