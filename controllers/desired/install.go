package desired

import (
	"path"

	corev1 "k8s.io/api/core/v1"
)

// The worker program is brought into an image that lacks it by an init container of
// the operator's worker image, through a volume that both see.
const (
	installContainer = "asyncqueue-install"
	programVolume    = "asyncqueue-program"
	programPath      = "/etc/asyncqueue/program"
)

// bringWorker makes the pod's worker run in image.
func bringWorker(spec *corev1.PodSpec, image, workerImage string) {
	program := path.Join(programPath, "worker")
	spec.Volumes = append(spec.Volumes, corev1.Volume{
		Name:         programVolume,
		VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}},
	})
	spec.InitContainers = append(spec.InitContainers, corev1.Container{
		Name:                     installContainer,
		Image:                    workerImage,
		Args:                     []string{"install", program},
		SecurityContext:          containerSecurity(),
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		VolumeMounts:             []corev1.VolumeMount{{Name: programVolume, MountPath: programPath}},
	})
	worker := &spec.Containers[0]
	worker.Image, worker.Command = image, []string{program}
	worker.VolumeMounts = append(worker.VolumeMounts, corev1.VolumeMount{Name: programVolume, MountPath: programPath, ReadOnly: true})
}
