package desired

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// nonRoot is the user and group of the images, and of the files that they read.
const nonRoot = 65532

const (
	tmpVolume = "asyncqueue-tmp"
	tmpPath   = "/tmp"
)

// podSpec is what worker and reload pods have in common. It meets the Pod
// Security standard "restricted".
func podSpec(files mountedFiles) corev1.PodSpec {
	return corev1.PodSpec{
		AutomountServiceAccountToken: ptr.To(false),
		EnableServiceLinks:           ptr.To(false),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot:        ptr.To(true),
			RunAsUser:           ptr.To[int64](nonRoot),
			RunAsGroup:          ptr.To[int64](nonRoot),
			FSGroup:             ptr.To[int64](nonRoot),
			FSGroupChangePolicy: ptr.To(corev1.FSGroupChangeOnRootMismatch),
			SeccompProfile:      &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		Volumes: files.volumes,
	}
}

func containerSecurity() *corev1.SecurityContext {
	return &corev1.SecurityContext{
		AllowPrivilegeEscalation: ptr.To(false),
		ReadOnlyRootFilesystem:   ptr.To(true),
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
}
