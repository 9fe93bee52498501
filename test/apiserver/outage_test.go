package apiserver_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/redis/go-redis/v9"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
)

// readiness is what the suite's API server says to whether it is ready.
func readiness(ctx context.Context) func() string {
	GinkgoHelper()
	via, err := rest.HTTPClientFor(restConfig)
	Expect(err).NotTo(HaveOccurred())
	return func() string {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(restConfig.Host, "/")+"/readyz", nil)
		if err != nil {
			return err.Error()
		}
		response, err := via.Do(request)
		if err != nil {
			return err.Error()
		}
		defer func() { _ = response.Body.Close() }()
		text, _ := io.ReadAll(response.Body)
		return string(text)
	}
}

// apiServerProcess is the process of the suite's API server, which is known by its
// port, and its command line.
func apiServerProcess() (*os.Process, []string) {
	GinkgoHelper()
	port := "--secure-port=" + testEnv.ControlPlane.GetAPIServer().SecureServing.Port
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	Expect(err).NotTo(HaveOccurred())
	for _, file := range files {
		raw, _ := os.ReadFile(file) //nolint:gosec // of the kernel; an error: that process has gone
		command := strings.Split(strings.TrimSuffix(string(raw), "\x00"), "\x00")
		if !slices.Contains(command, port) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		Expect(err).NotTo(HaveOccurred())
		process, err := os.FindProcess(pid)
		Expect(err).NotTo(HaveOccurred())
		return process, command
	}
	Fail("no process has the API server's port")
	return nil, nil
}

// stopAPIServer ends the suite's API server by a signal and waits until it is gone.
// The function that it returns starts it again, with the same port, etcd and
// certificates, and waits until it is ready; the end of the spec does so too.
func stopAPIServer(signal syscall.Signal) (start func(ctx context.Context)) {
	GinkgoHelper()
	process, command := apiServerProcess()
	Expect(process.Signal(signal)).To(Succeed())
	Eventually(func() error { return process.Signal(syscall.Signal(0)) }).WithTimeout(time.Minute).Should(MatchError(os.ErrProcessDone))
	var once sync.Once
	start = func(ctx context.Context) {
		GinkgoHelper()
		once.Do(func() {
			launchAPIServer(command)
			Eventually(readiness(ctx)).WithTimeout(time.Minute).Should(Equal("ok"))
		})
	}
	DeferCleanup(start)
	return start
}

// launchAPIServer starts a process for the rest of the suite.
func launchAPIServer(command []string) {
	GinkgoHelper()
	cmd := exec.Command(command[0], command[1:]...) //nolint:gosec // it outlives the spec
	Expect(cmd.Start()).To(Succeed())
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	afterSuite = append(afterSuite, func() {
		_ = cmd.Process.Kill()
		<-ended
	})
}

var _ = Describe("An outage of the API server", func() {
	DescribeTable("delays the operator and no more, where the API server", func(ctx SpecContext, signal syscall.Signal) {
		o := startOperator(ctx)
		o.createReady(ctx, "orders", `spec: {autoscaling: {minReplicas: 1, maxReplicas: 9}, timeoutReload: {schedule: "@hourly"}}`)
		others := []string{"a", "b", "c", "d", "e"}
		for _, name := range others {
			o.create(ctx, name, `spec: {replicas: 2}`)
		}
		for _, name := range others {
			o.createdReady(ctx, name)
		}
		o.push(ctx, "orders", 31)
		before := o.awaitDeployment(ctx, "orders", 4)
		o.playDeployment(ctx, "orders")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReady, "True/Consuming")
		Eventually(func() string { return get(ctx, o, "orders-reload", &batchv1.CronJob{}).Name }).ShouldNot(BeEmpty())
		channel := o.queue(ctx, "orders").EffectiveChannel()

		By("having work to do while nobody answers")
		start, tried := stopAPIServer(signal), o.requests.attempts()
		o.pushTo(ctx, channel, 10)
		Eventually(o.requests.attempts).Should(BeNumerically(">", tried), "it tries")
		Consistently(o.requests.attempts).WithTimeout(3*time.Second).Should(BeNumerically("<", tried+60), "without haste")

		By("finding children gone when somebody does again")
		start(ctx)
		tried = o.requests.attempts()
		Expect(k8sClient.Delete(ctx, get(ctx, o, "orders-reload", &batchv1.CronJob{}))).To(Succeed())
		Expect(k8sClient.Delete(ctx, o.deployment(ctx, "a"))).To(Succeed())
		after := o.awaitDeployment(ctx, "orders", 5)
		Expect(after.UID).To(Equal(before.UID))
		Expect(after.Generation).To(Equal(before.Generation+1), "the size changed once, from 4 to 5")
		o.playDeployment(ctx, "orders")
		o.playDeployment(ctx, "a")
		for _, name := range append(others, "orders") {
			o.awaitCondition(ctx, name, queuev1alpha1.ConditionReady, "True/Consuming")
		}
		Eventually(o.children(ctx)).Should(ConsistOf("orders-worker", "a-worker", "b-worker", "c-worker", "d-worker", "e-worker", "orders-reload"))
		Expect(o.requests.attempts()).To(BeNumerically("<", tried+100), "requests:\n%v", o.requests.since(0))
	},
		Entry("is killed", syscall.SIGKILL),
		Entry("is stopped", syscall.SIGTERM),
	)

	It("that takes the lease from the manager ends it, and it recovers as soon as it may", func(ctx SpecContext) {
		o := &operator{namespace: newNamespace(ctx), redis: startRedis()}
		o.rdb = redis.NewClient(&redis.Options{Addr: o.redis.Addr, Protocol: 2})
		DeferCleanup(o.rdb.Close)
		p := startProgram(ctx, o)
		o.createReady(ctx, "orders", `spec: {autoscaling: {minReplicas: 1, maxReplicas: 9}, timeoutReload: {schedule: "@hourly"}}`)
		o.push(ctx, "orders", 31)
		before := o.awaitDeployment(ctx, "orders", 4)
		o.playDeployment(ctx, "orders")
		o.awaitCondition(ctx, "orders", queuev1alpha1.ConditionReady, "True/Consuming")
		channel := o.queue(ctx, "orders").EffectiveChannel()

		By("losing the lease")
		start := stopAPIServer(syscall.SIGKILL)
		o.pushTo(ctx, channel, 10)
		Eventually(p.ends.Load).Should(BeNumerically(">", 0), "nobody can lead")

		By("starting again")
		start(ctx)
		lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: p.leaseNamespace, Name: leaseID}}
		Expect(k8sClient.Delete(ctx, lease)).To(Succeed()) // else it would run out first
		after := o.awaitDeployment(ctx, "orders", 5)
		Expect(after.UID).To(Equal(before.UID))
		Expect(after.Generation).To(Equal(before.Generation+1), "the size changed once, from 4 to 5")
		o.createdReady(ctx, "orders")
		Expect(o.children(ctx)()).To(ConsistOf("orders-worker", "orders-reload"))
	})
})

// children are the names of the Deployments and CronJobs of the namespace.
func (o *operator) children(ctx context.Context) func() []string {
	return func() (names []string) {
		GinkgoHelper()
		var deployments appsv1.DeploymentList
		var cronJobs batchv1.CronJobList
		for _, list := range []client.ObjectList{&deployments, &cronJobs} {
			Expect(k8sClient.List(ctx, list, client.InNamespace(o.namespace))).To(Succeed())
		}
		for i := range deployments.Items {
			names = append(names, deployments.Items[i].Name)
		}
		for i := range cronJobs.Items {
			names = append(names, cronJobs.Items[i].Name)
		}
		return names
	}
}
