package v1alpha1

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

func page(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/asyncqueue.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestThePageHasEveryField(t *testing.T) {
	text := page(t)
	for _, field := range append(
		fieldsOf(reflect.TypeFor[AsyncQueueSpec]()),
		fieldsOf(reflect.TypeFor[AsyncQueueStatus]())...) {
		if !strings.Contains(text, "`"+field) && !strings.Contains(text, "."+field) {
			t.Errorf("docs/asyncqueue.md does not mention %s", field)
		}
	}
}

// fieldsOf lists the JSON names of a type's fields and of those below that are
// of this package.
func fieldsOf(t reflect.Type) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || !strings.HasSuffix(t.PkgPath(), "/api/v1alpha1") {
		return nil
	}
	var fields []string
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		fields = append(fields, name)
		fields = append(fields, fieldsOf(field.Type)...)
	}
	return fields
}

func TestThePageHasEveryConditionAndReason(t *testing.T) {
	text := page(t)
	file, err := parser.ParseFile(token.NewFileSet(), "conditions.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		found++
		if !strings.Contains(text, "| `"+value+"`") && !strings.Contains(text, "`, `"+value+"`") {
			t.Errorf("docs/asyncqueue.md has no row for %s (%s)", spec.Names[0].Name, value)
		}
		return true
	})
	if found < 30 {
		t.Errorf("found %d conditions and reasons, want all of them", found)
	}
}
