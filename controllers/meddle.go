package controllers

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// evictPause is how long a child is left alone after what others had put into its
// spec was taken out: another controller may put it back each time.
const evictPause = time.Minute

// meddlers are the entries of those who put something of their own into the spec
// of a child by an update, as `kubectl set env`, `kubectl edit` and `kubectl
// rollout pause` do. What they changed of our fields shows by itself; what they
// added does not, since it contradicts nothing. Not counted are status and scale,
// who applies server-side on purpose, and annotations of the pod template, with
// which `kubectl rollout restart` restarts pods.
func meddlers(entries []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
	var list []metav1.ManagedFieldsEntry
	for _, e := range entries {
		if e.Manager != FieldManager && e.Operation == metav1.ManagedFieldsOperationUpdate && e.Subresource == "" && ownsSpec(e.FieldsV1) {
			list = append(list, metav1.ManagedFieldsEntry{Manager: e.Manager, Operation: e.Operation})
		}
	}
	return list
}

// ownsSpec says that the fields hold more of the spec than annotations of the pod
// template. No fields are those of a meddler from the cache.
func ownsSpec(fields *metav1.FieldsV1) bool {
	if fields == nil {
		return true
	}
	var owned map[string]any
	if json.Unmarshal(fields.GetRawBytes(), &owned) != nil {
		return false
	}
	return ownsMoreThan(owned, "f:spec", "f:template", "f:metadata", "f:annotations")
}

// ownsMoreThan says that below the first step there is anything beside the path.
func ownsMoreThan(fields map[string]any, path ...string) bool {
	inner, ok := fields[path[0]].(map[string]any)
	if !ok {
		return false
	}
	if len(path) == 1 {
		return false
	}
	others := len(inner)
	for _, name := range []string{".", path[1]} {
		if _, has := inner[name]; has {
			others--
		}
	}
	return others > 0 || ownsMoreThan(inner, path[1:]...)
}

// evict makes what others put into the spec of live ours, so that the apply that
// follows removes it. The object is read anew: the cache does not hold its fields'
// owners.
func (r *Reconciler) evict(ctx context.Context, live, fresh client.Object) error {
	if err := r.Reader.Get(ctx, client.ObjectKeyFromObject(live), fresh); err != nil {
		return fmt.Errorf("reading %q: %w", live.GetName(), err)
	}
	names := sets.New[string]()
	for _, e := range meddlers(fresh.GetManagedFields()) {
		names.Insert(e.Manager)
	}
	if fresh.GetUID() != live.GetUID() || names.Len() == 0 {
		return nil
	}
	patch, err := csaupgrade.UpgradeManagedFieldsPatch(fresh, names, FieldManager)
	if err != nil {
		return fmt.Errorf("taking over the fields of %q: %w", live.GetName(), err)
	}
	if err := r.Client.Patch(ctx, fresh, client.RawPatch(types.JSONPatchType, patch), client.FieldOwner(FieldManager)); err != nil {
		return fmt.Errorf("taking over the fields of %q: %w", live.GetName(), err)
	}
	return nil
}

// eviction is the last one from a child's spec.
type eviction struct {
	at time.Time
	// isOpen says that what was made ours is yet to be removed by an apply. Nothing
	// else tells: it contradicts nothing, and is no meddler's any more.
	isOpen bool
}

// isMeddledWith says that it is time to evict.
func (r *Reconciler) isMeddledWith(m *memory, kind string, live client.Object) bool {
	return len(meddlers(live.GetManagedFields())) > 0 && r.Clock().Sub(m.evicted[kind].at) >= evictPause
}

// nextEviction is when what stands in a child's spec again may be taken out; zero:
// nothing does.
func (m *memory) nextEviction(kind string, live client.Object) time.Time {
	if len(meddlers(live.GetManagedFields())) == 0 {
		return time.Time{}
	}
	return m.evicted[kind].at.Add(evictPause)
}
