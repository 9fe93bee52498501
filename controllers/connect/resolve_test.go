package connect_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/connect"
	"github.com/asyncqueue/operator/controllers/desired"
)

// shelf is where Secrets are read from in these tests: by name in one namespace.
type shelf struct {
	client.Reader
	secrets   map[string]map[string]string
	forbidden bool
	broken    error
	reads     int
}

func (s *shelf) Get(_ context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	s.reads++
	kind := schema.GroupResource{Resource: "secrets"}
	data, ok := s.secrets[key.Name]
	switch {
	case s.broken != nil:
		return s.broken
	case s.forbidden:
		return apierrors.NewForbidden(kind, key.Name, errors.New("no"))
	case !ok || key.Namespace != "shop":
		return apierrors.NewNotFound(kind, key.Name)
	}
	secret := object.(*corev1.Secret)
	secret.Data = map[string][]byte{}
	for name, value := range data {
		secret.Data[name] = []byte(value)
	}
	return nil
}

func queueWith(r *queuev1alpha1.Redis) *queuev1alpha1.AsyncQueue {
	return &queuev1alpha1.AsyncQueue{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "orders"},
		Spec:       queuev1alpha1.AsyncQueueSpec{Redis: r},
	}
}

func ref(name string) *queuev1alpha1.SecretRef { return &queuev1alpha1.SecretRef{Name: name} }

// certificate is a self-signed certificate and its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	text := func(kind string, bytes []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}))
	}
	return text("CERTIFICATE", der), text("EC PRIVATE KEY", secret)
}

func TestResolvePlaces(t *testing.T) {
	secrets := map[string]map[string]string{
		"both":      {"username": "u", "password": "p", "note": "x"},
		"one":       {"password": "p"},
		"sentinels": {"uri": "redis-sentinel://u:p@one?master=m"},
		"uri":       {"uri": "rediss://u:p%21@Redis.Example.com:6400/5"},
	}
	fallback := connect.Default{URL: "redis://default:6379/1", CredentialsDir: "/creds"}
	tests := map[string]struct {
		redis                             *queuev1alpha1.Redis
		wantURL, wantLookup, wantPlace    string
		wantUser, wantPassword, wantFiles string
		wantSentinelUser                  string

		wantCredentials, wantSentinelCredentials *desired.SecretFiles
	}{
		"nothing said": {wantURL: "redis://default:6379/1", wantPlace: "default|6379|1", wantFiles: "/creds"},
		"credentials for the default": {
			redis:   &queuev1alpha1.Redis{CredentialsSecretRef: ref("one")},
			wantURL: "redis://default:6379/1", wantPlace: "default|6379|1",
			wantPassword: "p", wantCredentials: &desired.SecretFiles{Name: "one", Keys: []string{"password"}},
		},
		"an address": {
			redis:   &queuev1alpha1.Redis{Addresses: []string{"redis.cache:6380"}, Database: ptr.To[int32](3)},
			wantURL: "redis://redis.cache:6380/3", wantPlace: "redis.cache|6380|3",
		},
		"a service of the queue's namespace": {
			redis:   &queuev1alpha1.Redis{Addresses: []string{"redis:6379"}},
			wantURL: "redis://redis:6379/0", wantLookup: "shop", wantPlace: "redis.shop|6379|0",
		},
		"IPv6": {
			redis:   &queuev1alpha1.Redis{Addresses: []string{"[fd00::1]:6379"}},
			wantURL: "redis://[fd00::1]:6379/0", wantPlace: "fd00::1|6379|0",
		},
		"TLS and a user": {
			redis: &queuev1alpha1.Redis{
				Addresses: []string{"Redis.Cache:6379"}, TLS: &queuev1alpha1.RedisTLS{Enabled: true}, CredentialsSecretRef: ref("both"),
			},
			wantURL: "rediss://Redis.Cache:6379/0", wantPlace: "redis.cache|6379|0",
			wantUser: "u", wantPassword: "p", wantCredentials: &desired.SecretFiles{Name: "both", Keys: []string{"password", "username"}},
		},
		"sentinels": {
			redis: &queuev1alpha1.Redis{
				Addresses: []string{"one:26379", "two.cache:26379"}, Mode: queuev1alpha1.RedisModeSentinel, MasterName: "mymaster",
				Database: ptr.To[int32](2), CredentialsSecretRef: ref("one"), SentinelCredentialsSecretRef: ref("both"),
			},
			wantURL: "redis-sentinel://one:26379,two.cache:26379/2?master=mymaster", wantLookup: "shop",
			wantPlace:    "one.shop|26379|2|mymaster two.cache|26379|2|mymaster",
			wantPassword: "p", wantCredentials: &desired.SecretFiles{Name: "one", Keys: []string{"password"}},
			wantSentinelUser: "u", wantSentinelCredentials: &desired.SecretFiles{Name: "both", Keys: []string{"password", "username"}},
		},
		"a cluster with TLS": {
			redis: &queuev1alpha1.Redis{
				Addresses: []string{"a.cache:6379", "b.cache:6379"}, Mode: queuev1alpha1.RedisModeCluster, TLS: &queuev1alpha1.RedisTLS{Enabled: true},
			},
			wantURL: "rediss-cluster://a.cache:6379,b.cache:6379", wantPlace: "a.cache|6379|0 b.cache|6379|0",
		},
		"sentinels in a uri": {
			redis:   &queuev1alpha1.Redis{CredentialsSecretRef: ref("sentinels"), SentinelCredentialsSecretRef: ref("both")},
			wantURL: "redis-sentinel://one:26379/0?master=m", wantLookup: "shop", wantPlace: "one.shop|26379|0|m",
			wantUser: "u", wantPassword: "p", wantCredentials: &desired.SecretFiles{Name: "sentinels", Keys: []string{"uri"}},
			wantSentinelUser: "u", wantSentinelCredentials: &desired.SecretFiles{Name: "both", Keys: []string{"password", "username"}},
		},
		"a uri": {
			redis:   &queuev1alpha1.Redis{CredentialsSecretRef: ref("uri")},
			wantURL: "rediss://Redis.Example.com:6400/5", wantPlace: "redis.example.com|6400|5",
			wantUser: "u", wantPassword: "p!", wantCredentials: &desired.SecretFiles{Name: "uri", Keys: []string{"uri"}},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := connect.NewResolver(&shelf{secrets: secrets}, fallback, time.Now)
			got, err := r.Resolve(t.Context(), queueWith(tc.redis), connect.Calm)
			if err != nil {
				t.Fatal(err)
			}
			c := got.Poll.Config
			have := []string{got.Pods.URL, c.URL, c.Namespace, strings.Join(got.Place, " "), c.Username, c.Password, c.CredentialsDir, c.SentinelUsername}
			want := []string{tc.wantURL, tc.wantURL, tc.wantLookup, tc.wantPlace, tc.wantUser, tc.wantPassword, tc.wantFiles, tc.wantSentinelUser}
			if diff := cmp.Diff(want, have); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantCredentials, got.Pods.Credentials); diff != "" {
				t.Errorf("credentials (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantSentinelCredentials, got.Pods.SentinelCredentials); diff != "" {
				t.Errorf("the sentinels' credentials (-want +got):\n%s", diff)
			}
			if (got.Pods.SecretsDigest != "") != (tc.wantCredentials != nil) {
				t.Errorf("digest %q", got.Pods.SecretsDigest)
			}
		})
	}
}

func TestResolveCertificates(t *testing.T) {
	cert, key := certificate(t)
	r := connect.NewResolver(&shelf{secrets: map[string]map[string]string{
		"ca": {"ca.crt": cert}, "mine": {"tls.crt": cert, "tls.key": key},
	}}, connect.Default{}, time.Now)
	got, err := r.Resolve(t.Context(), queueWith(&queuev1alpha1.Redis{
		Addresses: []string{"redis:6379"},
		TLS:       &queuev1alpha1.RedisTLS{Enabled: true, CASecretRef: ref("ca"), CertSecretRef: ref("mine")},
	}), connect.Calm)
	if err != nil {
		t.Fatal(err)
	}
	// The certificate is for the name that the pods use, whatever the operator dials.
	if c := got.Poll.Config; c.Namespace != "shop" || c.TLS.ServerName != "" || got.Pods.ServerName != "" {
		t.Errorf("looked up in %q, names %q and %q", c.Namespace, c.TLS.ServerName, got.Pods.ServerName)
	}
	if string(got.Poll.Config.TLS.CA) != cert || string(got.Poll.Config.TLS.Key) != key {
		t.Error("the poller lacks the certificates")
	}
	if diff := cmp.Diff(&desired.SecretFiles{Name: "mine", Keys: []string{"tls.crt", "tls.key"}}, got.Pods.Cert); diff != "" {
		t.Error(diff)
	}
}

func TestResolveProblems(t *testing.T) {
	cert, key := certificate(t)
	_, otherKey := certificate(t)
	at := []string{"redis:6379"}
	tls := func(ca, cert string) *queuev1alpha1.Redis {
		r := &queuev1alpha1.Redis{Addresses: at, TLS: &queuev1alpha1.RedisTLS{Enabled: true}}
		if ca != "" {
			r.TLS.CASecretRef = ref(ca)
		}
		if cert != "" {
			r.TLS.CertSecretRef = ref(cert)
		}
		return r
	}
	secrets := map[string]map[string]string{
		"empty":    {},
		"user":     {"username": "u"},
		"mixed":    {"uri": "redis://x", "password": "p"},
		"uri":      {"uri": "redis://:hunter2@x"},
		"http":     {"uri": "http://:hunter2@x"},
		"query":    {"uri": "redis://:hunter2@x/0?timeout=1"},
		"text":     {"ca.crt": "hello"},
		"half":     {"tls.crt": cert},
		"mismatch": {"tls.crt": cert, "tls.key": otherKey},
		"pair":     {"tls.crt": cert, "tls.key": key},
	}
	tests := map[string]struct {
		redis       *queuev1alpha1.Redis
		wantReason  string
		wantMessage string
		wantStalled bool
	}{
		"no Redis at all": {nil, queuev1alpha1.ReasonNoRedis, "the operator has no default Redis: set spec.redis.addresses", true},
		"no Secret": {
			&queuev1alpha1.Redis{Addresses: at, CredentialsSecretRef: ref("none")}, queuev1alpha1.ReasonSecretNotFound,
			`Secret "none", named by spec.redis.credentialsSecretRef, does not exist in the namespace`, false,
		},
		"an empty Secret": {
			&queuev1alpha1.Redis{Addresses: at, CredentialsSecretRef: ref("empty")}, queuev1alpha1.ReasonSecretKeyMissing,
			`Secret "empty", named by spec.redis.credentialsSecretRef, lacks the key password`, false,
		},
		"a user without password": {
			&queuev1alpha1.Redis{Addresses: at, CredentialsSecretRef: ref("user")}, queuev1alpha1.ReasonSecretKeyMissing,
			`Secret "user", named by spec.redis.credentialsSecretRef, lacks the key password`, false,
		},
		"a uri beside a password": {
			&queuev1alpha1.Redis{CredentialsSecretRef: ref("mixed")}, queuev1alpha1.ReasonSecretInvalid,
			`Secret "mixed" holds the key uri beside username or password: keep one or the other`, false,
		},
		"a uri beside an address": {
			&queuev1alpha1.Redis{Addresses: at, CredentialsSecretRef: ref("uri")}, queuev1alpha1.ReasonSecretInvalid,
			`Secret "uri" holds the key uri, which excludes addresses, mode, masterName, database and tls of spec.redis: remove these, or replace uri by username and password`, false,
		},
		"a uri of something else": {
			&queuev1alpha1.Redis{CredentialsSecretRef: ref("http")}, queuev1alpha1.ReasonSecretInvalid,
			`the uri in Secret "http" cannot be used: want it to begin with redis://, rediss://, redis-sentinel:// or redis-cluster://`, false,
		},
		"a uri with parameters": {
			&queuev1alpha1.Redis{CredentialsSecretRef: ref("query")}, queuev1alpha1.ReasonSecretInvalid,
			`the uri in Secret "query" cannot be used: parameter "timeout" is not known`, false,
		},
		"an authority that is none": {tls("text", ""), queuev1alpha1.ReasonSecretInvalid, `the key ca.crt of Secret "text" holds no PEM certificate`, false},
		"an authority that lacks":   {tls("empty", ""), queuev1alpha1.ReasonSecretKeyMissing, `Secret "empty", named by spec.redis.tls.caSecretRef, lacks the key ca.crt`, false},
		"a certificate that lacks":  {tls("", "none"), queuev1alpha1.ReasonSecretNotFound, `Secret "none", named by spec.redis.tls.certSecretRef, does not exist in the namespace`, false},
		"half a certificate":        {tls("", "half"), queuev1alpha1.ReasonSecretKeyMissing, `Secret "half", named by spec.redis.tls.certSecretRef, lacks the key tls.key`, false},
		"a password for sentinels that lacks": {
			&queuev1alpha1.Redis{Addresses: at, Mode: queuev1alpha1.RedisModeSentinel, MasterName: "m", SentinelCredentialsSecretRef: ref("user")},
			queuev1alpha1.ReasonSecretKeyMissing, `Secret "user", named by spec.redis.sentinelCredentialsSecretRef, lacks the key password`, false,
		},
		"another's key": {tls("", "mismatch"), queuev1alpha1.ReasonSecretInvalid, `tls.crt and tls.key of Secret "mismatch" are no PEM certificate with its key`, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := connect.NewResolver(&shelf{secrets: secrets}, connect.Default{}, time.Now)
			_, err := r.Resolve(t.Context(), queueWith(tc.redis), connect.Calm)
			var problem *connect.Problem
			if !errors.As(err, &problem) {
				t.Fatalf("error %v, want a Problem", err)
			}
			if problem.Reason != tc.wantReason || problem.Message != tc.wantMessage || problem.Stalled != tc.wantStalled {
				t.Errorf("%s %q stalled=%t\nwant %s %q stalled=%t", problem.Reason, problem.Message, problem.Stalled, tc.wantReason, tc.wantMessage, tc.wantStalled)
			}
			if strings.Contains(problem.Message, "hunter2") {
				t.Error("the message shows the password")
			}
			if !tc.wantStalled && problem.Until.IsZero() {
				t.Error("nobody will look again")
			}
		})
	}
}

// An older queue keeps its channel while its Secrets are in disorder.
func TestPlaceIsKnownWithoutSecrets(t *testing.T) {
	tests := map[string]struct {
		spec *queuev1alpha1.Redis
		want string
	}{
		"an address, no Secret":       {&queuev1alpha1.Redis{Addresses: []string{"redis:6380"}, Database: ptr.To[int32](2), CredentialsSecretRef: ref("none")}, "redis.shop|6380|2"},
		"an address, no authority":    {&queuev1alpha1.Redis{Addresses: []string{"redis:6380"}, TLS: &queuev1alpha1.RedisTLS{Enabled: true, CASecretRef: ref("none")}}, "redis.shop|6380|0"},
		"perhaps a uri, no Secret":    {&queuev1alpha1.Redis{CredentialsSecretRef: ref("none")}, ""},
		"an address that is nonsense": {&queuev1alpha1.Redis{Addresses: []string{"redis"}, CredentialsSecretRef: ref("none")}, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := connect.NewResolver(&shelf{}, connect.Default{URL: "redis://default:6379"}, time.Now)
			got, err := r.Resolve(t.Context(), queueWith(tc.spec), connect.Calm)
			if err == nil {
				t.Fatal("no error")
			}
			want := connect.Connection{}
			if tc.want != "" {
				want.Place = connect.Place{tc.want}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Resolve() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestForbiddenSecretIsAProblemAndAFailedReadIsNot(t *testing.T) {
	q := queueWith(&queuev1alpha1.Redis{Addresses: []string{"redis:6379"}, CredentialsSecretRef: ref("x")})
	var problem *connect.Problem
	_, err := connect.NewResolver(&shelf{forbidden: true}, connect.Default{}, time.Now).Resolve(t.Context(), q, connect.Calm)
	if !errors.As(err, &problem) || problem.Reason != queuev1alpha1.ReasonSecretNotFound {
		t.Errorf("forbidden: %v", err)
	}
	broken := errors.New("broken")
	_, err = connect.NewResolver(&shelf{broken: broken}, connect.Default{}, time.Now).Resolve(t.Context(), q, connect.Calm)
	if !errors.Is(err, broken) {
		t.Errorf("broken: %v", err)
	}
}

func TestSecretsAreReadOncePerMinuteAndMoreOftenInTrouble(t *testing.T) {
	s := &shelf{secrets: map[string]map[string]string{"one": {"password": "old"}}}
	now := time.Now()
	r := connect.NewResolver(s, connect.Default{}, func() time.Time { return now })
	resolve := func(name string, maxAge time.Duration) connect.Connection {
		t.Helper()
		c, err := r.Resolve(t.Context(), queueWith(&queuev1alpha1.Redis{Addresses: []string{"redis:6379"}, CredentialsSecretRef: ref(name)}), maxAge)
		var problem *connect.Problem
		if err != nil && !errors.As(err, &problem) {
			t.Fatal(err)
		}
		return c
	}
	first := resolve("one", connect.Calm)
	s.secrets["one"]["password"] = "new"
	now = now.Add(connect.Troubled) // the second read comes at any time of the first minute
	if again := resolve("one", connect.Calm); s.reads != 1 || again.Pods.SecretsDigest != first.Pods.SecretsDigest || again.Poll.ID != first.Poll.ID {
		t.Errorf("%d reads at once", s.reads)
	}
	now = now.Add(connect.Troubled)
	rotated := resolve("one", connect.Troubled)
	if s.reads != 2 || rotated.Pods.SecretsDigest == first.Pods.SecretsDigest || rotated.Poll.ID == first.Poll.ID {
		t.Errorf("%d reads in trouble", s.reads)
	}
	now = now.Add(time.Minute)
	if resolve("one", connect.Calm); s.reads != 3 {
		t.Errorf("%d reads a minute later", s.reads)
	}
	resolve("missing", connect.Calm)
	now = now.Add(connect.Troubled)
	if resolve("missing", connect.Calm); s.reads != 5 {
		t.Errorf("%d reads: a missing Secret is looked for again soon", s.reads)
	}
}

// A Secret that never comes must not cost a request every few seconds, and is seen
// within a minute when it does.
func TestReadingInVainSlowsDown(t *testing.T) {
	s := &shelf{secrets: map[string]map[string]string{"useless": {"password": "wrong"}}}
	for name, field := range map[string]string{"missing": "a missing Secret", "useless": "a wrong password"} {
		now, reads := time.Now(), s.reads
		r := connect.NewResolver(s, connect.Default{}, func() time.Time { return now })
		for range 600 {
			_, _ = r.Resolve(t.Context(), queueWith(&queuev1alpha1.Redis{Addresses: []string{"redis:6379"}, CredentialsSecretRef: ref(name)}), connect.Troubled)
			now = now.Add(time.Second)
		}
		if got := s.reads - reads; got < 10 || got > 18 {
			t.Errorf("%s: %d reads in 10 minutes, want one a minute and a few at first", field, got)
		}
	}
}

func TestReadsOfManySecretsSpreadOut(t *testing.T) {
	const queues = 60
	s := &shelf{secrets: map[string]map[string]string{}}
	now := time.Now()
	r := connect.NewResolver(s, connect.Default{}, func() time.Time { return now })
	most := 0
	for second := range 180 {
		before := s.reads
		for n := range queues {
			name := "secret-" + strconv.Itoa(n)
			s.secrets[name] = map[string]string{"password": "p"}
			if _, err := r.Resolve(t.Context(), queueWith(&queuev1alpha1.Redis{Addresses: []string{"redis:6379"}, CredentialsSecretRef: ref(name)}), connect.Calm); err != nil {
				t.Fatal(err)
			}
		}
		if second > 0 {
			most = max(most, s.reads-before)
		}
		now = now.Add(time.Second)
	}
	if most > queues/5 {
		t.Errorf("%d reads in one second, want them spread over a minute", most)
	}
}

func TestDigestShowsOnlyWhatMatters(t *testing.T) {
	digest := func(data map[string]string) string {
		t.Helper()
		r := connect.NewResolver(&shelf{secrets: map[string]map[string]string{"s": data}}, connect.Default{}, time.Now)
		c, err := r.Resolve(t.Context(), queueWith(&queuev1alpha1.Redis{Addresses: []string{"redis:6379"}, CredentialsSecretRef: ref("s")}), connect.Calm)
		if err != nil {
			t.Fatal(err)
		}
		return c.Pods.SecretsDigest
	}
	base := digest(map[string]string{"password": "p"})
	if got := digest(map[string]string{"password": "p", "note": "changed"}); got != base {
		t.Error("a key that no worker reads changes the digest")
	}
	if got := digest(map[string]string{"password": "p", "username": ""}); got == base {
		t.Error("an added key does not change the digest")
	}
	if len(base) != 16 || strings.Contains(base, "p") {
		t.Errorf("digest %q", base)
	}
}

func TestResolveWhatTheSchemaCannotSee(t *testing.T) {
	secrets := map[string]map[string]string{"uri": {"uri": "redis-cluster://u:hunter2@a,b"}, "sentinels": {"password": "p"}}
	tests := map[string]struct {
		fallback, channel string
		redis             *queuev1alpha1.Redis
		wantReason        string
		wantMessage       string
		wantAgain         bool
	}{
		"a cluster by default": {
			fallback: "redis-cluster://default", channel: "redis-queue", wantReason: queuev1alpha1.ReasonHashTagMissing,
			wantMessage: "the operator's --default-redis names a Redis Cluster, where channel redis-queue needs a hash tag, so that all keys of the queue stand on one node: create another AsyncQueue whose channel has one, such as {redis-queue}, and give the producers the same channel",
		},
		"a cluster in a uri": {
			channel: "{}queue", redis: &queuev1alpha1.Redis{CredentialsSecretRef: ref("uri")}, wantReason: queuev1alpha1.ReasonHashTagMissing,
			wantMessage: `the uri in Secret "uri" names a Redis Cluster, where channel {}queue needs a hash tag, so that all keys of the queue stand on one node: create another AsyncQueue whose channel has one, such as {queue}, and give the producers the same channel`,
			wantAgain:   true,
		},
		"no sentinels by default": {
			fallback: "redis://default", redis: &queuev1alpha1.Redis{SentinelCredentialsSecretRef: ref("sentinels")}, wantReason: queuev1alpha1.ReasonNoSentinels,
			wantMessage: "the operator's --default-redis names a Redis without sentinels: remove spec.redis.sentinelCredentialsSecretRef",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			q := queueWith(tc.redis)
			q.Spec.Channel = tc.channel
			r := connect.NewResolver(&shelf{secrets: secrets}, connect.Default{URL: tc.fallback}, time.Now)
			_, err := r.Resolve(t.Context(), q, connect.Calm)
			var problem *connect.Problem
			if !errors.As(err, &problem) {
				t.Fatalf("error %v, want a Problem", err)
			}
			if problem.Reason != tc.wantReason || problem.Message != tc.wantMessage || !problem.Stalled || problem.Until.IsZero() == tc.wantAgain {
				t.Errorf("%s %q, stalled %t, until %v", problem.Reason, problem.Message, problem.Stalled, problem.Until)
			}
			q.Spec.Channel, q.Spec.Redis = "", nil
			if tc.fallback != "" {
				if _, err := r.Resolve(t.Context(), q, connect.Calm); err != nil {
					t.Errorf("with what fits: %v", err)
				}
			}
		})
	}
}

// Who names one sentinel of three stands at the same place as who names them all.
func TestPlacesMeetWhereOneAddressIsTheSame(t *testing.T) {
	place := func(name string, addresses ...string) connect.Place {
		t.Helper()
		r := connect.NewResolver(&shelf{}, connect.Default{}, time.Now)
		got, err := r.Resolve(t.Context(), queueWith(&queuev1alpha1.Redis{Addresses: addresses, Mode: queuev1alpha1.RedisModeSentinel, MasterName: name}), connect.Calm)
		if err != nil {
			t.Fatal(err)
		}
		return got.Place
	}
	all := place("m", "a:1", "b:1", "c:1")
	if !all.Meets(place("m", "C.shop:1")) {
		t.Error("one of the sentinels is not met")
	}
	if all.Meets(place("m", "d:1")) || all.Meets(place("other", "a:1")) || all.Meets(nil) {
		t.Error("another Redis is met")
	}
}
