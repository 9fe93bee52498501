package desired

import (
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

const (
	reloadContainer = "reload"
	// defaultZone is the zone of a schedule that names none. Left out, it would
	// be that of the control plane's machine.
	defaultZone = "Etc/UTC"
	// startingDeadline is how many seconds late a reload may start. Without one a
	// CronJob stops for ever after 100 missed starts.
	startingDeadline = 300
	// activeDeadline ends a reload that hangs, in seconds: the next one is
	// forbidden to start before.
	activeDeadline = 600
)

// CronJob builds the reload CronJob, or nil where the queue has no
// timeoutReload.
func CronJob(in Input) *batchv1.CronJob {
	q := in.Queue
	reload := q.Spec.TimeoutReload
	if reload == nil {
		return nil
	}
	zone := reload.TimeZone
	if zone == "" {
		zone = defaultZone
	}
	return &batchv1.CronJob{
		TypeMeta:   metav1.TypeMeta{APIVersion: batchv1.SchemeGroupVersion.String(), Kind: "CronJob"},
		ObjectMeta: in.objectMeta(CronJobName(q.Name), ComponentReload),
		Spec: batchv1.CronJobSpec{
			Schedule:                   reload.Schedule,
			TimeZone:                   &zone,
			ConcurrencyPolicy:          batchv1.ForbidConcurrent,
			StartingDeadlineSeconds:    ptr.To[int64](startingDeadline),
			Suspend:                    ptr.To(q.Spec.Suspend),
			SuccessfulJobsHistoryLimit: ptr.To[int32](1),
			FailedJobsHistoryLimit:     ptr.To[int32](1),
			JobTemplate: batchv1.JobTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: Labels(q.Name, ComponentReload)},
				Spec: batchv1.JobSpec{
					BackoffLimit:          ptr.To[int32](1),
					ActiveDeadlineSeconds: ptr.To[int64](activeDeadline),
					Template:              reloadTemplate(in),
				},
			},
		},
	}
}

func reloadTemplate(in Input) corev1.PodTemplateSpec {
	reload, files := in.Queue.Spec.TimeoutReload, redisFiles(in.Redis)
	spec := podSpec(files)
	spec.RestartPolicy = corev1.RestartPolicyNever
	spec.Containers = []corev1.Container{{
		Name:  reloadContainer,
		Image: in.WorkerImage,
		Args: []string{
			"reload", "--state", "timeout",
			"--max", strconv.Itoa(int(reload.MaxMessages)),
			"--max-reloads", strconv.Itoa(int(reload.MaxReloads)),
		},
		Env:                      reloadEnv(in),
		SecurityContext:          containerSecurity(),
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		VolumeMounts:             files.mounts,
	}}
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: Labels(in.Queue.Name, ComponentReload)},
		Spec:       spec,
	}
}
