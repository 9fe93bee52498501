package desired

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/utils/ptr"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/internal/workerenv"
)

// mergeTemplate merges the user's template over ours as a strategic merge patch:
// lists of named things by name, maps by key. What the operator answers for is
// put back afterwards, whatever the template says.
func mergeTemplate(ours corev1.PodTemplateSpec, user *corev1.PodTemplateSpec) (corev1.PodTemplateSpec, error) {
	if user == nil {
		return ours, nil
	}
	original, err := json.Marshal(ours)
	if err != nil {
		return ours, fmt.Errorf("writing the operator's template: %w", err)
	}
	patch, err := templatePatch(user)
	if err != nil {
		return ours, err
	}
	raw, err := strategicpatch.StrategicMergePatch(original, patch, corev1.PodTemplateSpec{})
	if err != nil {
		return ours, fmt.Errorf("applying it over the operator's template: %w", err)
	}
	var merged corev1.PodTemplateSpec
	if err := json.Unmarshal(raw, &merged); err != nil {
		return ours, fmt.Errorf("reading the merged template: %w", err)
	}
	protect(&merged, ours)
	return merged, nil
}

// templatePatch is the user's template, reduced to what may be set, without the
// nulls that stand for absent fields in Go's encoding and would delete ours.
func templatePatch(user *corev1.PodTemplateSpec) ([]byte, error) {
	template := user.DeepCopy()
	template.ObjectMeta = metav1.ObjectMeta{Labels: template.Labels, Annotations: template.Annotations}
	for i, c := range template.Spec.Containers {
		if c.Name == queuev1alpha1.WorkerContainer {
			template.Spec.Containers[i] = settable(c)
		}
	}
	fields, err := toMap(template)
	if err != nil {
		return nil, err
	}
	patch, err := json.Marshal(withoutNulls(fields))
	if err != nil {
		return nil, fmt.Errorf("writing the template: %w", err)
	}
	return patch, nil
}

// settable is what a template may say about the worker's container.
func settable(c corev1.Container) corev1.Container {
	return corev1.Container{
		Name:         c.Name,
		Image:        c.Image,
		Resources:    c.Resources,
		EnvFrom:      c.EnvFrom,
		VolumeMounts: slices.DeleteFunc(slices.Clone(c.VolumeMounts), isOurMount),
		Env:          userEnv(c.Env),
	}
}

// isOurMount says that a path holds files that the worker reads. /tmp is not one
// of them: a template may bring its own.
func isOurMount(m corev1.VolumeMount) bool {
	return m.MountPath == credentialsPath || m.MountPath == tlsPath || m.MountPath == programPath
}

// userEnv drops the worker's own variables; of two with one name, the last one
// counts, as it does in a container.
func userEnv(env []corev1.EnvVar) []corev1.EnvVar {
	var kept []corev1.EnvVar
	for _, v := range env {
		if strings.HasPrefix(v.Name, workerenv.Prefix) {
			continue
		}
		kept = slices.DeleteFunc(kept, func(k corev1.EnvVar) bool { return k.Name == v.Name })
		kept = append(kept, v)
	}
	return kept
}

// protect puts back what the operator answers for: labels that the selector
// needs, its annotations, its volumes, and a grace period that covers the drain.
func protect(merged *corev1.PodTemplateSpec, ours corev1.PodTemplateSpec) {
	merged.Labels = over(ours.Labels, merged.Labels)
	merged.Annotations = over(ours.Annotations, merged.Annotations)
	grace := max(ptr.Deref(merged.Spec.TerminationGracePeriodSeconds, 0), *ours.Spec.TerminationGracePeriodSeconds)
	merged.Spec.TerminationGracePeriodSeconds = &grace
	merged.Spec.Volumes = withOurs(merged.Spec.Volumes, ours.Spec.Volumes, func(v corev1.Volume) string { return v.Name })

	merged.Spec.InitContainers = withOurs(merged.Spec.InitContainers, ours.Spec.InitContainers, func(c corev1.Container) string { return c.Name })

	worker := slices.IndexFunc(merged.Spec.Containers, isWorker)
	if worker < 0 {
		return
	}
	c := &merged.Spec.Containers[worker]
	c.Env = withOurs(c.Env, ours.Spec.Containers[0].Env, func(v corev1.EnvVar) string { return v.Name })
	// The worker comes first, for the people who read the pod.
	first := merged.Spec.Containers[worker]
	merged.Spec.Containers = append([]corev1.Container{first}, slices.Delete(merged.Spec.Containers, worker, worker+1)...)
}

func isWorker(c corev1.Container) bool { return c.Name == queuev1alpha1.WorkerContainer }

// withOurs returns our items, then the others in their order, without those that
// have the name of one of ours.
func withOurs[T any](merged, ours []T, name func(T) string) []T {
	others := slices.DeleteFunc(slices.Clone(merged), func(m T) bool {
		return slices.ContainsFunc(ours, func(o T) bool { return name(o) == name(m) })
	})
	return append(slices.Clone(ours), others...)
}
