//go:build linux

package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// apiSource reads Secrets and ConfigMaps from the API server, uncached.
type apiSource struct {
	client kubernetes.Interface
}

func (a apiSource) secret(ctx context.Context, namespace, name string) (map[string][]byte, error) {
	s, err := a.client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err // the API's own sentence names the object
	}
	return s.Data, nil
}

func (a apiSource) configMap(ctx context.Context, namespace, name string) (map[string][]byte, error) {
	c, err := a.client.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	data := make(map[string][]byte, len(c.Data)+len(c.BinaryData))
	for key, value := range c.Data {
		data[key] = []byte(value)
	}
	for key, value := range c.BinaryData {
		data[key] = value
	}
	return data, nil
}

// apiTokens asks the API server for tokens bound to one pod and keeps each
// until a fifth of its life is left. Safe for concurrent use.
type apiTokens struct {
	client kubernetes.Interface
	now    func() time.Time

	mu   sync.Mutex
	kept map[string]keptToken // by audience
}

type keptToken struct {
	token string
	renew time.Time
}

func newTokens(client kubernetes.Interface) *apiTokens {
	return &apiTokens{client: client, now: time.Now, kept: map[string]keptToken{}}
}

func (a *apiTokens) token(ctx context.Context, pod *corev1.Pod, audience string, seconds int64) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if k, ok := a.kept[audience]; ok && now.Before(k.renew) {
		return k.token, nil
	}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: &seconds,
		BoundObjectRef:    &authenticationv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: pod.Name, UID: pod.UID},
	}}
	if audience != "" {
		request.Spec.Audiences = []string{audience}
	}
	got, err := a.client.CoreV1().ServiceAccounts(pod.Namespace).CreateToken(ctx, pod.Spec.ServiceAccountName, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("requesting a token: %w", err)
	}
	life := got.Status.ExpirationTimestamp.Sub(now)
	a.kept[audience] = keptToken{token: got.Status.Token, renew: now.Add(life * 4 / 5)}
	return got.Status.Token, nil
}
