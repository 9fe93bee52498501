package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
)

const (
	burstMessages = 500
	burstPods     = 10
	// A burst from zero is to raise the number of replicas within raisePromise and to have all pods ready within
	// readyPromise. A loaded machine may take longer: only beyond four times a promise is it broken.
	raisePromise = 2 * time.Second
	readyPromise = 4 * time.Second
	leniency     = 4
)

// timeline is what a burst led to, in seconds after the push began.
type timeline struct {
	Messages       int     `json:"messages"`
	Pods           int     `json:"pods"`
	PushTook       float64 `json:"pushTook"`
	ReplicasRaised float64 `json:"replicasRaised"`
	PodsCreated    float64 `json:"podsCreated"`
	PodsScheduled  float64 `json:"podsScheduled"`
	FirstRunning   float64 `json:"firstPodRunning"`
	FirstReady     float64 `json:"firstPodReady"`
	AllRunning     float64 `json:"allPodsRunning"`
	AllReady       float64 `json:"allPodsReady"`
	Drained        float64 `json:"drained"`
	ScaledIn       float64 `json:"scaledIn"`
	// Steps counts how often the number of replicas was raised.
	Steps int `json:"raises"`
}

func (t timeline) table() string {
	var out strings.Builder
	fmt.Fprintf(&out, "A burst of %d messages from zero to %d pods (seconds after the push began)\n", t.Messages, t.Pods)
	for _, row := range []struct {
		what string
		at   float64
	}{
		{"pushed", t.PushTook}, {"replicas raised", t.ReplicasRaised}, {"all pods created", t.PodsCreated}, {"all pods scheduled", t.PodsScheduled},
		{"first pod running", t.FirstRunning}, {"first pod Ready", t.FirstReady}, {"all pods running", t.AllRunning}, {"all pods Ready", t.AllReady},
		{"drained", t.Drained}, {"scaled in to zero", t.ScaledIn},
	} {
		fmt.Fprintf(&out, "  %-20s %7.2f\n", row.what, row.at)
	}
	return out.String()
}

// chronicle notes when each worker pod of a namespace reached each of its stages, as the API server tells it.
type chronicle struct {
	mu       sync.Mutex
	begin    time.Time
	replicas []float64 // when the Deployment's number was raised
	largest  int32
	stages   map[string]map[string]float64 // by stage and pod
}

// follow watches Deployments and pods until ctx ends.
func follow(ctx context.Context, namespace string) *chronicle {
	GinkgoHelper()
	rest, err := config.GetConfig()
	Expect(err).NotTo(HaveOccurred())
	watcher, err := client.NewWithWatch(rest, client.Options{Scheme: kube.Scheme()})
	Expect(err).NotTo(HaveOccurred())
	c := &chronicle{stages: map[string]map[string]float64{}, begin: time.Now()}
	for _, list := range []client.ObjectList{&appsv1.DeploymentList{}, &corev1.PodList{}} {
		events, err := watcher.Watch(ctx, list, client.InNamespace(namespace))
		Expect(err).NotTo(HaveOccurred())
		go func() {
			for event := range events.ResultChan() {
				c.note(event)
			}
		}()
		DeferCleanup(events.Stop)
	}
	return c
}

func (c *chronicle) note(event watch.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := time.Since(c.begin).Seconds()
	switch o := event.Object.(type) {
	case *appsv1.Deployment:
		if n := *o.Spec.Replicas; n > c.largest {
			c.largest = n
			c.replicas = append(c.replicas, at)
		}
	case *corev1.Pod:
		c.reach("created", o.Name, at)
		if !o.DeletionTimestamp.IsZero() {
			c.reach("going", o.Name, at)
		}
		if o.Spec.NodeName != "" {
			c.reach("scheduled", o.Name, at)
		}
		for _, s := range o.Status.ContainerStatuses {
			if s.State.Running != nil {
				c.reach("running", o.Name, at)
			}
		}
		if podReady(o) {
			c.reach("ready", o.Name, at)
		}
	}
}

func (c *chronicle) reach(stage, pod string, at float64) {
	if c.stages[stage] == nil {
		c.stages[stage] = map[string]float64{}
	}
	if _, known := c.stages[stage][pod]; !known {
		c.stages[stage][pod] = at
	}
}

// when returns when the first and when the last pod reached a stage, and how many did.
func (c *chronicle) when(stage string) (first, last float64, count int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, at := range c.stages[stage] {
		if count == 0 || at < first {
			first = at
		}
		last = max(last, at)
		count++
	}
	return first, last, count
}

// living is how many pods have been created and are not told to go.
func (c *chronicle) living() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.stages["created"]) - len(c.stages["going"])
}

// restart lets time begin now.
func (c *chronicle) restart() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begin, c.replicas, c.largest, c.stages = time.Now(), nil, 0, map[string]map[string]float64{}
}

func (c *chronicle) raises() []float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]float64{}, c.replicas...)
}

var _ = Describe("A burst from zero", Label("burst"), func() {
	It("gets all of its workers at once", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		const channel = "{burst}"
		forget(ctx, shared, channel)
		DeferCleanup(forget, shared, channel)
		apply(ctx, namespace, jobQueue("burst", channel, "  replicas: 0\n"+
			"  autoscaling: {maxReplicas: 10, queueLength: {target: 10}, idleSeconds: 20}"))
		eventuallyCondition(ctx, namespace, "burst", "Ready", "True/ScaledToZero")

		watching, stop := context.WithCancel(ctx)
		defer stop()
		seen := follow(watching, namespace)
		seen.restart()
		begin := time.Now()
		since := func() float64 { return time.Since(begin).Seconds() }
		push(ctx, channel, burstMessages, "--type", "demo.job", "--data", `{"seconds": 1}`)
		t := timeline{Messages: burstMessages, Pods: burstPods, PushTook: since()}

		Eventually(func() int { _, _, n := seen.when("ready"); return n }).WithContext(ctx).Should(Equal(burstPods))
		Eventually(func() string { return states(counts(ctx, shared, channel)) }).WithContext(ctx).WithTimeout(longTimeout).
			Should(Equal("waiting 0, delayed 0, reserved 0, timeout 0, failed 0"))
		t.Drained = since()
		Eventually(seen.living).WithContext(ctx).WithTimeout(longTimeout).Should(BeZero())
		t.ScaledIn = since()

		raises := seen.raises()
		t.ReplicasRaised, t.Steps = raises[0], len(raises)
		_, t.PodsCreated, _ = seen.when("created")
		_, t.PodsScheduled, _ = seen.when("scheduled")
		t.FirstRunning, t.AllRunning, _ = seen.when("running")
		t.FirstReady, t.AllReady, _ = seen.when("ready")
		report(t)
		Expect(t.Steps).To(Equal(1), "the number is raised once, to what is needed: %v", raises)
		Expect(t.ReplicasRaised).To(BeNumerically("<", leniency*raisePromise.Seconds()))
		Expect(t.AllReady).To(BeNumerically("<", leniency*readyPromise.Seconds()))
		Expect(seen.largest).To(Equal(int32(burstPods)))
	})
})

// report prints a timeline and writes it for others to read.
func report(t timeline) {
	GinkgoHelper()
	AddReportEntry("timeline", t.table())
	GinkgoWriter.Println(t.table())
	text, err := json.MarshalIndent(t, "", "  ")
	Expect(err).NotTo(HaveOccurred())
	dir := filepath.Join(root, "bin", "reports")
	Expect(os.MkdirAll(dir, 0o755)).To(Succeed())
	Expect(os.WriteFile(filepath.Join(dir, "burst.json"), append(text, '\n'), 0o644)).To(Succeed())
}
