//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"
)

// kubeconfigVariable names the control plane that the suite runs against; the
// script e2e beside this file brings one up.
const kubeconfigVariable = "HOSTNODE_E2E_KUBECONFIG"

// suite is one node on a real control plane, and a namespace for the test.
type suite struct {
	*testing.T
	client    kubernetes.Interface
	namespace string
	stateDir  string
	stop      func() // stops the node and waits for it
}

func newSuite(t *testing.T) *suite {
	t.Helper()
	kubeconfig := os.Getenv(kubeconfigVariable)
	if kubeconfig == "" {
		t.Skipf("%s is not set: run hack/hostnode/e2e, which brings a control plane", kubeconfigVariable)
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	s := &suite{T: t, client: kubernetes.NewForConfigOrDie(config), stateDir: t.TempDir()}
	s.startNode(kubeconfig)
	s.makeNamespace()
	return s
}

// startNode runs the whole program, in this process.
func (s *suite) startNode(kubeconfig string) {
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	self, err := os.Executable()
	if err != nil {
		s.Fatal(err)
	}
	go func() {
		result <- run(ctx, []string{
			"--kubeconfig", kubeconfig, "--node-name", "suite", "--state-dir", s.stateDir,
			"--image", "test/program:1=" + self, "--pod-cidr", "127.78.0.0/16", "--shutdown-grace", "2s",
		}, os.Stderr)
	}()
	s.stop = func() {
		cancel()
		if err := <-result; err != nil {
			s.Errorf("the node ended with %v", err)
		}
		result <- nil
	}
	s.Cleanup(s.stop)
	s.await("a ready node", func() bool {
		node, err := s.client.CoreV1().Nodes().Get(s.Context(), "suite", metav1.GetOptions{})
		if err != nil {
			return false
		}
		for _, c := range node.Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
				return len(node.Spec.Taints) == 0
			}
		}
		return false
	})
}

func (s *suite) makeNamespace() {
	namespace, err := s.client.CoreV1().Namespaces().Create(s.Context(), &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "hostnode-"},
	}, metav1.CreateOptions{})
	if err != nil {
		s.Fatal(err)
	}
	s.namespace = namespace.Name
	s.Cleanup(func() {
		if err := s.client.CoreV1().Namespaces().Delete(context.Background(), s.namespace, metav1.DeleteOptions{}); err != nil {
			s.Error(err)
		}
	})
	s.await("the service account", func() bool {
		_, err := s.client.CoreV1().ServiceAccounts(s.namespace).Get(s.Context(), "default", metav1.GetOptions{})
		return err == nil
	})
}

// await polls until ok, for at most a minute.
func (s *suite) await(what string, ok func() bool) {
	s.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			s.Fatalf("no %s within a minute", what)
		}
	}
}

// create makes a pod out of the YAML of its spec.
func (s *suite) create(name, spec string) {
	s.Helper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := yaml.UnmarshalStrict([]byte(spec), &pod.Spec); err != nil {
		s.Fatal(err)
	}
	pod.Spec.NodeSelector = map[string]string{corev1.LabelHostname: "suite"}
	for i := range pod.Spec.InitContainers {
		finish(&pod.Spec.InitContainers[i])
	}
	for i := range pod.Spec.Containers {
		finish(&pod.Spec.Containers[i])
	}
	if _, err := s.client.CoreV1().Pods(s.namespace).Create(s.Context(), pod, metav1.CreateOptions{}); err != nil {
		s.Fatal(err)
	}
}

// finish adds what every container of the suite has.
func finish(c *corev1.Container) {
	if c.Image == "" {
		c.Image = "test/program:1"
	}
	c.Env = append(c.Env,
		corev1.EnvVar{Name: programVariable, Value: "1"},
		corev1.EnvVar{Name: "POD", ValueFrom: field("metadata.name")},
		corev1.EnvVar{Name: "NAMESPACE", ValueFrom: field("metadata.namespace")},
	)
}

// pod returns the pod, nil when it is gone.
func (s *suite) pod(name string) *corev1.Pod {
	s.Helper()
	pod, err := s.client.CoreV1().Pods(s.namespace).Get(s.Context(), name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		s.Fatal(err)
	}
	return pod
}

func (s *suite) awaitReady(name string) *corev1.Pod {
	s.Helper()
	var pod *corev1.Pod
	s.await("ready pod "+name, func() bool {
		pod = s.pod(name)
		return conditionTrue(pod.Status, corev1.PodReady)
	})
	return pod
}

func conditionTrue(st corev1.PodStatus, kind corev1.PodConditionType) bool {
	for _, c := range st.Conditions {
		if c.Type == kind {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

func (s *suite) awaitPhase(name string, phase corev1.PodPhase) *corev1.Pod {
	s.Helper()
	var pod *corev1.Pod
	s.await(fmt.Sprintf("pod %s that is %s", name, phase), func() bool {
		pod = s.pod(name)
		return pod.Status.Phase == phase
	})
	return pod
}

// awaitWaiting returns when the pod's only container waits for the reason.
func (s *suite) awaitWaiting(name, reason string) {
	s.Helper()
	s.await(name+" waiting with "+reason, func() bool {
		cs := s.pod(name).Status.ContainerStatuses
		return len(cs) == 1 && cs[0].State.Waiting != nil && cs[0].State.Waiting.Reason == reason
	})
}

// logs reads a pod's log through the API server, as kubectl does.
func (s *suite) logs(name string, options corev1.PodLogOptions) string {
	s.Helper()
	data, err := s.client.CoreV1().Pods(s.namespace).GetLogs(name, &options).DoRaw(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	return string(data)
}

func (s *suite) delete(name string) {
	s.Helper()
	if err := s.client.CoreV1().Pods(s.namespace).Delete(s.Context(), name, metav1.DeleteOptions{}); err != nil {
		s.Fatal(err)
	}
}

const serving = `
terminationGracePeriodSeconds: 20
initContainers:
- {name: prepare, args: [write, /scratch/note, from the init container], volumeMounts: [{name: work, mountPath: /scratch}]}
containers:
- name: main
  args: [serve]
  env:
  - {name: LISTEN, value: ":8080"}
  - {name: NOTE, value: /scratch/note}
  - {name: SICK, value: /scratch/sick}
  - {name: PASSWORD, valueFrom: {secretKeyRef: {name: creds, key: password}}}
  ports: [{name: http, containerPort: 8080}]
  volumeMounts: [{name: work, mountPath: /scratch}]
  readinessProbe: {httpGet: {port: http}, periodSeconds: 1, failureThreshold: 100}
  livenessProbe: {httpGet: {port: http}, periodSeconds: 1, failureThreshold: 2}
volumes: [{name: work, emptyDir: {}}]
`

func TestNodeOnARealControlPlane(t *testing.T) {
	s := newSuite(t)
	t.Run("a pod waits for its Secret, serves, heals and drains", s.serves)
	t.Run("pods that end", s.ends)
	t.Run("what cannot run says so", s.refuses)
	t.Run("a pod talks to the API server", s.talks)
	t.Run("nothing is left when the node stops", s.leavesNothing)
}

func (s *suite) serves(t *testing.T) {
	s = s.with(t)
	for _, name := range []string{"one", "two"} { // the same port in both
		s.create(name, serving)
		s.awaitWaiting(name, reasonConfigError)
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "creds"}, StringData: map[string]string{"password": "s3cret"}}
	if _, err := s.client.CoreV1().Secrets(s.namespace).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	one, two := s.awaitReady("one"), s.awaitReady("two")
	if one.Status.PodIP == two.Status.PodIP {
		t.Errorf("both pods have the address %s", one.Status.PodIP)
	}
	want := fmt.Sprintf("pod one at %s:8080, note %q, password %q\n", one.Status.PodIP, "from the init container", "s3cret")
	if got := s.logs("one", corev1.PodLogOptions{Container: "main"}); got != want {
		t.Errorf("log %q, want %q", got, want)
	}

	sick := filepath.Join(s.stateDir, "pods", s.namespace+"_two_"+string(two.UID), "volumes", "work", "sick")
	if err := os.WriteFile(sick, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.await("restart by the liveness probe", func() bool { return s.pod("two").Status.ContainerStatuses[0].RestartCount > 0 })
	if err := os.Remove(sick); err != nil {
		t.Fatal(err)
	}
	s.awaitReady("two")
	if got := s.logs("two", corev1.PodLogOptions{Container: "main", Previous: true}); !strings.HasSuffix(got, "drained\n") {
		t.Errorf("log of the run before %q", got)
	}
	s.drains("one")
	s.drains("two")
}

// drains deletes a pod and reads its log to the end.
func (s *suite) drains(name string) {
	s.Helper()
	follow, err := s.client.CoreV1().Pods(s.namespace).GetLogs(name, &corev1.PodLogOptions{Container: "main", Follow: true}).Stream(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = follow.Close() }()
	mark := filepath.Join(s.stateDir, "pods", s.namespace+"_"+name+"_"+string(s.pod(name).UID))
	if n := len(family(0, mark)); n != 2 {
		s.Errorf("pod %s has %d processes, want 2", name, n)
	}
	s.delete(name)
	all, err := io.ReadAll(follow)
	if err != nil || !strings.HasSuffix(string(all), "drained\n") {
		s.Errorf("followed log %q, %v", all, err)
	}
	s.await("end of pod "+name, func() bool { return s.pod(name) == nil })
	if left := family(0, mark); len(left) > 0 {
		s.Errorf("processes %v of pod %s are left", left, name)
	}
	s.await("empty disk of pod "+name, func() bool { _, err := os.Stat(mark); return os.IsNotExist(err) })
}

func (s *suite) ends(t *testing.T) {
	s = s.with(t)
	s.create("well", `{restartPolicy: Never, containers: [{name: main, args: [exit, "0"]}]}`)
	s.create("badly", `{restartPolicy: Never, containers: [{name: main, args: [exit, "3"], terminationMessagePolicy: FallbackToLogsOnError}]}`)
	s.create("again", `{restartPolicy: OnFailure, containers: [{name: main, args: [exit, "4"]}]}`)
	s.awaitPhase("well", corev1.PodSucceeded)
	badly := s.awaitPhase("badly", corev1.PodFailed)
	if end := badly.Status.ContainerStatuses[0].State.Terminated; end == nil || end.ExitCode != 3 || end.Reason != "Error" || end.Message != "exiting with 3\n" {
		t.Errorf("end %+v", end)
	}
	if got := s.logs("badly", corev1.PodLogOptions{}); got != "exiting with 3\n" {
		t.Errorf("log %q", got)
	}
	s.awaitWaiting("again", reasonCrashLoop)
	if n := s.pod("again").Status.ContainerStatuses[0].RestartCount; n != 1 {
		t.Errorf("%d restarts before the first pause, want 1", n)
	}
	for _, name := range []string{"well", "badly", "again"} {
		s.delete(name)
		s.await("end of pod "+name, func() bool { return s.pod(name) == nil })
	}
}

func (s *suite) refuses(t *testing.T) {
	s = s.with(t)
	s.create("unknown", `{containers: [{name: main, image: "nobody/knows:1"}]}`)
	s.create("claim", `{containers: [{name: main}], volumes: [{name: v, nfs: {server: x, path: /x}}]}`)
	s.awaitWaiting("unknown", reasonNoImage)
	s.awaitWaiting("claim", reasonUnsupported)
	for name, text := range map[string]string{"unknown": "image is not known to this node", "claim": `volume "v" is of a kind`} {
		s.await("event about "+name, func() bool {
			events, err := s.client.CoreV1().Events(s.namespace).List(t.Context(), metav1.ListOptions{FieldSelector: "type=Warning,involvedObject.name=" + name})
			return err == nil && len(events.Items) > 0 && strings.Contains(events.Items[0].Message, text)
		})
		s.delete(name)
		s.await("end of pod "+name, func() bool { return s.pod(name) == nil })
	}
}

func (s *suite) talks(t *testing.T) {
	s = s.with(t)
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "view"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: "default", Namespace: s.namespace}},
	}
	if _, err := s.client.RbacV1().RoleBindings(s.namespace).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.create("talker", `{restartPolicy: OnFailure, containers: [{name: main, args: [whoami]}]}`)
	s.awaitPhase("talker", corev1.PodSucceeded)
	if got := s.logs("talker", corev1.PodLogOptions{}); got != "I am talker\n" {
		t.Errorf("log %q", got)
	}
}

func (s *suite) leavesNothing(t *testing.T) {
	s = s.with(t)
	s.create("last", serving)
	s.awaitReady("last")
	pods := filepath.Join(s.stateDir, "pods")
	if len(family(0, pods)) == 0 {
		t.Error("no process carries the mark")
	}
	s.stop()
	if left := family(0, pods); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
	if out, err := exec.Command("grep", "-rl", "-e", "s3cret", "-e", "eyJ", "--exclude-dir=logs", pods).Output(); len(out) > 0 {
		t.Errorf("secrets are left: %s (%v)", out, err)
	}
	node, err := s.client.CoreV1().Nodes().Get(t.Context(), "suite", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
			t.Error("the node says that it is ready")
		}
	}
	force := int64(0)
	if err := s.client.CoreV1().Pods(s.namespace).Delete(t.Context(), "last", metav1.DeleteOptions{GracePeriodSeconds: &force}); err != nil {
		t.Error(err)
	}
}

// with is the suite for a part of the test.
func (s *suite) with(t *testing.T) *suite {
	part := *s
	part.T = t
	return &part
}
