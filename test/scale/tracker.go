package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
)

// tracker watches what the operator makes of the queues.
type tracker struct {
	// stale is told of Deployments whose status does not say that all is ready.
	stale func(*appsv1.Deployment)

	mu sync.Mutex
	// queues and workers are keyed by the queue.
	queues  map[types.NamespacedName]sight
	workers map[types.NamespacedName]int32
	// shrunk tells of Deployments that were scaled in.
	shrunk []string
	// writes counts the changes of AsyncQueues' status by Unix second.
	writes map[int64]int
}

// sight is what a queue's status says.
type sight struct {
	ready, reachable bool
	reason           string
}

func newTracker() *tracker {
	return &tracker{
		queues: map[types.NamespacedName]sight{}, workers: map[types.NamespacedName]int32{}, writes: map[int64]int{},
	}
}

// watch fills the tracker until ctx ends.
func (t *tracker) watch(ctx context.Context, k *cluster) error {
	c, err := cache.New(k.admin, cache.Options{Scheme: k.scheme, DefaultTransform: cache.TransformStripManagedFields()})
	if err != nil {
		return err
	}
	for object, handle := range map[client.Object]func(old, now any){
		&queuev1alpha1.AsyncQueue{}: t.queue, &appsv1.Deployment{}: t.deployment,
	} {
		informer, err := c.GetInformer(ctx, object, cache.BlockUntilSynced(false))
		if err != nil {
			return err
		}
		if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
			AddFunc: func(now any) { handle(nil, now) }, UpdateFunc: handle,
		}); err != nil {
			return err
		}
	}
	go func() { _ = c.Start(ctx) }()
	if !c.WaitForCacheSync(ctx) {
		return ctx.Err()
	}
	return nil
}

func (t *tracker) queue(old, now any) {
	q := now.(*queuev1alpha1.AsyncQueue)
	s := sight{}
	if c := meta.FindStatusCondition(q.Status.Conditions, queuev1alpha1.ConditionReady); c != nil {
		s.ready, s.reason = c.Status == metav1.ConditionTrue && q.Status.ObservedGeneration == q.Generation, c.Reason
	}
	s.reachable = meta.IsStatusConditionTrue(q.Status.Conditions, queuev1alpha1.ConditionQueueReachable)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queues[client.ObjectKeyFromObject(q)] = s
	if before, ok := old.(*queuev1alpha1.AsyncQueue); ok && before.ResourceVersion != q.ResourceVersion && before.Generation == q.Generation {
		t.writes[time.Now().Unix()]++
	}
}

func (t *tracker) deployment(old, now any) {
	d := now.(*appsv1.Deployment)
	key := types.NamespacedName{Namespace: d.Namespace, Name: strings.TrimSuffix(d.Name, "-worker")}
	replicas := ptr.Deref(d.Spec.Replicas, 1)
	t.mu.Lock()
	if before, ok := t.workers[key]; ok && replicas < before {
		t.shrunk = append(t.shrunk, fmt.Sprintf("%s from %d to %d", key, before, replicas))
	}
	t.workers[key] = replicas
	t.mu.Unlock()
	if d.Status.ObservedGeneration != d.Generation || d.Status.ReadyReplicas != replicas {
		t.stale(d)
	}
	_ = old
}

// ready counts the queues that are.
func (t *tracker) ready() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for key, s := range t.queues {
		if _, has := t.workers[key]; has && s.ready {
			n++
		}
	}
	return n
}

func (t *tracker) sight(queue types.NamespacedName) sight {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.queues[queue]
}

func (t *tracker) replicas(queue types.NamespacedName) int32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.workers[queue]
}

// haveAll says that each of the queues has all the workers that it may have.
func (t *tracker) haveAll(queues []types.NamespacedName) bool {
	for _, q := range queues {
		if t.replicas(q) != most {
			return false
		}
	}
	return true
}

// forgetShrunk begins to look for scale-ins anew.
func (t *tracker) forgetShrunk() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.shrunk = nil
}

// shrunkOf are the scale-ins of queues whose key holds the text.
func (t *tracker) shrunkOf(queues []types.NamespacedName) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []string
	for _, line := range t.shrunk {
		for _, q := range queues {
			if strings.HasPrefix(line, q.String()+" ") {
				list = append(list, line)
			}
		}
	}
	return list
}

// statusWrites are the changes of status in each whole second since.
func (t *tracker) statusWrites(since time.Time) (mean float64, worst int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	total, seconds := 0, 0
	for second := since.Unix() + 1; second < time.Now().Unix(); second++ {
		n := t.writes[second]
		total, worst = total+n, max(worst, n)
		seconds++
	}
	return float64(total) / float64(max(1, seconds)), worst
}

// changes is how often a status changed since the tracker began.
func (t *tracker) changes() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	total := 0
	for _, n := range t.writes {
		total += n
	}
	return total
}
