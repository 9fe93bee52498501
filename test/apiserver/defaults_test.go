package apiserver_test

import (
	"maps"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
)

var _ = Describe("A good manifest", func() {
	DescribeTable("gets the documented defaults",
		func(ctx SpecContext, change, wantSpec string) {
			u := manifest("default", change)
			Expect(k8sClient.Create(ctx, u, client.DryRunAll)).To(Succeed())
			Expect(yaml.Marshal(u.Object["spec"])).To(MatchYAML(wantSpec))
		},
		Entry("a handler and nothing else", ``, `
concurrency: 10
handler: {http: {url: "http://127.0.0.1:8080/jobs"}}
maxAttempts: 0
replicas: 1
suspend: false
maxMessageBytes: 1048576
timeouts: {popSeconds: 2, handleSeconds: 10, retrySeconds: [5], onHandleTimeout: Continue, onLateSuccess: Keep}
`),
		Entry("blocks that are opened and left empty", `
spec:
  redis: {}
  timeouts: {}
  autoscaling: {maxReplicas: 3}
  timeoutReload: {schedule: "@hourly"}
  template: {}
`, `
autoscaling: {minReplicas: 0, maxReplicas: 3, scheduleAheadSeconds: 10, idleSeconds: 60}
concurrency: 10
handler: {http: {url: "http://127.0.0.1:8080/jobs"}}
maxAttempts: 0
redis: {}
replicas: 1
suspend: false
template: {}
timeoutReload: {schedule: "@hourly", maxMessages: 1000, maxReloads: 3, onWorkerLoss: Immediately}
maxMessageBytes: 1048576
timeouts: {popSeconds: 2, handleSeconds: 10, retrySeconds: [5], onHandleTimeout: Continue, onLateSuccess: Keep}
`),
		Entry("every field set", everyField, everyFieldStored),
	)

	DescribeTable("is accepted",
		func(ctx SpecContext, change string) {
			Expect(k8sClient.Create(ctx, manifest("default", change), client.DryRunAll)).To(Succeed())
		},
		Entry("a name of 40 characters", `metadata: {name: `+strings.Repeat("n", 40)+`}`),
		Entry("a channel without braces", `spec: {channel: redis-queue}`),
		Entry("a channel beyond ASCII", `spec: {channel: "заказы:一"}`),
		Entry("credentials for the default Redis", `spec: {redis: {credentialsSecretRef: {name: orders-redis}}}`),
		Entry("a Redis by IPv4", `spec: {redis: {addresses: ["10.0.0.1:6379"]}}`),
		Entry("a Redis by IPv6", `spec: {redis: {addresses: ["[fd00::1]:6379"]}}`),
		Entry("a Redis with the highest port", `spec: {redis: {addresses: ["redis_1.my-ns.svc:65535"]}}`),
		Entry("one address of sentinels", `spec: {redis: {addresses: ["s:26379"], mode: Sentinel, masterName: my-master.1_x}}`),
		Entry("sentinels without a hash tag", `spec: {channel: redis-queue, redis: {addresses: ["s:26379", "t:26379"], mode: Sentinel, masterName: m}}`),
		Entry("an empty master name elsewhere", `spec: {redis: {addresses: ["redis:6379"], masterName: ""}}`),
		Entry("a cluster with the default channel", `spec: {redis: {addresses: ["a:6379", "b:6379"], mode: Cluster, database: 0}}`),
		Entry("a cluster with a hash tag inside the channel", `spec: {channel: "shop:{orders}:v1", redis: {addresses: ["a:6379"], mode: Cluster}}`),
		Entry("credentials for the default Redis's sentinels", `spec: {redis: {sentinelCredentialsSecretRef: {name: s}}}`),
		Entry("an intake without a key", `spec: {intake: {state: Open}}`),
		Entry("an intake with a key that only begins like the channel", `spec: {channel: c, intake: {state: Closed, key: "c.IS_PUSH_orders"}}`),
		Entry("the largest message", `spec: {maxMessageBytes: 536870912}`),
		Entry("TLS that is said to be off", `spec: {redis: {addresses: ["redis:6379"], tls: {enabled: false, serverName: "", insecureSkipVerify: false}}}`),
		Entry("TLS without a check", `spec: {redis: {addresses: ["redis:6379"], tls: {enabled: true, insecureSkipVerify: true}}}`),
		Entry("a retry at once", `spec: {timeouts: {retrySeconds: [0, 604800]}}`),
		Entry("an exclusive queue", `spec: {exclusive: true, concurrency: 1}`),
		Entry("an exclusive queue that sleeps", `spec: {exclusive: true, concurrency: 1, replicas: 5, autoscaling: {maxReplicas: 1}}`),
		Entry("a command in any image", `spec: {handler: {http: null, exec: {command: [php, job.php], image: "php:8-cli"}}}`),
		Entry("all of the container's memory", `spec: {maxMemoryPercent: 100}`),
		Entry("no share of memory", `spec: {maxMemoryPercent: 0}`),
		Entry("no replica", `spec: {replicas: 0}`),
		Entry("a starting size beyond the autoscaler's bounds", `spec: {replicas: 9, autoscaling: {minReplicas: 2, maxReplicas: 4}}`),
		Entry("as many workers at least as at most", `spec: {autoscaling: {minReplicas: 4, maxReplicas: 4, idleSeconds: 0}}`),
		Entry("a schedule with lists, ranges, steps and names", `spec: {timeoutReload: {schedule: "0,30 8-18/2 1-7,15 */3 MON-fri"}}`),
		Entry("a schedule with every field at its upper end", `spec: {timeoutReload: {schedule: "59 23 31 12 6"}}`),
		Entry("a schedule as a macro", `spec: {timeoutReload: {schedule: "@every 1h30m"}}`),
		Entry("a time zone", `spec: {timeoutReload: {schedule: "@daily", timeZone: America/Port-au-Prince}}`),
		Entry("an empty time zone", `spec: {timeoutReload: {schedule: "@daily", timeZone: ""}}`),
		Entry("a handler over https with an @ in its query", `spec: {handler: {http: {url: "https://[::1]:8443/jobs?to=a@b"}}}`),
		Entry("a command", `spec: {handler: {http: null, exec: {command: [php, job.php, ""]}}}`),
		Entry("an image that brings its own handlers",
			`spec: {handler: null, template: {spec: {containers: [{name: sidecar, image: "i:1"}, {name: worker, image: "i:1"}]}}}`),
		Entry("a sidecar with everything that the worker may not set",
			`spec: {template: {spec: {containers: [{name: sidecar, image: "i:1", command: [sh], ports: [{containerPort: 80}], env: [{name: ASYNCQUEUE_X, value: x}]}]}}}`),
		Entry("a volume below the worker's folders",
			`spec: {template: {spec: {volumes: [{name: v, emptyDir: {}}], containers: [{name: worker, volumeMounts: [{name: v, mountPath: /tmp/v}]}]}}}`),
		Entry("labels and annotations of one's own",
			`spec: {template: {metadata: {labels: {app.kubernetes.io/part-of: shop}, annotations: {example.com/a: b}}}}`),
		Entry("a restart policy that says what is so anyway", `spec: {template: {spec: {restartPolicy: Always}}}`),
	)

	It("may come from a Go program, whose template always writes containers", func(ctx SpecContext) {
		q := &queuev1alpha1.AsyncQueue{
			ObjectMeta: metav1.ObjectMeta{Namespace: newNamespace(ctx), Name: "from-go"},
			Spec: queuev1alpha1.AsyncQueueSpec{
				Handler: &queuev1alpha1.Handler{HTTP: &queuev1alpha1.HTTPHandler{URL: "http://127.0.0.1:8080"}},
				Template: &corev1.PodTemplateSpec{
					ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"team": "shop"}},
				},
			},
		}
		Expect(k8sClient.Create(ctx, q)).To(Succeed())
		Expect(q.Spec.Timeouts.RetrySeconds).To(Equal([]int32{5}))
		Expect(q.Spec.Template.Labels).To(HaveKeyWithValue("team", "shop"))

		By("and be written back as it was read")
		q.Spec.Suspend = true
		Expect(k8sClient.Update(ctx, q)).To(Succeed())
		q.Spec.Suspend = false
		Expect(k8sClient.Update(ctx, q)).To(Succeed())
		Expect(q.Spec.Suspend).To(BeFalse())
	})
})

var _ = DescribeTable("A field that does not exist is refused where validation is strict, as kubectl's is",
	func(ctx SpecContext, change, wantField string) {
		u := manifest("default", change)
		strict := client.WithFieldValidation(k8sClient, metav1.FieldValidationStrict)
		Expect(strict.Create(ctx, u, client.DryRunAll)).To(MatchError(ContainSubstring(`unknown field "` + wantField + `"`)))
	},
	Entry("a misspelt one", `spec: {concurency: 5}`, "spec.concurency"),
	Entry("one below a misspelt container field", `spec: {template: {spec: {containers: [{name: worker, imagee: x}]}}}`, "spec.template.spec.containers[0].imagee"),
	Entry("the tolerance of a HorizontalPodAutoscaler", `spec: {autoscaling: {maxReplicas: 1, behavior: {scaleUp: {tolerance: "0.1"}}}}`, "spec.autoscaling.behavior.scaleUp.tolerance"),
	Entry("a status field in spec", `spec: {backlog: {}}`, "spec.backlog"),
)

var _ = It("The container worker may set six fields and no other, whatever Kubernetes adds", func(ctx SpecContext) {
	fields, rules := containerFields(ctx), rulesByField(ctx)
	Expect(len(fields)).To(BeNumerically(">", 20))
	for _, field := range fields {
		if slices.Contains([]string{"name", "image", "resources", "env", "envFrom", "volumeMounts"}, field) {
			continue
		}
		Expect(rules).To(HaveKeyWithValue("."+field, "self.name != 'worker' || !has(self."+field+")"), field)
	}
})

// containerSchema is the schema of spec.template.spec.containers[] that the API
// server holds.
func containerSchema(ctx SpecContext) map[string]any {
	GinkgoHelper()
	crd := &unstructured.Unstructured{}
	crd.SetAPIVersion("apiextensions.k8s.io/v1")
	crd.SetKind("CustomResourceDefinition")
	Expect(k8sClient.Get(ctx, client.ObjectKey{Name: "asyncqueues.queue.asyncqueue.dev"}, crd)).To(Succeed())
	versions, _, err := unstructured.NestedSlice(crd.Object, "spec", "versions")
	Expect(err).NotTo(HaveOccurred())
	at := versions[0].(map[string]any)
	for _, name := range []string{
		"schema", "openAPIV3Schema", "properties", "spec", "properties", "template",
		"properties", "spec", "properties", "containers", "items",
	} {
		at = at[name].(map[string]any)
	}
	return at
}

func containerFields(ctx SpecContext) []string {
	GinkgoHelper()
	return slices.Sorted(maps.Keys(containerSchema(ctx)["properties"].(map[string]any)))
}

// rulesByField are the rules of a container by the path that they point to.
func rulesByField(ctx SpecContext) map[string]string {
	GinkgoHelper()
	rules := map[string]string{}
	for _, rule := range containerSchema(ctx)["x-kubernetes-validations"].([]any) {
		r := rule.(map[string]any)
		path, _ := r["fieldPath"].(string)
		rules[path] = r["rule"].(string)
	}
	return rules
}
