package apiserver_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	channelFixed  = "channel may be neither added, changed nor removed later, since messages would be left behind: create another AsyncQueue instead"
	replicasFixed = "with autoscaling replicas is only the starting size and may not be changed: change autoscaling.minReplicas or autoscaling.maxReplicas, or remove autoscaling first"
)

var _ = Describe("A queue that exists", func() {
	DescribeTable("refuses a change that would lose something",
		func(ctx SpecContext, before, change, path, message string) {
			u := manifest(newNamespace(ctx), before)
			Expect(k8sClient.Create(ctx, u)).To(Succeed())
			err := k8sClient.Update(ctx, changed(u, change), client.DryRunAll)
			Expect(refusals(err)).To(beOnly(refusal{path: path, message: message}))
		},
		Entry("a channel added", ``, `spec: {channel: orders}`, "spec.channel", channelFixed),
		Entry("a channel added that equals the default's form", ``, `spec: {channel: "{default.orders}"}`, "spec.channel", channelFixed),
		Entry("a channel changed", `spec: {channel: orders}`, `spec: {channel: other}`, "spec.channel", channelFixed),
		Entry("a channel removed", `spec: {channel: orders}`, `spec: {channel: null}`, "spec.channel", channelFixed),
		Entry("replicas of an autoscaled queue", `spec: {autoscaling: {maxReplicas: 5}}`, `spec: {replicas: 3}`, "spec.replicas", replicasFixed),
	)

	DescribeTable("accepts every other change",
		func(ctx SpecContext, before, change string) {
			u := manifest(newNamespace(ctx), before)
			Expect(k8sClient.Create(ctx, u)).To(Succeed())
			Expect(k8sClient.Update(ctx, changed(u, change), client.DryRunAll)).To(Succeed())
		},
		Entry("another Redis", `spec: {channel: orders}`, `spec: {redis: {addresses: ["redis:6379"]}}`),
		Entry("autoscaling added, with another starting size", `spec: {replicas: 3}`, `spec: {replicas: 5, autoscaling: {maxReplicas: 4}}`),
		Entry("autoscaling removed, with the replicas to go on with", `spec: {autoscaling: {maxReplicas: 4}}`, `spec: {replicas: 3, autoscaling: null}`),
		Entry("the starting size of an autoscaled queue removed", `spec: {replicas: 3, autoscaling: {maxReplicas: 4}}`, `spec: {replicas: null}`),
		Entry("another handler", ``, `spec: {handler: {http: null, exec: {command: [php, job.php]}}}`),
		Entry("everything else", `spec: {channel: "{orders}"}`, everyField),
	)
})
