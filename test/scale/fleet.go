package main

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
)

const (
	// perNamespace is how many queues share a namespace.
	perNamespace = 50
	// creators is how many requests of ours are under way at once.
	creators = 8
	// most is how many workers a queue that scales may have, backlog how many
	// messages call for all of them.
	most, backlog = 10, 500
)

// spec is what the queue number n asks for: one half scales from zero, the other
// has one worker; a tenth reloads; a fifth has a Secret of its own.
func spec(n int) queuev1alpha1.AsyncQueueSpec {
	s := queuev1alpha1.AsyncQueueSpec{Handler: &queuev1alpha1.Handler{HTTP: &queuev1alpha1.HTTPHandler{URL: "http://127.0.0.1:8080/jobs"}}}
	if scales(n) {
		s.Replicas = ptr.To[int32](0)
		s.Autoscaling = &queuev1alpha1.Autoscaling{MaxReplicas: most, IdleSeconds: ptr.To[int32](5)}
	}
	if n%10 == 1 {
		s.TimeoutReload = &queuev1alpha1.TimeoutReload{Schedule: "@hourly"}
	}
	return s
}

func scales(n int) bool    { return n%2 == 0 }
func hasSecret(n int) bool { return n%5 == 4 }

// nameOf is the name of the queue number n.
func nameOf(n int) types.NamespacedName {
	return types.NamespacedName{Namespace: fmt.Sprintf("scale-%03d", n/perNamespace), Name: fmt.Sprintf("queue-%05d", n)}
}

func secretOf(n int) string { return nameOf(n).Name + "-redis" }

// settle makes the namespaces and Secrets of so many queues. A Secret holds the
// address in redis.
func (k *cluster) settle(ctx context.Context, size int, redis string) error {
	for n := 0; n < size; n += perNamespace {
		if err := k.client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: nameOf(n).Namespace}}); err != nil {
			return fmt.Errorf("creating a namespace: %w", err)
		}
	}
	return atOnce(ctx, size, func(ctx context.Context, n int) error {
		if !hasSecret(n) {
			return nil
		}
		s := &corev1.Secret{StringData: map[string]string{queuev1alpha1.SecretKeyURI: "redis://" + redis + "/0"}}
		s.Namespace, s.Name = nameOf(n).Namespace, secretOf(n)
		return k.client.Create(ctx, s)
	})
}

// populate makes the queues.
func (k *cluster) populate(ctx context.Context, size int) error {
	return atOnce(ctx, size, func(ctx context.Context, n int) error {
		q := &queuev1alpha1.AsyncQueue{Spec: spec(n)}
		q.Namespace, q.Name = nameOf(n).Namespace, nameOf(n).Name
		if hasSecret(n) {
			q.Spec.Redis = &queuev1alpha1.Redis{CredentialsSecretRef: &queuev1alpha1.SecretRef{Name: secretOf(n)}}
		}
		return k.client.Create(ctx, q)
	})
}

// populateAt makes queues that scale from zero, one on each Redis address, in one
// namespace.
func (k *cluster) populateAt(ctx context.Context, namespace string, addresses []string) error {
	if err := k.client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return fmt.Errorf("creating a namespace: %w", err)
	}
	return atOnce(ctx, len(addresses), func(ctx context.Context, n int) error {
		q := &queuev1alpha1.AsyncQueue{Spec: spec(0)}
		q.Namespace, q.Name = namespace, fmt.Sprintf("queue-%05d", n)
		q.Spec.Redis = &queuev1alpha1.Redis{Addresses: []string{addresses[n]}}
		return k.client.Create(ctx, q)
	})
}

// populateLost makes queues whose Secrets do not exist.
func (k *cluster) populateLost(ctx context.Context, namespace string, size int) error {
	if err := k.client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return fmt.Errorf("creating a namespace: %w", err)
	}
	return atOnce(ctx, size, func(ctx context.Context, n int) error {
		q := &queuev1alpha1.AsyncQueue{Spec: spec(0)}
		q.Namespace, q.Name = namespace, fmt.Sprintf("queue-%05d", n)
		q.Spec.Redis = &queuev1alpha1.Redis{CredentialsSecretRef: &queuev1alpha1.SecretRef{Name: "missing-" + q.Name}}
		return k.client.Create(ctx, q)
	})
}

// channelOf is the queue's channel, which its spec leaves to the default.
func channelOf(name types.NamespacedName) string {
	return (&queuev1alpha1.AsyncQueue{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}).EffectiveChannel()
}

func atOnce(ctx context.Context, size int, do func(context.Context, int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(creators)
	for n := range size {
		group.Go(func() error { return do(ctx, n) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("creating objects: %w", client.IgnoreAlreadyExists(err))
	}
	return nil
}
