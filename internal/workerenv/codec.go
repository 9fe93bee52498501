package workerenv

import (
	"fmt"
	"slices"
	"strings"
)

// Pair is one environment variable with its value.
type Pair struct{ Name, Value string }

// Error names the variable, and its flag, that was refused.
type Error struct {
	Variable Variable
	Err      error
}

// Error says which flag is wrong and what it wants.
func (e *Error) Error() string {
	return fmt.Sprintf("reading --%s (%s): %v", e.Variable.Flag(), e.Variable.Name, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Encode returns the variables that make Decode return s, sorted by name. An
// empty text is left out and stands for the default.
func (s Settings) Encode() []Pair {
	var pairs []Pair
	for _, v := range Variables() {
		if text := v.Text(&s); text != "" {
			pairs = append(pairs, Pair{Name: v.Name, Value: text})
		}
	}
	slices.SortFunc(pairs, func(a, b Pair) int { return strings.Compare(a.Name, b.Name) })
	return pairs
}

// Decode reads the variables that lookup (os.LookupEnv, say) knows, over the
// defaults. A variable that is set to nothing counts as absent. The error is an
// *Error. What makes no sense together is left to Validate.
func Decode(lookup func(name string) (string, bool)) (Settings, error) {
	s := Defaults()
	for _, v := range Variables() {
		text, ok := lookup(v.Name)
		if !ok || text == "" {
			continue
		}
		if err := v.Set(&s, text); err != nil {
			return Settings{}, err
		}
	}
	return s, nil
}
