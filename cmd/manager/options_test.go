package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestRunRefusesNonsense(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"unknown flag":            {[]string{"--nonsense"}, "nonsense"},
		"argument":                {[]string{"run"}, `unexpected argument "run"`},
		"other scheme":            {[]string{"--default-redis=http://redis:6379"}, "flag --default-redis"},
		"no host":                 {[]string{"--default-redis=redis://"}, "flag --default-redis"},
		"password in the URL":     {[]string{"--default-redis=redis://:hunter2@redis:6379"}, "no user name or password"},
		"database is no number":   {[]string{"--default-redis=redis://redis:6379/x"}, "database"},
		"credentials of nothing":  {[]string{"--default-redis-credentials-dir=/x"}, "without a default Redis"},
		"sentinels' credentials":  {[]string{"--default-redis=redis://redis:6379", "--default-redis-sentinel-credentials-dir=/x"}, "redis-sentinel://"},
		"no master":               {[]string{"--default-redis=redis-sentinel://redis:26379"}, "master"},
		"database of a cluster":   {[]string{"--default-redis=redis-cluster://redis:6379/1"}, "database"},
		"no image":                {[]string{"--worker-image="}, "flag --worker-image"},
		"interval is no duration": {[]string{"--poll-interval=5"}, "poll-interval"},
		"interval too short":      {[]string{"--poll-interval=1ms"}, "from 100ms to 1m0s"},
		"negative window":         {[]string{"--scale-in-window=-1s"}, "flag --scale-in-window"},
		"no namespace":            {[]string{"--watch-namespaces=a/b"}, "watch-namespaces"},
		"an empty namespace":      {[]string{"--watch-namespaces=a,,b"}, "such as team-a,team-b"},
		"no port":                 {[]string{"--metrics-bind-address=here"}, "flag --metrics-bind-address"},
		"no port of pprof":        {[]string{"--pprof-bind-address=here"}, "flag --pprof-bind-address"},
		"no level":                {[]string{"--log-level=loud"}, "log-level"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(tc.args, &stdout, &stderr); code != exitUsage {
				t.Errorf("exit code %d, want %d", code, exitUsage)
			}
			text := stderr.String()
			if strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\n") || !strings.Contains(text, tc.want) {
				t.Errorf("stderr = %q, want one line with %q", text, tc.want)
			}
			if strings.Contains(text, "hunter2") {
				t.Errorf("stderr shows the password: %q", text)
			}
		})
	}
}

func TestRunHelpAndVersion(t *testing.T) {
	for flagName, want := range map[string]string{"--help": "-default-redis", "--version": "dev"} {
		var stdout, stderr bytes.Buffer
		if code := run([]string{flagName}, &stdout, &stderr); code != 0 || !strings.Contains(stdout.String(), want) || stderr.Len() > 0 {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", flagName, code, stdout.String(), stderr.String())
		}
	}
}

func TestParse(t *testing.T) {
	o, err := parse([]string{"--default-redis=rediss://redis:6380/2", "--default-redis-credentials-dir=/creds", "--metrics-bind-address=0", "--watch-namespaces=shop, office,shop"})
	if err != nil {
		t.Fatal(err)
	}
	if o.fallback.URL != "rediss://redis:6380/2" || o.metricsAddress != "0" || o.namespaces.String() != "shop,office" || !o.metricsSecure {
		t.Errorf("parse() = %+v", o)
	}
}
