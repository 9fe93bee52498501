package redisconn

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is read can be written, and is then read the same.
func FuzzParseURL(f *testing.F) {
	for _, text := range []string{
		"redis://h", "rediss://h:1/2", "redis://u:p@h", "redis-sentinel://a,b:2/1?master=m", "rediss-cluster://[::1]:7,b", "redis://[::1]",
		"redis://h/-1", "redis://h:99999", "redis://u:%zz@h", "redis://h?x=1", "redis://", "://", "redis-sentinel://h?master=a%26b", "redis://a:b:c",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		place, _, err := ParseURL(text)
		if err != nil {
			return
		}
		again, user, err := ParseURL(place.URL())
		if err != nil || user != nil {
			t.Fatalf("%q is written %q: %v", text, place.URL(), err)
		}
		if diff := cmp.Diff(place, again); diff != "" {
			t.Fatalf("%q (-first +again):\n%s", text, diff)
		}
	})
}

// No error shows a password, however it is written.
func FuzzURLErrorsHideThePassword(f *testing.F) {
	for _, password := range []string{
		"hunter2pass", "hunter/monkey", "hunter?monkey", "hunter@monkey", "hunter:monkey", "hunter,monkey", "hunter#monkey", "%zzmonkey", "monkey/%",
		"[monkey]", "hunter?master=monkey", "hunter/monkey?x=dragon",
	} {
		for _, host := range []string{"h", "h:99999", "", "h:x", "h/x", "h?x=1", "h/1?master=m"} {
			f.Add(password, host)
		}
	}
	f.Fuzz(func(t *testing.T, password, host string) {
		if len(password) < 4 || strings.Contains(host, password) || strings.Contains(schemeError, password) {
			return
		}
		for _, scheme := range []string{"redis", "redis-sentinel", "redis-cluster"} {
			for _, user := range []string{"", "user"} {
				_, _, err := ParseURL(scheme + "://" + user + ":" + password + "@" + host)
				if err == nil {
					continue
				}
				for part := range strings.FieldsFuncSeq(password, func(r rune) bool { return strings.ContainsRune("/?@:,#[]", r) }) {
					if len(part) >= 6 && strings.Contains(err.Error(), part) && !strings.Contains(host, part) {
						t.Fatalf("%q shows %q", err, part)
					}
				}
			}
		}
	})
}

// Credentials are what stands in the files, without the line's end; a uri is held to what URLs are.
func FuzzCredentials(f *testing.F) {
	f.Add("password", "secret\n")
	f.Add("username", "\r\n")
	f.Add("uri", "redis://u:p@h\n")
	f.Add("uri", "\x00")
	f.Fuzz(func(t *testing.T, name, content string) {
		if name != "username" && name != "password" && name != "uri" {
			return
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		want := strings.TrimRight(content, "\r\n")
		if got, err := readCredential(dir, name); err != nil || got != want {
			t.Fatalf("%q, %v; want %q", got, err, want)
		}
		c := Config{URL: "redis://h", CredentialsDir: dir}
		if _, _, err := c.options(); err != nil && len(want) >= 6 && !strings.Contains(want, "redis") && strings.Contains(err.Error(), url.QueryEscape(want)) {
			t.Fatalf("%v shows the %s", err, name)
		}
	})
}
