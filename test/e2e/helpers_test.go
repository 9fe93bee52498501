package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/redis/go-redis/v9"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/queue"
)

// newNamespace makes a namespace in which Pod Security `restricted` is enforced, and deletes it after the spec.
func newNamespace(ctx context.Context) string {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: "e2e-",
		Labels:       map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
	Expect(kube.Create(ctx, namespace)).To(Succeed())
	DeferCleanup(func(ctx SpecContext) {
		if CurrentSpecReport().Failed() {
			AddReportEntry("state", describe(ctx, namespace.Name))
		}
		Expect(client.IgnoreNotFound(kube.Delete(ctx, namespace))).To(Succeed())
	})
	return namespace.Name
}

// describe gathers what a person would look at first when a spec failed.
func describe(ctx context.Context, namespace string) string {
	var out strings.Builder
	for _, args := range [][]string{
		{"get", "aq,deployments,cronjobs,jobs,pods", "-o", "wide"},
		{"get", "aq", "-o", "yaml"},
		{"get", "events", "--sort-by=.lastTimestamp"},
		{"logs", "--all-containers", "--prefix", "--tail=40", "-l", "app.kubernetes.io/name=asyncqueue"},
		{"logs", "-n", "asyncqueue-system", "--tail=60", "-l", "app.kubernetes.io/component=manager"},
	} {
		command := exec.CommandContext(ctx, "kubectl", append([]string{"-n", namespace}, args...)...)
		text, _ := command.CombinedOutput()
		fmt.Fprintf(&out, "$ %s\n%s\n", strings.Join(command.Args, " "), text)
	}
	return out.String()
}

// kubectl runs kubectl as a user does and returns what it printed on both streams.
func kubectl(ctx context.Context, stdin string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "kubectl", args...)
	command.Stdin = strings.NewReader(stdin)
	out, err := command.CombinedOutput()
	return string(out), err
}

// apply applies a manifest in a namespace, and expects it to be taken.
func apply(ctx context.Context, namespace, manifest string) {
	GinkgoHelper()
	out, err := kubectl(ctx, manifest, "apply", "-n", namespace, "-f", "-")
	Expect(err).NotTo(HaveOccurred(), out)
}

// worker runs the worker's command line on this machine, against the Redis at the given address.
func worker(ctx context.Context, args ...string) {
	GinkgoHelper()
	command := exec.CommandContext(ctx, filepath.Join(root, "bin", "images", "worker"), args...)
	out, err := command.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(out))
}

// push pushes count messages onto a channel of the shared Redis; more are further arguments of `worker push`.
func push(ctx context.Context, channel string, count int, more ...string) {
	GinkgoHelper()
	worker(ctx, append([]string{
		"push", "--redis", "redis://" + hostIP + ":6390", "--channel", channel, "--count", fmt.Sprint(count),
	}, more...)...)
}

// counts reads a channel of a Redis.
func counts(ctx context.Context, rdb redis.UniversalClient, channel string) queue.Counts {
	GinkgoHelper()
	q, err := queue.New(rdb, channel)
	Expect(err).NotTo(HaveOccurred())
	c, err := q.Counts(ctx, 0)
	Expect(err).NotTo(HaveOccurred())
	return c
}

// get reads an AsyncQueue.
func get(ctx context.Context, namespace, name string) *queuev1alpha1.AsyncQueue {
	GinkgoHelper()
	aq := &queuev1alpha1.AsyncQueue{}
	Expect(kube.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, aq)).To(Succeed())
	return aq
}

// condition reads one condition as "Status/Reason", "" where it is absent.
func condition(ctx context.Context, namespace, name, kind string) string {
	GinkgoHelper()
	c := meta.FindStatusCondition(get(ctx, namespace, name).Status.Conditions, kind)
	if c == nil {
		return ""
	}
	return string(c.Status) + "/" + c.Reason
}

// eventuallyCondition waits for one condition to be "Status/Reason".
func eventuallyCondition(ctx context.Context, namespace, name, kind, want string) {
	GinkgoHelper()
	Eventually(func() string { return condition(ctx, namespace, name, kind) }).
		WithContext(ctx).WithTimeout(longTimeout).Should(Equal(want))
}

// deployment reads the workers' Deployment of a queue, nil where there is none.
func deployment(ctx context.Context, namespace, name string) *appsv1.Deployment {
	GinkgoHelper()
	d := &appsv1.Deployment{}
	err := kube.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name + "-worker"}, d)
	if apierrors.IsNotFound(err) {
		return nil
	}
	Expect(err).NotTo(HaveOccurred())
	return d
}

// pods lists the worker pods of a queue that are not on their way out.
func pods(ctx context.Context, namespace, name string) []corev1.Pod {
	GinkgoHelper()
	list := &corev1.PodList{}
	Expect(kube.List(ctx, list, client.InNamespace(namespace), client.MatchingLabels{
		"queue.asyncqueue.dev/queue": name, "app.kubernetes.io/component": "worker",
	})).To(Succeed())
	living := list.Items[:0]
	for _, pod := range list.Items {
		if pod.DeletionTimestamp.IsZero() {
			living = append(living, pod)
		}
	}
	return living
}

// states writes counts in the one order and spelling.
func states(c queue.Counts) string {
	return fmt.Sprintf("waiting %d, delayed %d, reserved %d, timeout %d, failed %d",
		c.Waiting, c.Delayed, c.Reserved, c.Timeout, c.Failed)
}

// killContainer kills the worker process of a pod with SIGKILL, as the kernel's out-of-memory killer would.
func killContainer(pod *corev1.Pod) {
	GinkgoHelper()
	mark := []byte("ASYNCQUEUE_POD=" + pod.Name + "\x00")
	environments, err := filepath.Glob("/proc/[0-9]*/environ")
	Expect(err).NotTo(HaveOccurred())
	killed := 0
	for _, file := range environments {
		environment, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(environment, mark) {
			continue // a process that ended meanwhile, or somebody else's
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		Expect(err).NotTo(HaveOccurred())
		Expect(syscall.Kill(pid, syscall.SIGKILL)).To(Succeed())
		killed++
	}
	Expect(killed).To(BeNumerically(">", 0), "no process of pod %s was found on this machine", pod.Name)
}
