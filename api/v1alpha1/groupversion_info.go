// Package v1alpha1 holds the AsyncQueue resource: a Redis-backed job queue
// whose consumers run on Kubernetes.
//
// The types carry everything that the API server needs to refuse a wrong
// manifest: the schema, the defaults and the CEL rules are generated from the
// markers in this package. There is no webhook.
//
// Words: a message is one entry of the queue, a run is one attempt of one
// worker at one message, a worker is one pod of the queue's Deployment.
//
// +kubebuilder:object:generate=true
// +groupName=queue.asyncqueue.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kind is the kind of the resource, as it stands in manifests and owner
// references.
const Kind = "AsyncQueue"

var (
	// GroupVersion is the group and version of every type in this package.
	GroupVersion = schema.GroupVersion{Group: "queue.asyncqueue.dev", Version: "v1alpha1"}

	// SchemeBuilder collects the functions that add this package to a scheme.
	SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

	// AddToScheme adds AsyncQueue and AsyncQueueList to a scheme.
	AddToScheme = SchemeBuilder.AddToScheme
)

func addKnownTypes(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion, &AsyncQueue{}, &AsyncQueueList{})
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}
