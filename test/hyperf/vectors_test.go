package hyperf_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const vectorDir = "../../internal/phpserialize/testdata/hyperf/valid"

// The stand-in's retries of messages that real Hyperf wrote are the bytes that real Hyperf wrote.
func TestStandInRetriesAsHyperfDoes(t *testing.T) {
	for _, name := range []string{
		"demo_scalars", "demo_attempts_1", "demo_nested", "demo_floats", "demo_utf8", "demo_binary", "demo_refs_object",
		"demo_refs_value", "demo_trap", "demo_wide", "example_protected_max",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newChannel(t)
			file := filepath.Join(vectorDir, "f5_"+name)
			c.php(t, nil, 0, "push-file", file+".bin", "pop", "end", "retry").wait()
			want, err := os.ReadFile(file + ".retry.bin")
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.rdb.ZRange(t.Context(), c.name+":delayed", 0, -1).Result()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{string(want)}, got); diff != "" {
				t.Errorf("retried (-Hyperf +stand-in):\n%s", diff)
			}
		})
	}
}
