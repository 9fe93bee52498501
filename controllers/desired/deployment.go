package desired

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
)

const (
	metricsPort     = 8080
	metricsPortName = "metrics"
	// graceMargin is how many seconds a pod gets beyond its drain: for the last
	// answers to Redis, and for the kubelet to deliver the signal.
	graceMargin = 10
	// progressDeadline is how many seconds a rollout may stand still before the
	// Deployment says so. It only reports: nothing is rolled back.
	progressDeadline = 120
	historyLimit     = 3
)

// Deployment builds the worker Deployment. An error means that the queue's
// template cannot be merged.
func Deployment(in Input) (*appsv1.Deployment, error) {
	template, err := mergeTemplate(workerTemplate(in), in.Queue.Spec.Template)
	if err != nil {
		return nil, fmt.Errorf("merging spec.template: %w", err)
	}
	q := in.Queue
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: appsv1.SchemeGroupVersion.String(), Kind: "Deployment"},
		ObjectMeta: in.objectMeta(DeploymentName(q.Name), ComponentWorker),
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To(in.Replicas),
			Selector: &metav1.LabelSelector{MatchLabels: Selector(q.Name)},
			Template: template,
			Strategy: appsv1.DeploymentStrategy{
				Type: appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{
					MaxUnavailable: ptr.To(intstr.FromInt32(0)),
					MaxSurge:       ptr.To(intstr.FromString("25%")),
				},
			},
			RevisionHistoryLimit:    ptr.To[int32](historyLimit),
			ProgressDeadlineSeconds: ptr.To[int32](progressDeadline),
		},
	}, nil
}

// workerTemplate is the pod before the user's template is merged over it.
func workerTemplate(in Input) corev1.PodTemplateSpec {
	q, files := in.Queue, redisFiles(in.Redis)
	annotations := map[string]string{annotationDefaultContainer: queuev1alpha1.WorkerContainer}
	if in.Redis.SecretsDigest != "" {
		annotations[AnnotationSecrets] = in.Redis.SecretsDigest
	}
	spec := podSpec(files)
	spec.TerminationGracePeriodSeconds = ptr.To(int64(q.Spec.Timeouts.EffectiveDrainSeconds()) + graceMargin)
	spec.Containers = []corev1.Container{{
		Name:  queuev1alpha1.WorkerContainer,
		Image: in.WorkerImage,
		Env:   workerEnv(in),
		Ports: []corev1.ContainerPort{{Name: metricsPortName, ContainerPort: metricsPort, Protocol: corev1.ProtocolTCP}},
		// A worker is alive while its loop turns, and that is never Redis's doing:
		// a restart would not help against a slow Redis.
		LivenessProbe:            probe("/livez", 10, 3),
		ReadinessProbe:           probe("/readyz", 1, 5),
		SecurityContext:          containerSecurity(),
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		VolumeMounts:             files.mounts,
	}}
	if h := q.Spec.Handler; h != nil && h.Exec != nil && h.Exec.Image != "" {
		bringWorker(&spec, h.Exec.Image, in.WorkerImage)
	}
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: Labels(q.Name, ComponentWorker), Annotations: annotations},
		Spec:       spec,
	}
}

func probe(path string, period, failures int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Path: path, Port: intstr.FromString(metricsPortName), Scheme: corev1.URISchemeHTTP,
		}},
		PeriodSeconds:    period,
		TimeoutSeconds:   2,
		FailureThreshold: failures,
	}
}
