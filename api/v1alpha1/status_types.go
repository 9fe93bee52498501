package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AsyncQueueStatus is what the operator last saw.
type AsyncQueueStatus struct {
	// observedGeneration is the metadata.generation that the rest of the
	// status is about.
	// +kubebuilder:validation:Minimum=0
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// channel is the channel in use: spec.channel, or its default.
	// +kubebuilder:validation:MaxLength=330
	// +optional
	Channel string `json:"channel,omitempty"`

	// replicas is how many worker pods there are.
	// +optional
	Replicas int32 `json:"replicas"`

	// readyReplicas is how many worker pods are ready: connected to Redis and
	// consuming.
	// +optional
	ReadyReplicas int32 `json:"readyReplicas"`

	// desiredReplicas is how many worker pods the operator wants.
	// +optional
	DesiredReplicas int32 `json:"desiredReplicas"`

	// selector is the label selector of the worker pods, in the text form that
	// the scale subresource needs.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Selector string `json:"selector,omitempty"`

	// backlog is how many messages stand in each state. Absent until Redis was
	// reached once.
	// +optional
	Backlog *Backlog `json:"backlog,omitempty"`

	// lastScaleTime is when the operator last changed the number of workers.
	// +optional
	LastScaleTime *metav1.Time `json:"lastScaleTime,omitempty"`

	// lastScaleReason says why: a word, and the arithmetic in a sentence.
	// +kubebuilder:validation:MaxLength=256
	// +optional
	LastScaleReason string `json:"lastScaleReason,omitempty"`

	// conditions are the judgements on the queue; see docs/asyncqueue.md for
	// each type and reason.
	// +kubebuilder:validation:MaxItems=32
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Backlog is how many messages stand in each state. It is refreshed at once
// when a state becomes empty or stops being empty, else at most every 30
// seconds; exact numbers at every moment are in the metrics.
type Backlog struct {
	// waiting is how many messages wait for a worker.
	// +optional
	Waiting int64 `json:"waiting"`

	// delayed is how many messages wait for their time.
	// +optional
	Delayed int64 `json:"delayed"`

	// reserved is how many messages are in hand and inside their handle
	// timeout.
	// +optional
	Reserved int64 `json:"reserved"`

	// timeout is how many messages outlived their handle timeout.
	// +optional
	Timeout int64 `json:"timeout"`

	// failed is how many messages used up their attempts or could not be
	// decoded.
	// +optional
	Failed int64 `json:"failed"`

	// observedAt is when these numbers were read from Redis.
	// +optional
	ObservedAt metav1.Time `json:"observedAt,omitzero"`
}
