package desired_test

import (
	"reflect"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/desired"
)

func deployment(t *testing.T, in desired.Input) *appsv1.Deployment {
	t.Helper()
	d, err := desired.Deployment(in)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func applied(t *testing.T, object runtime.Object) *unstructured.Unstructured {
	t.Helper()
	u, err := desired.Applied(object)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestCronJobOnlyWithTimeoutReload(t *testing.T) {
	if got := desired.CronJob(input(queue(nil))); got != nil {
		t.Errorf("CronJob() = %v, want none", got)
	}
}

func TestCronJobFollowsSuspendAndZone(t *testing.T) {
	got := desired.CronJob(input(queue(func(q *queuev1alpha1.AsyncQueue) {
		withReload(q)
		q.Spec.Suspend = true
		q.Spec.TimeoutReload.TimeZone = "Europe/Berlin"
	})))
	if !*got.Spec.Suspend || *got.Spec.TimeZone != "Europe/Berlin" {
		t.Errorf("suspend = %t, timeZone = %q", *got.Spec.Suspend, *got.Spec.TimeZone)
	}
}

func TestInputIsNotChanged(t *testing.T) {
	q := queue(everything)
	before := q.DeepCopy()
	deployment(t, withSecrets(input(q)))
	if !reflect.DeepEqual(before, q) {
		t.Error("building the Deployment changed the queue")
	}
}

func TestGracePeriodCoversTheDrain(t *testing.T) {
	tests := map[string]struct {
		drain, template *int64
		want            int64
	}{
		"the default is the handle timeout and 20 s": {want: 10 + 20 + 10},
		"what the queue says":                        {drain: ptr.To[int64](100), want: 110},
		"a template may ask for more":                {template: ptr.To[int64](500), want: 500},
		"but not for less":                           {template: ptr.To[int64](1), want: 40},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			q := queue(nil)
			if tc.drain != nil {
				q.Spec.Timeouts.DrainSeconds = ptr.To(int32(*tc.drain))
			}
			q.Spec.Template = &corev1.PodTemplateSpec{Spec: corev1.PodSpec{TerminationGracePeriodSeconds: tc.template}}
			if got := *deployment(t, input(q)).Spec.Template.Spec.TerminationGracePeriodSeconds; got != tc.want {
				t.Errorf("grace period %d s, want %d s", got, tc.want)
			}
		})
	}
}

// live is what the API server would hold after want was applied: the same, with
// fields that it or others add.
func live(t *testing.T, d *appsv1.Deployment) *appsv1.Deployment {
	t.Helper()
	l := &appsv1.Deployment{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(applied(t, d).Object, l); err != nil {
		t.Fatal(err)
	}
	l.TypeMeta.Kind, l.TypeMeta.APIVersion = "", ""
	l.ResourceVersion, l.Generation = "42", 3
	l.Annotations["deployment.kubernetes.io/revision"] = "1"
	pod := &l.Spec.Template.Spec
	pod.RestartPolicy, pod.DNSPolicy = corev1.RestartPolicyAlways, corev1.DNSClusterFirst
	pod.Containers[0].ImagePullPolicy = corev1.PullIfNotPresent
	pod.Containers[0].LivenessProbe.SuccessThreshold = 1
	pod.Containers = append([]corev1.Container{{Name: "injected"}}, pod.Containers...)
	pod.Volumes = append([]corev1.Volume{{Name: "injected"}}, pod.Volumes...)
	return l
}

func TestSettled(t *testing.T) {
	worker := func(d *appsv1.Deployment) *corev1.Container { return &d.Spec.Template.Spec.Containers[1] }
	tests := map[string]struct {
		drift func(*appsv1.Deployment)
		want  bool
	}{
		"as applied":                     {drift: func(*appsv1.Deployment) {}, want: true},
		"replicas changed":               {drift: func(d *appsv1.Deployment) { d.Spec.Replicas = ptr.To[int32](9) }},
		"image changed":                  {drift: func(d *appsv1.Deployment) { worker(d).Image = "other" }},
		"a variable of ours removed":     {drift: func(d *appsv1.Deployment) { worker(d).Env = worker(d).Env[1:] }},
		"a variable added by others":     {drift: func(d *appsv1.Deployment) { worker(d).Env = append(worker(d).Env, corev1.EnvVar{Name: "X"}) }, want: true},
		"a mount removed":                {drift: func(d *appsv1.Deployment) { worker(d).VolumeMounts = worker(d).VolumeMounts[:1] }},
		"a label removed":                {drift: func(d *appsv1.Deployment) { delete(d.Labels, desired.LabelManagedBy) }},
		"the owner removed":              {drift: func(d *appsv1.Deployment) { d.OwnerReferences = nil }},
		"the mark of another apply":      {drift: func(d *appsv1.Deployment) { d.Annotations[desired.AnnotationApplied] = "other" }},
		"a capability added beside ALL":  {drift: func(d *appsv1.Deployment) { worker(d).SecurityContext.Capabilities.Add = []corev1.Capability{"X"} }, want: true},
		"the list of dropped ones empty": {drift: func(d *appsv1.Deployment) { worker(d).SecurityContext.Capabilities.Drop = nil }},
		"a secret's items changed": {drift: func(d *appsv1.Deployment) {
			d.Spec.Template.Spec.Volumes[2].Projected.Sources[0].Secret.Items = nil
		}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			built := deployment(t, withSecrets(input(queue(everything))))
			held := live(t, built)
			tc.drift(held)
			got, err := desired.Settled(applied(t, built), held)
			if err != nil {
				t.Fatal(err)
			}
			if got != tc.want {
				t.Errorf("Settled() = %t, want %t", got, tc.want)
			}
		})
	}
}

// A field that went away leaves the rest as it was: only the mark shows it.
func TestSettledSeesWhatIsNoLongerWanted(t *testing.T) {
	before := deployment(t, input(queue(everything)))
	after := deployment(t, input(queue(func(q *queuev1alpha1.AsyncQueue) {
		everything(q)
		q.Spec.Template.Spec.NodeSelector = nil
	})))
	got, err := desired.Settled(applied(t, after), live(t, before))
	if err != nil {
		t.Fatal(err)
	}
	if got {
		t.Error("a removed node selector went unseen")
	}
}
