//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// defaultPath is what a container has in PATH when nobody says otherwise.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// source reads the objects that a pod refers to. Not-found errors keep their
// API type.
type source interface {
	secret(ctx context.Context, namespace, name string) (map[string][]byte, error)
	configMap(ctx context.Context, namespace, name string) (map[string][]byte, error)
}

// environment collects variables; the last definition of a name wins. Paths
// are rewritten as texts come in, so that nothing is rewritten twice; secrets
// never are.
type environment struct {
	values  map[string]string
	secret  map[string]bool
	rewrite rewriter
}

func newEnvironment(r rewriter) *environment {
	return &environment{values: map[string]string{}, secret: map[string]bool{}, rewrite: r}
}

// set defines a variable as it is.
func (e *environment) set(name, value string, secret bool) {
	e.values[name], e.secret[name] = value, secret
}

// setDefault defines what is not defined yet.
func (e *environment) setDefault(name, value string) {
	if _, ok := e.values[name]; !ok {
		e.set(name, value, false)
	}
}

// word rewrites and expands a text of the pod's specification.
func (e *environment) word(text string) (word string, secret bool) {
	word, secret = expand(e.rewrite.paths(text), e)
	if !secret {
		word = e.rewrite.listen(word)
	}
	return word, secret
}

// list returns NAME=value, sorted.
func (e *environment) list() []string {
	out := make([]string, 0, len(e.values))
	for _, name := range slices.Sorted(maps.Keys(e.values)) {
		out = append(out, name+"="+e.values[name])
	}
	return out
}

// add defines a variable with a value from elsewhere.
func (e *environment) add(name, value string, secret bool) {
	if !secret {
		value = e.rewrite.text(value)
	}
	e.set(name, value, secret)
}

// envOf resolves envFrom and env of a container in their order on top of base.
func envOf(ctx context.Context, f facts, c *corev1.Container, src source, base *environment) error {
	for _, from := range c.EnvFrom {
		if err := envFrom(ctx, f.pod.Namespace, from, src, base); err != nil {
			return err
		}
	}
	for _, v := range c.Env {
		if v.ValueFrom == nil {
			value, secret := base.word(v.Value)
			base.set(v.Name, value, secret)
			continue
		}
		value, found, err := valueFrom(ctx, f, c, v.ValueFrom, src)
		if err != nil {
			return fmt.Errorf("environment variable %q: %w", v.Name, err)
		}
		if found {
			base.add(v.Name, value, v.ValueFrom.SecretKeyRef != nil)
		}
	}
	return nil
}

func envFrom(ctx context.Context, namespace string, from corev1.EnvFromSource, src source, e *environment) error {
	var (
		data     map[string][]byte
		err      error
		optional *bool
	)
	switch {
	case from.SecretRef != nil:
		optional = from.SecretRef.Optional
		data, err = src.secret(ctx, namespace, from.SecretRef.Name)
	case from.ConfigMapRef != nil:
		optional = from.ConfigMapRef.Optional
		data, err = src.configMap(ctx, namespace, from.ConfigMapRef.Name)
	}
	if err != nil {
		return unlessOptional(err, optional)
	}
	for key, value := range data {
		e.add(from.Prefix+key, string(value), from.SecretRef != nil)
	}
	return nil
}

// valueFrom resolves one variable; found is false where an optional source is
// absent, which leaves the variable unset.
func valueFrom(ctx context.Context, f facts, c *corev1.Container, from *corev1.EnvVarSource, src source) (value string, found bool, err error) {
	switch {
	case from.FieldRef != nil:
		value, err = f.field(from.FieldRef.FieldPath)
		return value, err == nil, err
	case from.ResourceFieldRef != nil:
		value, err = f.resource(c, from.ResourceFieldRef)
		return value, err == nil, err
	case from.SecretKeyRef != nil:
		ref := from.SecretKeyRef
		data, err := src.secret(ctx, f.pod.Namespace, ref.Name)
		return keyOf(data, err, ref.Key, "Secret "+ref.Name, ref.Optional)
	case from.ConfigMapKeyRef != nil:
		ref := from.ConfigMapKeyRef
		data, err := src.configMap(ctx, f.pod.Namespace, ref.Name)
		return keyOf(data, err, ref.Key, "ConfigMap "+ref.Name, ref.Optional)
	}
	return "", false, errors.New("its source is not supported by this node")
}

func keyOf(data map[string][]byte, err error, key, object string, optional *bool) (string, bool, error) {
	if err != nil {
		return "", false, unlessOptional(err, optional)
	}
	value, ok := data[key]
	if !ok && (optional == nil || !*optional) {
		return "", false, fmt.Errorf("key %q is not in %s", key, object)
	}
	return string(value), ok, nil
}

// unlessOptional forgives an absent object where the pod allows it.
func unlessOptional(err error, optional *bool) error {
	if optional != nil && *optional && apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// expand replaces $(NAME) by the variable's value and $$ by $; a name that is
// not defined stays as it stands. secret tells that a secret went into it.
func expand(s string, e *environment) (expanded string, secret bool) {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '$' || i+1 == len(s) {
			out.WriteByte(s[i])
			continue
		}
		switch s[i+1] {
		case '$':
			out.WriteByte('$')
			i++
		case '(':
			end := strings.IndexByte(s[i:], ')')
			name := ""
			if end > 0 {
				name = s[i+2 : i+end]
			}
			value, ok := e.values[name]
			if !ok {
				out.WriteByte('$')
				continue
			}
			out.WriteString(value)
			secret = secret || e.secret[name]
			i += end
		default:
			out.WriteByte('$')
		}
	}
	return out.String(), secret
}
