package e2e_test

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// metricsAPI is the smallest server of the API external.metrics.k8s.io: one metric, whose value the spec sets.
type metricsAPI struct{ value atomic.Int64 }

const metricsGroup = "/apis/external.metrics.k8s.io/v1beta1"

func (m *metricsAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var answer any
	switch {
	case r.URL.Path == metricsGroup:
		answer = map[string]any{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "external.metrics.k8s.io/v1beta1", "resources": []any{}}
	case strings.HasPrefix(r.URL.Path, metricsGroup+"/namespaces/"):
		answer = map[string]any{
			"kind": "ExternalMetricValueList", "apiVersion": "external.metrics.k8s.io/v1beta1", "metadata": map[string]any{},
			"items": []any{map[string]any{
				"metricName": "orders_today", "metricLabels": map[string]string{},
				"timestamp": time.Now().UTC().Format(time.RFC3339), "value": fmt.Sprint(m.value.Load()),
			}},
		}
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		panic(http.ErrAbortHandler) // the other side went
	}
}

// serveMetrics lets the cluster's API server pass the metrics API on to this process.
func serveMetrics(ctx SpecContext, namespace string) *metricsAPI {
	GinkgoHelper()
	api := &metricsAPI{}
	listener, err := net.Listen("tcp", net.JoinHostPort(hostIP, "0"))
	Expect(err).NotTo(HaveOccurred())
	server := httptest.NewUnstartedServer(api)
	Expect(server.Listener.Close()).To(Succeed())
	server.Listener = listener
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	server.StartTLS()
	DeferCleanup(server.Close)

	_, port, err := net.SplitHostPort(listener.Addr().String())
	Expect(err).NotTo(HaveOccurred())
	apply(ctx, namespace, fmt.Sprintf(`
apiVersion: v1
kind: Service
metadata: {name: metrics}
spec: {ports: [{name: https, port: 443, targetPort: %[1]s}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: metrics, labels: {kubernetes.io/service-name: metrics}}
addressType: IPv4
ports: [{name: https, port: %[1]s}]
endpoints: [{addresses: [%[2]q]}]
`, port, hostIP))
	apiService := fmt.Sprintf(`
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.external.metrics.k8s.io}
spec:
  group: external.metrics.k8s.io
  version: v1beta1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {name: metrics, namespace: %s}
`, namespace)
	out, err := kubectl(ctx, apiService, "apply", "-f", "-")
	Expect(err).NotTo(HaveOccurred(), out)
	DeferCleanup(func(ctx SpecContext) {
		out, err := kubectl(ctx, "", "delete", "apiservice", "v1beta1.external.metrics.k8s.io", "--ignore-not-found")
		Expect(err).NotTo(HaveOccurred(), out)
	})
	out, err = kubectl(ctx, "", "wait", "--for=condition=Available", "apiservice/v1beta1.external.metrics.k8s.io", "--timeout=60s")
	Expect(err).NotTo(HaveOccurred(), out)
	return api
}

var _ = Describe("A HorizontalPodAutoscaler", func() {
	It("drives a queue without autoscaling through its scale subresource", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		metric := serveMetrics(ctx, namespace)
		metric.value.Store(35)
		apply(ctx, namespace, jobQueue("driven", "{driven}", ""))
		DeferCleanup(forget, shared, "{driven}")
		readyPods(ctx, namespace, "driven", 1)

		apply(ctx, namespace, `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: driven}
spec:
  scaleTargetRef: {apiVersion: queue.asyncqueue.dev/v1alpha1, kind: AsyncQueue, name: driven}
  minReplicas: 1
  maxReplicas: 6
  metrics:
    - type: External
      external: {metric: {name: orders_today}, target: {type: AverageValue, averageValue: "10"}}
  behavior: {scaleDown: {stabilizationWindowSeconds: 0}}
`)
		By("scaling out: 35 orders, 10 per worker")
		readyPods(ctx, namespace, "driven", 4)
		Expect(*get(ctx, namespace, "driven").Spec.Replicas).To(Equal(int32(4)))
		eventuallyCondition(ctx, namespace, "driven", "Ready", "True/Consuming")

		By("applying the manifest again, which keeps the scaler's number")
		apply(ctx, namespace, jobQueue("driven", "{driven}", ""))

		By("scaling in")
		metric.value.Store(15)
		readyPods(ctx, namespace, "driven", 2)
		out, err := kubectl(ctx, "", "get", "events", "-n", namespace, "--field-selector", "reason=SuccessfulRescale")
		Expect(err).NotTo(HaveOccurred(), out)
		Expect(out).To(ContainSubstring("New size: 4"))
		Expect(out).To(ContainSubstring("New size: 2"))
	})
})
