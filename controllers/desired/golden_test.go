package desired_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/desired"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// queue is an AsyncQueue as the API server fills it in.
func queue(change func(*queuev1alpha1.AsyncQueue)) *queuev1alpha1.AsyncQueue {
	q := &queuev1alpha1.AsyncQueue{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "orders", UID: "11111111-2222-3333-4444-555555555555"},
		Spec: queuev1alpha1.AsyncQueueSpec{
			Timeouts:    queuev1alpha1.Timeouts{PopSeconds: 2, HandleSeconds: 10, RetrySeconds: []int32{5}},
			Concurrency: 10,
			Replicas:    ptr.To[int32](1),
		},
	}
	if change != nil {
		change(q)
	}
	return q
}

func input(q *queuev1alpha1.AsyncQueue) desired.Input {
	return desired.Input{
		Queue: q, WorkerImage: "asyncqueue/worker:dev", Replicas: 1,
		Redis: desired.Redis{URL: "redis://redis.default:6379/0"},
	}
}

func withSecrets(in desired.Input) desired.Input {
	in.Redis = desired.Redis{
		URL:           "rediss://redis.default:6380/3",
		Credentials:   &desired.SecretFiles{Name: "orders-redis", Keys: []string{"password", "username"}},
		CA:            &desired.SecretFiles{Name: "redis-ca", Keys: []string{"ca.crt"}},
		Cert:          &desired.SecretFiles{Name: "orders-cert", Keys: []string{"tls.crt", "tls.key"}},
		ServerName:    "redis.example.com",
		SecretsDigest: "0123456789abcdef",
	}
	return in
}

func withSentinels(in desired.Input) desired.Input {
	in.Redis = desired.Redis{
		URL:                 "redis-sentinel://a.cache:26379,b.cache:26379/0?master=mymaster",
		Credentials:         &desired.SecretFiles{Name: "orders-redis", Keys: []string{"password"}},
		SentinelCredentials: &desired.SecretFiles{Name: "sentinels", Keys: []string{"password", "username"}},
		SecretsDigest:       "0123456789abcdef",
	}
	return in
}

func withCluster(in desired.Input) desired.Input {
	in.Redis = desired.Redis{
		URL: "rediss-cluster://a.cache:6379,b.cache:6379",
		CA:  &desired.SecretFiles{Name: "redis-ca", Keys: []string{"ca.crt"}},
	}
	return in
}

func withReload(q *queuev1alpha1.AsyncQueue) {
	q.Spec.TimeoutReload = &queuev1alpha1.TimeoutReload{Schedule: "*/5 * * * *", MaxMessages: 1000, MaxReloads: 3}
}

// everything sets each field that reaches the pods, and a template that also
// tries to take what is the operator's.
func everything(q *queuev1alpha1.AsyncQueue) {
	withReload(q)
	q.Spec.Channel = "{orders}$(HOME)"
	q.Spec.Timeouts = queuev1alpha1.Timeouts{PopSeconds: 3, HandleSeconds: 120, RetrySeconds: []int32{5, 10, 60}, DrainSeconds: ptr.To[int32](200)}
	q.Spec.Timeouts.OnHandleTimeout, q.Spec.Timeouts.OnLateSuccess = queuev1alpha1.OnHandleTimeoutCancel, queuev1alpha1.OnLateSuccessRemove
	q.Spec.TimeoutReload.OnWorkerLoss = queuev1alpha1.OnWorkerLossOnSchedule
	q.Spec.MaxMessageBytes = 65536
	q.Spec.MaxAttempts, q.Spec.Concurrency, q.Spec.MaxMessages, q.Spec.MaxMemoryPercent = 4, 25, 1000, 80
	q.Spec.Handler = &queuev1alpha1.Handler{Exec: &queuev1alpha1.ExecHandler{Command: []string{"php", "job.php", "--say", "a b"}}}
	q.Spec.Template = &corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{
			Labels:      map[string]string{"team": "shop", desired.LabelQueue: "stolen"},
			Annotations: map[string]string{"example.com/note": "kept"},
		},
		Spec: corev1.PodSpec{
			TerminationGracePeriodSeconds: ptr.To[int64](5),
			ServiceAccountName:            "orders",
			SecurityContext:               &corev1.PodSecurityContext{RunAsUser: ptr.To[int64](1000)},
			NodeSelector:                  map[string]string{"pool": "batch"},
			Volumes: []corev1.Volume{
				{Name: "asyncqueue-redis-tls", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
				{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
			},
			Containers: []corev1.Container{
				{Name: "sidecar", Image: "example.com/proxy:2"},
				{
					Name: "worker", Image: "example.com/orders:7",
					Command: []string{"/bin/mine"},
					Resources: corev1.ResourceRequirements{
						Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("0.5")},
					},
					Env: []corev1.EnvVar{
						{Name: "ZONE", Value: "a"},
						{Name: "ASYNCQUEUE_CHANNEL", Value: "stolen"},
						{Name: "ADDRESS", Value: "$(ZONE)/b"},
					},
					VolumeMounts: []corev1.VolumeMount{
						{Name: "scratch", MountPath: "/scratch"},
						{Name: "scratch", MountPath: "/etc/asyncqueue/redis/tls"},
					},
				},
			},
		},
	}
}

// anyImage runs a command of an image without a worker, and tries to replace what
// brings it in.
func anyImage(q *queuev1alpha1.AsyncQueue) {
	q.Spec.Handler = &queuev1alpha1.Handler{Exec: &queuev1alpha1.ExecHandler{Command: []string{"php", "job.php"}, Image: "example.com/shop-php:8"}}
	q.Spec.Exclusive, q.Spec.Concurrency = true, 1
	q.Spec.Template = &corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		InitContainers: []corev1.Container{
			{Name: "asyncqueue-install", Image: "example.com/other:1"},
			{Name: "migrate", Image: "example.com/shop-php:8"},
		},
		Containers: []corev1.Container{{Name: "worker", Env: []corev1.EnvVar{{Name: "APP_ENV", Value: "prod"}}}},
	}}
}

func TestGolden(t *testing.T) {
	tests := map[string]struct {
		in      desired.Input
		cronJob bool
	}{
		"deployment-plain":      {in: input(queue(nil))},
		"deployment-secrets":    {in: withSecrets(input(queue(nil)))},
		"deployment-everything": {in: withSecrets(input(queue(everything)))},
		"deployment-http": {in: input(queue(func(q *queuev1alpha1.AsyncQueue) {
			q.Spec.Handler = &queuev1alpha1.Handler{HTTP: &queuev1alpha1.HTTPHandler{URL: "http://127.0.0.1:9000/jobs"}}
		}))},
		"deployment-image":     {in: input(queue(anyImage))},
		"deployment-sentinels": {in: withSentinels(input(queue(nil)))},
		"deployment-cluster":   {in: withCluster(input(queue(nil)))},
		"cronjob-sentinels":    {in: withSentinels(input(queue(withReload))), cronJob: true},
		"cronjob-plain":        {in: input(queue(withReload)), cronJob: true},
		"cronjob-secrets":      {in: withSecrets(input(queue(everything))), cronJob: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var object runtime.Object
			if tc.cronJob {
				object = desired.CronJob(tc.in)
			} else {
				object = deployment(t, tc.in)
			}
			compareGolden(t, name, applied(t, object).Object)
		})
	}
}

func compareGolden(t *testing.T, name string, fields map[string]any) {
	t.Helper()
	got, err := yaml.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name+".yaml")
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("%s differs; after a wanted change run the test with -update (-want +got):\n%s", file, diff)
	}
}
