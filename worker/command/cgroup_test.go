package command

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A container's memory as the two versions of control groups tell it.
func TestMemory(t *testing.T) {
	tests := map[string]struct {
		files           map[string]string
		wantUsed, limit int64
		wantErr         error
	}{
		"v2": {map[string]string{
			"memory.max": "1000\n", "memory.current": "700\n", "memory.stat": "anon 500\ninactive_file 150\nactive_file 50\n",
		}, 550, 1000, nil},
		"v2 without a limit": {map[string]string{"memory.max": "max\n"}, 0, 0, errNoLimit},
		"v1": {map[string]string{
			"memory/memory.limit_in_bytes": "1000\n", "memory/memory.usage_in_bytes": "700\n",
			"memory/memory.stat": "inactive_file 1\ntotal_inactive_file 150\n",
		}, 550, 1000, nil},
		"v1 without a limit": {map[string]string{"memory/memory.limit_in_bytes": "9223372036854771712\n"}, 0, 0, errNoLimit},
		"neither":            {nil, 0, 0, os.ErrNotExist},
		"half of it":         {map[string]string{"memory.max": "1000\n", "memory.current": "700\n"}, 0, 0, os.ErrNotExist},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for file, text := range test.files {
				path := filepath.Join(root, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			used, limit, err := memory(root)
			if used != test.wantUsed || limit != test.limit || !errors.Is(err, test.wantErr) {
				t.Errorf("memory = %d of %d, %v; want %d of %d, %v", used, limit, err, test.wantUsed, test.limit, test.wantErr)
			}
		})
	}
}
