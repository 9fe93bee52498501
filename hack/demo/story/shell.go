package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// chapter prints a heading.
func chapter(title string) { fmt.Printf("\n\033[1m== %s\033[0m\n", title) }

// sayf prints a line.
func sayf(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// show prints a command as one would type it, and runs it.
func show(ctx context.Context, program string, args ...string) error {
	typed := make([]string, 0, len(args)+1)
	for _, word := range append([]string{program}, args...) {
		typed = append(typed, quote(word))
	}
	fmt.Printf("\033[36m$ %s\033[0m\n", strings.Join(typed, " "))
	command := exec.CommandContext(ctx, program, args...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("running %s: %w", strings.Join(typed, " "), err)
	}
	return nil
}

// output runs a command quietly and returns what it printed.
func output(ctx context.Context, program string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, program, args...).Output()
	return string(out), err
}

// quote writes a word so that a shell reads it back as it is.
func quote(word string) string {
	if word != "" && !strings.ContainsAny(word, " \t\n'\"\\$&;|<>(){}*?[]~`#!") {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
