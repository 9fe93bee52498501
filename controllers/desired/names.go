package desired

import (
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Labels and annotations of the operator's children. The selector of the worker
// Deployment is made of constants and the queue's name, since a selector can
// never change.
const (
	LabelName      = "app.kubernetes.io/name"
	LabelInstance  = "app.kubernetes.io/instance"
	LabelComponent = "app.kubernetes.io/component"
	LabelManagedBy = "app.kubernetes.io/managed-by"
	LabelQueue     = "queue.asyncqueue.dev/queue"

	// ManagedBy is the value of LabelManagedBy on every child.
	ManagedBy = "asyncqueue-operator"
	// ComponentWorker and ComponentReload are the values of LabelComponent.
	ComponentWorker = "worker"
	ComponentReload = "timeout-reload"

	// AnnotationSecrets on the pod template changes with the content of the
	// Secrets that the pods use, so that a rotation rolls them.
	AnnotationSecrets = "queue.asyncqueue.dev/secrets"
	// AnnotationApplied on a child is the digest of what was applied. It shows
	// that the operator wants something else now, fields that went away included.
	AnnotationApplied = "queue.asyncqueue.dev/applied"

	annotationDefaultContainer = "kubectl.kubernetes.io/default-container"
	appName                    = "asyncqueue"
)

// DeploymentName is the name of a queue's worker Deployment.
func DeploymentName(queue string) string { return queue + "-worker" }

// CronJobName is the name of a queue's reload CronJob. A CronJob's name may have
// 52 characters; a queue's has at most 40.
func CronJobName(queue string) string { return queue + "-reload" }

// Labels are the labels of a queue's child, and of its pods.
func Labels(queue, component string) map[string]string {
	return map[string]string{
		LabelName:      appName,
		LabelInstance:  queue,
		LabelComponent: component,
		LabelManagedBy: ManagedBy,
		LabelQueue:     queue,
	}
}

// Selector selects the worker pods of a queue in its namespace.
func Selector(queue string) map[string]string {
	return map[string]string{
		LabelName:      appName,
		LabelComponent: ComponentWorker,
		LabelQueue:     queue,
	}
}

// SelectorText is Selector in the text form of the scale subresource.
func SelectorText(queue string) string {
	return metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: Selector(queue)})
}

// over returns the entries of both maps; those of top win.
func over(top, bottom map[string]string) map[string]string {
	merged := maps.Clone(bottom)
	if merged == nil {
		merged = map[string]string{}
	}
	maps.Copy(merged, top)
	return merged
}
