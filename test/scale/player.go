package main

import (
	"context"
	"fmt"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// player does what the Deployment controller and the kubelets would do: all pods
// are there and ready, at once.
type player struct {
	client client.Client
	queue  workqueue.TypedRateLimitingInterface[types.NamespacedName]

	mu    sync.Mutex
	wants map[types.NamespacedName]wish
}

// wish is a status to write: at generation, with so many pods.
type wish struct {
	generation int64
	replicas   int32
}

func newPlayer(c client.Client) *player {
	return &player{
		client: c, wants: map[types.NamespacedName]wish{},
		queue: workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[types.NamespacedName]()),
	}
}

// play takes a Deployment that is not ready.
func (p *player) play(d *appsv1.Deployment) {
	key := client.ObjectKeyFromObject(d)
	p.mu.Lock()
	p.wants[key] = wish{d.Generation, ptr.Deref(d.Spec.Replicas, 1)}
	p.mu.Unlock()
	p.queue.Add(key)
}

// run writes until ctx ends.
func (p *player) run(ctx context.Context) {
	for range creators {
		go func() {
			for p.next(ctx) {
			}
		}()
	}
	go func() {
		<-ctx.Done()
		p.queue.ShutDown()
	}()
}

func (p *player) next(ctx context.Context) bool {
	key, ended := p.queue.Get()
	if ended {
		return false
	}
	defer p.queue.Done(key)
	p.mu.Lock()
	want := p.wants[key]
	p.mu.Unlock()
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
	patch := fmt.Appendf(nil, `{"status":{"observedGeneration":%d,"replicas":%[2]d,"updatedReplicas":%[2]d,"readyReplicas":%[2]d,"availableReplicas":%[2]d}}`,
		want.generation, want.replicas)
	if err := p.client.Status().Patch(ctx, d, client.RawPatch(types.MergePatchType, patch)); client.IgnoreNotFound(err) != nil {
		p.queue.AddRateLimited(key)
		return true
	}
	p.queue.Forget(key)
	return true
}
