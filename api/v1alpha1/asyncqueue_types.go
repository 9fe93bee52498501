package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AsyncQueue declares a Redis-backed job queue and the workers that consume
// it. The operator turns it into a Deployment named <name>-worker and, where
// timeoutReload is declared, a CronJob named <name>-reload.
//
// Deleting an AsyncQueue stops its workers and leaves its messages in Redis.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=asyncqueues,singular=asyncqueue,scope=Namespaced,shortName=aq,categories=all
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.replicas,statuspath=.status.replicas,selectorpath=.status.selector
// +kubebuilder:printcolumn:name="Channel",type=string,JSONPath=`.status.channel`,description="Channel: what the queue's keys in Redis begin with"
// +kubebuilder:printcolumn:name="Desired",type=integer,JSONPath=`.status.desiredReplicas`,description="Workers that the operator wants"
// +kubebuilder:printcolumn:name="Workers",type=integer,JSONPath=`.status.readyReplicas`,description="Workers that are ready"
// +kubebuilder:printcolumn:name="Waiting",type=integer,JSONPath=`.status.backlog.waiting`,description="Messages that wait for a worker"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`,description="Whether the queue does what its spec asks for"
// +kubebuilder:printcolumn:name="Delayed",type=integer,priority=1,JSONPath=`.status.backlog.delayed`,description="Messages whose time has not come"
// +kubebuilder:printcolumn:name="Reserved",type=integer,priority=1,JSONPath=`.status.backlog.reserved`,description="Messages in hand"
// +kubebuilder:printcolumn:name="Timeout",type=integer,priority=1,JSONPath=`.status.backlog.timeout`,description="Messages that outlived their handle timeout"
// +kubebuilder:printcolumn:name="Failed",type=integer,priority=1,JSONPath=`.status.backlog.failed`,description="Messages that used up their attempts"
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`,description="Why the queue is ready, or is not"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 40",message="metadata.name may have at most 40 characters, since the names of the Deployment and the CronJob derive from it: choose a shorter name"
type AsyncQueue struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata. The name has at most 40
	// characters: the names of the children derive from it.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the queue should be.
	// +required
	Spec AsyncQueueSpec `json:"spec"`

	// status is what the operator last saw. Written by the operator only.
	// +optional
	Status AsyncQueueStatus `json:"status,omitzero"`
}

// AsyncQueueList is a list of AsyncQueues.
//
// +kubebuilder:object:root=true
type AsyncQueueList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// Items are the queues.
	Items []AsyncQueue `json:"items"`
}
