package controllers

import (
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/asyncqueue/operator/controllers/desired"
)

// ledger remembers the last answer to each write, until the cache has caught up:
// a reconcile that read older objects would do and say everything twice. The
// zero ledger is empty. It is safe for concurrent use.
type ledger struct {
	mu      sync.Mutex
	objects map[string]client.Object
}

func ledgerKey(o client.Object) string {
	if p, ok := o.(*packed); ok {
		return fmt.Sprintf("%T %s/%s", p.packer.empty(), o.GetNamespace(), o.GetName())
	}
	return fmt.Sprintf("%T %s/%s", o, o.GetNamespace(), o.GetName())
}

// note remembers an object as the API server returned it.
func (l *ledger) note(o client.Object) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.objects == nil {
		l.objects = map[string]client.Object{}
	}
	l.objects[ledgerKey(o)] = o
}

// forget drops what was written for a queue.
func (l *ledger) forget(queue types.NamespacedName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, o := range l.objects {
		name := o.GetName()
		if o.GetNamespace() == queue.Namespace && (name == queue.Name || name == desired.DeploymentName(queue.Name) || name == desired.CronJobName(queue.Name)) {
			delete(l.objects, key)
		}
	}
}

// newest returns a copy of what was written where that is newer than cached, else
// cached, and then remembers it no longer.
func newest[T client.Object](l *ledger, cached T) T {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := ledgerKey(cached)
	held, ok := l.objects[key].(T)
	if !ok || held.GetUID() != cached.GetUID() {
		return cached
	}
	if order, err := resourceversion.CompareResourceVersion(held.GetResourceVersion(), cached.GetResourceVersion()); err != nil || order <= 0 {
		delete(l.objects, key) // the cache has caught up
		return cached
	}
	return held.DeepCopyObject().(T)
}
