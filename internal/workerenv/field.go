package workerenv

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

type duration = time.Duration

// The kinds of values, as usage lines name them.
const (
	kindText    = "text"
	kindNumber  = "number"
	kindSeconds = "seconds"
	kindBool    = "bool"
)

// field converts one field of Settings to and from text.
type field struct {
	kind  string
	text  func(*Settings) string
	parse func(*Settings, string) error
}

func textField(at func(*Settings) *string) field {
	return field{
		kind:  kindText,
		text:  func(s *Settings) string { return *at(s) },
		parse: func(s *Settings, text string) error { *at(s) = text; return nil },
	}
}

func numberField(at func(*Settings) *int) field {
	return field{
		kind: kindNumber,
		text: func(s *Settings) string { return strconv.Itoa(*at(s)) },
		parse: func(s *Settings, text string) error {
			n, err := strconv.Atoi(text)
			if err != nil {
				return fmt.Errorf("want a whole number, not %q", text)
			}
			*at(s) = n
			return nil
		},
	}
}

// optionalNumberField is a numberField whose zero is written as absence: a setting
// of a newer version leaves the environment of those who do not use it as it was.
func optionalNumberField(at func(*Settings) *int) field {
	f := numberField(at)
	f.text = func(s *Settings) string {
		if *at(s) == 0 {
			return ""
		}
		return strconv.Itoa(*at(s))
	}
	return f
}

func boolField(at func(*Settings) *bool) field {
	return field{
		kind: kindBool,
		text: func(s *Settings) string {
			if *at(s) {
				return "true"
			}
			return ""
		},
		parse: func(s *Settings, text string) error {
			b, err := strconv.ParseBool(text)
			if err != nil {
				return fmt.Errorf("want true or false, not %q", text)
			}
			*at(s) = b
			return nil
		},
	}
}

func secondsField(at func(*Settings) *duration) field {
	return field{
		kind: kindSeconds,
		text: func(s *Settings) string { return formatSeconds(*at(s)) },
		parse: func(s *Settings, text string) error {
			d, err := parseSeconds(text)
			if err != nil {
				return err
			}
			*at(s) = d
			return nil
		},
	}
}

// optionalSecondsField is a secondsField whose zero is written as absence.
func optionalSecondsField(at func(*Settings) *duration) field {
	f := secondsField(at)
	f.text = func(s *Settings) string {
		if *at(s) == 0 {
			return ""
		}
		return formatSeconds(*at(s))
	}
	return f
}

func secondsListField(at func(*Settings) *[]duration) field {
	return field{
		kind: kindSeconds,
		text: func(s *Settings) string {
			if len(*at(s)) == 0 {
				return emptyList
			}
			words := make([]string, 0, len(*at(s)))
			for _, d := range *at(s) {
				words = append(words, formatSeconds(d))
			}
			return strings.Join(words, ",")
		},
		parse: func(s *Settings, text string) error {
			list, err := parseSecondsList(text)
			if err != nil {
				return err
			}
			*at(s) = list
			return nil
		},
	}
}

// emptyList stands for a list without entries: an empty text would mean that
// the variable is not set.
const emptyList = "[]"

func parseSecondsList(text string) ([]duration, error) {
	if text == emptyList {
		return nil, nil
	}
	var list []duration
	for word := range strings.SplitSeq(text, ",") {
		d, err := parseSeconds(strings.TrimSpace(word))
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}

func wordsField(at func(*Settings) *[]string) field {
	return field{
		kind: kindText,
		text: func(s *Settings) string {
			if len(*at(s)) == 0 {
				return ""
			}
			text, _ := json.Marshal(*at(s)) // strings always encode
			return string(text)
		},
		parse: func(s *Settings, text string) error {
			if !strings.HasPrefix(strings.TrimSpace(text), "[") {
				*at(s) = strings.Fields(text)
				return nil
			}
			var words []string
			if err := json.Unmarshal([]byte(text), &words); err != nil {
				return fmt.Errorf("want words or a JSON array of strings: %w", err)
			}
			*at(s) = words
			return nil
		},
	}
}

func choiceField[T ~string](at func(*Settings) *T, choices ...T) field {
	return field{
		kind: kindText,
		text: func(s *Settings) string { return string(*at(s)) },
		parse: func(s *Settings, text string) error {
			if !slices.Contains(choices, T(text)) {
				return fmt.Errorf("want %s, not %q", join(choices), text)
			}
			*at(s) = T(text)
			return nil
		},
	}
}

// join lists choices as "a, b or c".
func join[T ~string](choices []T) string {
	words := make([]string, len(choices))
	for i, c := range choices {
		words[i] = string(c)
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// formatSeconds writes whole seconds without a point, and parts to the
// nanosecond.
func formatSeconds(d duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
}

// parseSeconds reads a number of seconds, whole or with a fraction.
func parseSeconds(text string) (duration, error) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || math.Abs(n) > float64(math.MaxInt64)/float64(time.Second)/2 {
		return 0, fmt.Errorf("want a number of seconds, not %q", text)
	}
	return duration(math.Round(n * float64(time.Second))), nil
}
