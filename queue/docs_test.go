package queue

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// docs/protocol.md names every key and every script.
func TestTheProtocolIsDocumented(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("..", "docs", "protocol.md"))
	if err != nil {
		t.Fatal(err)
	}
	doc := string(content)
	files, err := fs.Glob(scriptFiles, "scripts/*.lua")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	parts := map[string]bool{"prelude.lua": true, "explain.lua": true, "claim.lua": true} // of other scripts
	for _, file := range files {
		if name := filepath.Base(file); !parts[name] && !strings.Contains(doc, "`"+name+"`") {
			t.Errorf("%s is not mentioned", name)
		}
	}
	all := reflect.ValueOf(newKeys("c"))
	for i := range all.NumField() {
		name := strings.TrimPrefix(all.Field(i).String(), "c:")
		if !strings.Contains(doc, "\n| `"+name) {
			t.Errorf("the key %s is not in the table", name)
		}
	}
}
