package workerenv

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// full differs from the zero value, and from the defaults, in every field.
func full() Settings {
	return Settings{
		Redis:                  "rediss://redis.default:6380/3",
		CredentialsDir:         "/var/run/redis",
		SentinelCredentialsDir: "/var/run/sentinel",
		TLS: TLS{
			CAFile: "/tls/ca.crt", CertFile: "/tls/tls.crt", KeyFile: "/tls/tls.key",
			ServerName: "redis.internal", InsecureSkipVerify: true,
		},
		Channel:          "{orders}",
		Pop:              1500 * time.Millisecond,
		Handle:           3 * time.Second,
		Retry:            []time.Duration{5 * time.Second, 10 * time.Second, time.Minute},
		Drain:            45 * time.Second,
		MaxAttempts:      2,
		MaxMessages:      1000,
		Exclusive:        true,
		Pprof:            true,
		MaxMemoryPercent: 80,
		Concurrency:      100,
		HTTPURL:          "http://127.0.0.1:8080/jobs",
		Exec:             []string{"php", "job file.php", `"quoted"`},
		Payload:          PayloadRaw,
		Listen:           ":9090",
		JobLog:           JobLogAll,
		LogFormat:        LogText,
		OnWorkerLoss:     LossImmediately,
		OnHandleTimeout:  TimeoutCancel, OnLateSuccess: LateRemove, MaxMessageBytes: 4096,
		MaxReloads: 7,
		Queue:      "shop/orders",
		Owner:      "8c2b3a5e-0000-4000-8000-000000000000",
		Pod:        "orders-worker-abc",
	}
}

func lookupIn(pairs []Pair) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, p := range pairs {
			if p.Name == name {
				return p.Value, true
			}
		}
		return "", false
	}
}

func TestRoundTrip(t *testing.T) {
	noRetry := full()
	noRetry.Retry = nil
	noLimit := full()
	noLimit.MaxReloads = 0
	tests := map[string]Settings{
		"the defaults":              Defaults(),
		"every field set":           full(),
		"an empty list of retries":  noRetry,
		"no limit on the reloads":   noLimit,
		"a fraction of a second":    {Pop: 123456789 * time.Nanosecond, Payload: PayloadJSON, Listen: ":1", JobLog: JobLogNone, LogFormat: LogJSON, OnWorkerLoss: LossOnSchedule, OnHandleTimeout: TimeoutCancel, OnLateSuccess: LateKeep},
		"an exec with spaces in it": func() Settings { s := Defaults(); s.Exec = []string{"[", "a b"}; return s }(),
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Decode(lookupIn(want.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Decode(Encode(s)) (-want +got):\n%s", diff)
			}
		})
	}
}

// A field that the list forgets would be lost between operator and worker.
func TestEveryFieldHasAVariable(t *testing.T) {
	leaves := countLeaves(reflect.TypeFor[Settings]())
	if got := len(Variables()); got != leaves {
		t.Errorf("%d variables for %d fields of Settings", got, leaves)
	}
	if got := len(full().Encode()); got != leaves {
		t.Errorf("%d pairs encoded for %d fields of Settings", got, leaves)
	}
}

func countLeaves(t reflect.Type) int {
	if t.Kind() != reflect.Struct {
		return 1
	}
	n := 0
	for f := range t.Fields() {
		n += countLeaves(f.Type)
	}
	return n
}

func TestEncodeIsSortedAndPrefixed(t *testing.T) {
	last := ""
	for _, p := range full().Encode() {
		if p.Name <= last || !strings.HasPrefix(p.Name, Prefix) {
			t.Errorf("%s after %s", p.Name, last)
		}
		last = p.Name
	}
}

func TestFlagNames(t *testing.T) {
	tests := map[string]string{
		PopSeconds:          "pop-seconds",
		Redis:               "redis",
		RedisTLSCAFile:      "redis-tls-ca-file",
		HTTPURL:             "http-url",
		WorkerLoss:          "on-worker-loss",
		HandleTimeoutPolicy: "on-handle-timeout",
		LateSuccessPolicy:   "on-late-success",
		MaxMessageBytes:     "max-message-bytes",
	}
	for name, want := range tests {
		if got := Named(name).Flag(); got != want {
			t.Errorf("Flag of %s = %q, want %q", name, got, want)
		}
	}
}

func TestDecodeNamesTheVariable(t *testing.T) {
	tests := map[string]string{
		PopSeconds:                 "two",
		HandleSeconds:              "NaN",
		RetrySeconds:               "5,,10",
		DrainSeconds:               "1e300",
		MaxAttempts:                "1.5",
		Concurrency:                "many",
		Exec:                       `["php", 1]`,
		PayloadForm:                "xml",
		JobLogChoice:               "some",
		LogFormatChoice:            "xml",
		WorkerLoss:                 "pray",
		HandleTimeoutPolicy:        "cancel",
		LateSuccessPolicy:          "forget",
		MaxMessageBytes:            "1MiB",
		RedisTLSInsecureSkipVerify: "perhaps",
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Decode(lookupIn([]Pair{{name, text}}))
			var named *Error
			if !errors.As(err, &named) || named.Variable.Name != name {
				t.Fatalf("Decode: %v, want an error that names %s", err, name)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q is more than a line", err)
			}
		})
	}
}

func TestDecodeReadsWords(t *testing.T) {
	s, err := Decode(lookupIn([]Pair{{Exec, "php  job.php --once"}, {RetrySeconds, " 5, 0.5 "}}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"php", "job.php", "--once"}, s.Exec); diff != "" {
		t.Errorf("Exec (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]time.Duration{5 * time.Second, 500 * time.Millisecond}, s.Retry); diff != "" {
		t.Errorf("Retry (-want +got):\n%s", diff)
	}
}

func TestValidate(t *testing.T) {
	tests := map[string]struct {
		change    func(*Settings)
		wantNamed string // empty: valid
	}{
		"a sensible worker":       {func(*Settings) {}, ""},
		"no Redis":                {func(s *Settings) { s.Redis = "" }, Redis},
		"a Redis without scheme":  {func(s *Settings) { s.Redis = "localhost:6379" }, Redis},
		"another scheme":          {func(s *Settings) { s.Redis = "http://localhost" }, Redis},
		"no host":                 {func(s *Settings) { s.Redis = "redis://" }, Redis},
		"a Redis from a uri file": {func(s *Settings) { s.Redis, s.CredentialsDir = "", "/redis" }, ""},
		"sentinels":               {func(s *Settings) { s.Redis = "redis-sentinel://a:1,b:2/0?master=m" }, ""},
		"no channel":              {func(s *Settings) { s.Channel = "" }, Channel},
		"pop 0":                   {func(s *Settings) { s.Pop = 0 }, PopSeconds},
		"handle below 0":          {func(s *Settings) { s.Handle = -1 }, HandleSeconds},
		"handle for a year":       {func(s *Settings) { s.Handle = 365 * 24 * time.Hour }, HandleSeconds},
		"a retry in the past":     {func(s *Settings) { s.Retry = []time.Duration{1, -1} }, RetrySeconds},
		"no slots":                {func(s *Settings) { s.Concurrency = 0 }, Concurrency},
		"a million slots":         {func(s *Settings) { s.Concurrency = 1e6 }, Concurrency},
		"attempts below 0":        {func(s *Settings) { s.MaxAttempts = -1 }, MaxAttempts},
		"reloads below 0":         {func(s *Settings) { s.MaxReloads = -1 }, MaxReloads},
		"messages below 0 bytes":  {func(s *Settings) { s.MaxMessageBytes = -1 }, MaxMessageBytes},
		"messages of any size":    {func(s *Settings) { s.MaxMessageBytes = 0 }, ""},
		"drain below 0":           {func(s *Settings) { s.Drain = -1 }, DrainSeconds},
		"an http URL that is not": {func(s *Settings) { s.HTTPURL = "127.0.0.1:80" }, HTTPURL},
		"http and exec":           {func(s *Settings) { s.HTTPURL, s.Exec = "http://a", []string{"b"} }, HTTPURL},
		"half a certificate":      {func(s *Settings) { s.TLS.CertFile = "/c" }, RedisTLSCertFile},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := Defaults()
			s.Redis, s.Channel = "redis://localhost:6379/0", "queue"
			test.change(&s)
			err := s.Validate()
			var named *Error
			switch {
			case test.wantNamed == "" && err != nil:
				t.Errorf("Validate: %v, want nil", err)
			case test.wantNamed != "" && (!errors.As(err, &named) || named.Variable.Name != test.wantNamed):
				t.Errorf("Validate: %v, want an error that names %s", err, test.wantNamed)
			}
		})
	}
}

// A URL that cannot be parsed may hold a password.
func TestValidateKeepsSecrets(t *testing.T) {
	s := Defaults()
	s.Redis, s.Channel = "reddis://user:hunter2@%zz", "queue"
	if err := s.Validate(); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("Validate: %v, want an error without the password", err)
	}
}
