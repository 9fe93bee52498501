package apiserver_test

import (
	"errors"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// refusal is what the API server says of one wrong field.
type refusal struct{ path, message string }

// refusals are the causes of a refused write, without the remark that other
// rules wait until these are mended.
func refusals(err error) []metav1.StatusCause {
	GinkgoHelper()
	var status *apierrors.StatusError
	Expect(errors.As(err, &status)).To(BeTrue(), "want the API server's refusal, got: %v", err)
	Expect(status.ErrStatus.Details).NotTo(BeNil(), "want causes, got: %v", err)
	return slices.DeleteFunc(status.ErrStatus.Details.Causes, func(c metav1.StatusCause) bool {
		return strings.Contains(c.Message, "some validation rules were not checked")
	})
}

// beOnly matches one single cause with the path and the message of want. What
// stands before the message quotes the value.
func beOnly(want refusal) types.GomegaMatcher {
	seenSentences[want.message] = true
	return ConsistOf(And(
		HaveField("Field", want.path),
		HaveField("Message", Or(Equal(want.message), HaveSuffix(": "+want.message))),
	))
}

func refused(change, path, message string) TableEntry {
	return Entry(path+": "+firstWords(message), change, refusal{path: path, message: message})
}

func firstWords(message string) string {
	words := strings.Fields(message)
	return strings.Join(words[:min(len(words), 8)], " ")
}

const (
	// wholeObject is the path of a rule on metadata, to which no rule can point.
	wholeObject = "<nil>"

	channelBlank     = "channel may hold no white space and no control characters: remove them"
	addressForm      = "an address must be host:port with a port from 1 to 65535, without a scheme, such as redis.default:6379 or [fd00::1]:6379"
	addressesMissing = "mode, masterName, database and tls belong to addresses: set redis.addresses too, or leave the four out to use the operator's default Redis"
	oneAddress       = "in the mode Standalone there is exactly one address: leave one, or set redis.mode to Sentinel or Cluster"
	masterMissing    = "the mode Sentinel needs the name under which the sentinels know the master: set redis.masterName, such as mymaster"
	masterRefused    = "masterName belongs to the mode Sentinel: remove it, or set redis.mode to Sentinel"
	sentinelLogin    = "sentinelCredentialsSecretRef belongs to the mode Sentinel: remove it, or set redis.mode to Sentinel"
	hashTagMissing   = "in the mode Cluster channel must hold a hash tag, so that all keys of the queue stand on one node: put it in braces, such as {orders}, here and in the producers' configuration"
	tlsOff           = "caSecretRef, certSecretRef, serverName and insecureSkipVerify need TLS: set tls.enabled to true, or leave them out"
	secretName       = "name must be the name of a Secret: lower case letters, digits, - and ., such as orders-redis"
	urlForm          = "url must be absolute, with http or https and a host, such as http://127.0.0.1:8080/jobs"
	oneHandler       = "set exactly one of handler.http and handler.exec; leave handler out where the image brings its own handlers"
	imageMissing     = "without a handler the image must bring its own: set the image of the container worker in spec.template.spec.containers, or set handler.http or handler.exec"
	fiveFields       = "schedule must have five fields, one space apart (minute, hour, day of month, month, day of week), such as '*/5 * * * *', or be a macro such as @hourly; a time zone goes to timeZone"
	macroUnknown     = "the macro in schedule is none of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly and @every 1h30m: choose one of them"
	listsAndRanges   = ", with *, lists (,), ranges (-) and steps (/)"
	zoneForm         = "timeZone must be an IANA name such as Europe/Berlin or Etc/UTC: leave it out for UTC"
	ourLabels        = "the labels app.kubernetes.io/name, instance, component and managed-by, and those that begin with queue.asyncqueue.dev/, are the operator's: choose other names"
	ourMounts        = "/tmp and /etc/asyncqueue are mounted by the operator: choose another mountPath"
)

func onlyWorkerFields(field string) string {
	return "the container worker may set only image, resources, env, envFrom and volumeMounts: remove " + field
}

var _ = DescribeTable("A wrong manifest is refused with the field and a sentence",
	func(ctx SpecContext, change string, want refusal) {
		err := k8sClient.Create(ctx, manifest("default", change), client.DryRunAll)
		Expect(apierrors.IsInvalid(err)).To(BeTrue(), "want a refusal, got: %v", err)
		Expect(refusals(err)).To(beOnly(want))
	},
	refused(`metadata: {name: `+strings.Repeat("n", 41)+`}`, wholeObject,
		"metadata.name may have at most 40 characters, since the names of the Deployment and the CronJob derive from it: choose a shorter name"),
	refused(`spec: null`, "spec", "Required value"),

	// channel
	refused(`spec: {channel: ""}`, "spec.channel", "spec.channel in body should be at least 1 chars long"),
	refused(`spec: {channel: "two words"}`, "spec.channel", channelBlank),
	refused(`spec: {channel: "line\n"}`, "spec.channel", channelBlank),
	refused(`spec: {channel: "nul\0"}`, "spec.channel", channelBlank),
	refused(`spec: {channel: "`+strings.Repeat("c", 201)+`"}`, "spec.channel", "Too long: may not be more than 200 bytes"),

	// redis
	refused(`spec: {redis: {addresses: []}}`, "spec.redis.addresses", "spec.redis.addresses in body should have at least 1 items"),
	refused(`spec: {redis: {addresses: ["a:1", "b:2"]}}`, "spec.redis.addresses", oneAddress),
	refused(`spec: {redis: {addresses: ["a:1", "b:2"], mode: Standalone}}`, "spec.redis.addresses", oneAddress),
	refused(`spec: {redis: {mode: Cluster, addresses: [`+strings.Repeat(`"a:1",`, 16)+`"b:2"]}}`, "spec.redis.addresses", "Too many: 17: must have at most 16 items"),
	refused(`spec: {redis: {addresses: ["a:1"], mode: Sentinel}}`, "spec.redis.masterName", masterMissing),
	refused(`spec: {redis: {addresses: ["a:1"], mode: Sentinel, masterName: ""}}`, "spec.redis.masterName", masterMissing),
	refused(`spec: {redis: {addresses: ["a:1"], mode: Sentinel, masterName: "my master"}}`, "spec.redis.masterName", "masterName may hold only letters, digits, '.', '-' and '_', as sentinels take no other"),
	refused(`spec: {redis: {addresses: ["a:1"], masterName: m}}`, "spec.redis.masterName", masterRefused),
	refused(`spec: {redis: {addresses: ["a:1"], mode: Cluster, masterName: m}}`, "spec.redis.masterName", masterRefused),
	refused(`spec: {redis: {masterName: m}}`, "spec.redis.addresses", addressesMissing),
	refused(`spec: {redis: {addresses: ["a:1"], mode: Cluster, database: 1}}`, "spec.redis.database", "a Redis Cluster has only the database 0: leave redis.database out"),
	refused(`spec: {redis: {addresses: ["a:1"], sentinelCredentialsSecretRef: {name: s}}}`, "spec.redis.sentinelCredentialsSecretRef", sentinelLogin),
	refused(`spec: {redis: {addresses: ["a:1"], mode: Cluster, sentinelCredentialsSecretRef: {name: s}}}`, "spec.redis.sentinelCredentialsSecretRef", sentinelLogin),
	refused(`spec: {redis: {addresses: ["a:1"], mode: Sentinel, masterName: m, sentinelCredentialsSecretRef: {name: S}}}`, "spec.redis.sentinelCredentialsSecretRef.name", secretName),
	refused(`spec: {channel: redis-queue, redis: {addresses: ["a:1"], mode: Cluster}}`, "spec.channel", hashTagMissing),
	refused(`spec: {channel: "a{}b{c}", redis: {addresses: ["a:1"], mode: Cluster}}`, "spec.channel", hashTagMissing),
	refused(`spec: {channel: "a}b{c", redis: {addresses: ["a:1"], mode: Cluster}}`, "spec.channel", hashTagMissing),
	refused(`spec: {redis: {addresses: ["redis"]}}`, "spec.redis.addresses[0]", addressForm),
	refused(`spec: {redis: {addresses: ["redis://redis:6379"]}}`, "spec.redis.addresses[0]", addressForm),
	refused(`spec: {redis: {addresses: ["redis:0"]}}`, "spec.redis.addresses[0]", addressForm),
	refused(`spec: {redis: {addresses: ["redis:65536"]}}`, "spec.redis.addresses[0]", addressForm),
	refused(`spec: {redis: {addresses: ["user@redis:6379"]}}`, "spec.redis.addresses[0]", addressForm),
	refused(`spec: {redis: {addresses: ["fd00::1:6379"]}}`, "spec.redis.addresses[0]", addressForm),
	refused(`spec: {redis: {mode: Standalone}}`, "spec.redis.addresses", addressesMissing),
	refused(`spec: {redis: {database: 3}}`, "spec.redis.addresses", addressesMissing),
	refused(`spec: {redis: {tls: {enabled: true}}}`, "spec.redis.addresses", addressesMissing),
	refused(`spec: {redis: {addresses: ["redis:6379"], mode: Ring}}`, "spec.redis.mode", `Unsupported value: "Ring": supported values: "Standalone", "Sentinel", "Cluster"`),
	refused(`spec: {redis: {addresses: ["redis:6379"], database: -1}}`, "spec.redis.database", "spec.redis.database in body should be greater than or equal to 0"),
	refused(`spec: {redis: {credentialsSecretRef: {}}}`, "spec.redis.credentialsSecretRef.name", "Required value"),
	refused(`spec: {redis: {credentialsSecretRef: {name: Not_A_Name}}}`, "spec.redis.credentialsSecretRef.name", secretName),
	refused(`spec: {redis: {addresses: ["redis:6379"], tls: {}}}`, "spec.redis.tls.enabled", "Required value"),
	refused(`spec: {redis: {addresses: ["redis:6379"], tls: {enabled: false, caSecretRef: {name: ca}}}}`, "spec.redis.tls.enabled", tlsOff),
	refused(`spec: {redis: {addresses: ["redis:6379"], tls: {enabled: false, insecureSkipVerify: true}}}`, "spec.redis.tls.enabled", tlsOff),
	refused(`spec: {redis: {addresses: ["redis:6379"], tls: {enabled: true, caSecretRef: {name: ca}, insecureSkipVerify: true}}}`,
		"spec.redis.tls.insecureSkipVerify", "insecureSkipVerify would ignore caSecretRef: set only one of them"),
	refused(`spec: {redis: {addresses: ["redis:6379"], tls: {enabled: true, serverName: "https://redis"}}}`,
		"spec.redis.tls.serverName", "serverName must be a host name or an IP address, without a scheme, such as redis.example.com"),

	// numbers
	refused(`spec: {timeouts: {popSeconds: 0}}`, "spec.timeouts.popSeconds", "spec.timeouts.popSeconds in body should be greater than or equal to 1"),
	refused(`spec: {timeouts: {handleSeconds: 604801}}`, "spec.timeouts.handleSeconds", "spec.timeouts.handleSeconds in body should be less than or equal to 604800"),
	refused(`spec: {timeouts: {retrySeconds: []}}`, "spec.timeouts.retrySeconds", "spec.timeouts.retrySeconds in body should have at least 1 items"),
	refused(`spec: {timeouts: {retrySeconds: [5, -1]}}`, "spec.timeouts.retrySeconds[1]", "spec.timeouts.retrySeconds[1] in body should be greater than or equal to 0"),
	refused(`spec: {timeouts: {drainSeconds: 0}}`, "spec.timeouts.drainSeconds", "spec.timeouts.drainSeconds in body should be greater than or equal to 1"),
	refused(`spec: {maxAttempts: -1}`, "spec.maxAttempts", "spec.maxAttempts in body should be greater than or equal to 0"),
	refused(`spec: {concurrency: 0}`, "spec.concurrency", "spec.concurrency in body should be greater than or equal to 1"),
	refused(`spec: {exclusive: true}`, "spec.concurrency", "an exclusive queue runs one message at a time: set concurrency to 1"),
	refused(`spec: {exclusive: true, concurrency: 1, replicas: 2}`, "spec.replicas", "an exclusive queue has at most one worker: set replicas to 1, or to 0"),
	refused(`spec: {exclusive: true, concurrency: 1, autoscaling: {maxReplicas: 2}}`, "spec.autoscaling.maxReplicas", "an exclusive queue has at most one worker: set autoscaling.maxReplicas to 1"),
	refused(`spec: {maxMessages: -1}`, "spec.maxMessages", "spec.maxMessages in body should be greater than or equal to 0"),
	refused(`spec: {maxMemoryPercent: -1}`, "spec.maxMemoryPercent", "spec.maxMemoryPercent in body should be greater than or equal to 0"),
	refused(`spec: {maxMemoryPercent: 101}`, "spec.maxMemoryPercent", "spec.maxMemoryPercent in body should be less than or equal to 100"),
	refused(`spec: {replicas: 1001}`, "spec.replicas", "spec.replicas in body should be less than or equal to 1000"),

	refused(`spec: {maxMessageBytes: -1}`, "spec.maxMessageBytes", "spec.maxMessageBytes in body should be greater than or equal to 1"),
	refused(`spec: {maxMessageBytes: 536870913}`, "spec.maxMessageBytes", "spec.maxMessageBytes in body should be less than or equal to 536870912"),

	// choices
	refused(`spec: {timeouts: {onHandleTimeout: Kill}}`, "spec.timeouts.onHandleTimeout", `Unsupported value: "Kill": supported values: "Continue", "Cancel"`),
	refused(`spec: {timeouts: {onLateSuccess: Forget}}`, "spec.timeouts.onLateSuccess", `Unsupported value: "Forget": supported values: "Keep", "Remove"`),
	refused(`spec: {timeoutReload: {schedule: "@hourly", onWorkerLoss: Never}}`, "spec.timeoutReload.onWorkerLoss", `Unsupported value: "Never": supported values: "Immediately", "OnSchedule"`),

	// intake
	refused(`spec: {intake: {}}`, "spec.intake.state", "Required value"),
	refused(`spec: {intake: {state: Ajar}}`, "spec.intake.state", `Unsupported value: "Ajar": supported values: "Open", "Closed"`),
	refused(`spec: {intake: {state: Closed, key: ""}}`, "spec.intake.key", "spec.intake.key in body should be at least 1 chars long"),
	refused(`spec: {intake: {state: Closed, key: "two words"}}`, "spec.intake.key", "key may hold no white space and no control characters: remove them"),
	refused(`spec: {channel: "{orders}", intake: {state: Closed, key: "{orders}:waiting"}}`, "spec.intake.key",
		"intake.key may not be one of the queue's own keys, which begin with its channel: use the key that PHP reads, such as c:IS_PUSH_orders"),

	// autoscaling
	refused(`spec: {autoscaling: {}}`, "spec.autoscaling.maxReplicas", "Required value"),
	refused(`spec: {autoscaling: {maxReplicas: 0}}`, "spec.autoscaling.maxReplicas", "spec.autoscaling.maxReplicas in body should be greater than or equal to 1"),
	refused(`spec: {autoscaling: {minReplicas: 6, maxReplicas: 5}}`, "spec.autoscaling.minReplicas", "minReplicas may not be greater than maxReplicas: lower it, or raise maxReplicas"),
	refused(`spec: {autoscaling: {maxReplicas: 5, queueLength: {target: 0}}}`, "spec.autoscaling.queueLength.target", "spec.autoscaling.queueLength.target in body should be greater than or equal to 1"),
	refused(`spec: {autoscaling: {maxReplicas: 5, waitTime: {}}}`, "spec.autoscaling.waitTime.targetSeconds", "Required value"),
	refused(`spec: {autoscaling: {maxReplicas: 5, waitTime: {targetSeconds: 0}}}`, "spec.autoscaling.waitTime.targetSeconds", "spec.autoscaling.waitTime.targetSeconds in body should be greater than or equal to 1"),
	refused(`spec: {autoscaling: {maxReplicas: 5, scheduleAheadSeconds: 3601}}`, "spec.autoscaling.scheduleAheadSeconds", "spec.autoscaling.scheduleAheadSeconds in body should be less than or equal to 3600"),
	refused(`spec: {autoscaling: {maxReplicas: 5, behavior: {scaleUp: {stabilizationWindowSeconds: 3601}}}}`, "spec.autoscaling.behavior.scaleUp.stabilizationWindowSeconds", "spec.autoscaling.behavior.scaleUp.stabilizationWindowSeconds in body should be less than or equal to 3600"),
	refused(`spec: {autoscaling: {maxReplicas: 5, behavior: {scaleDown: {selectPolicy: Least}}}}`, "spec.autoscaling.behavior.scaleDown.selectPolicy", `Unsupported value: "Least": supported values: "Max", "Min", "Disabled"`),
	refused(`spec: {autoscaling: {maxReplicas: 5, behavior: {scaleDown: {policies: []}}}}`, "spec.autoscaling.behavior.scaleDown.policies", "spec.autoscaling.behavior.scaleDown.policies in body should have at least 1 items"),
	refused(`spec: {autoscaling: {maxReplicas: 5, behavior: {scaleDown: {policies: [{type: Nodes, value: 1, periodSeconds: 1}]}}}}`, "spec.autoscaling.behavior.scaleDown.policies[0].type", `Unsupported value: "Nodes": supported values: "Pods", "Percent"`),
	refused(`spec: {autoscaling: {maxReplicas: 5, behavior: {scaleDown: {policies: [{type: Pods, value: 0, periodSeconds: 1}]}}}}`, "spec.autoscaling.behavior.scaleDown.policies[0].value", "spec.autoscaling.behavior.scaleDown.policies[0].value in body should be greater than or equal to 1"),
	refused(`spec: {autoscaling: {maxReplicas: 5, behavior: {scaleDown: {policies: [{type: Pods, value: 1, periodSeconds: 1801}]}}}}`, "spec.autoscaling.behavior.scaleDown.policies[0].periodSeconds", "spec.autoscaling.behavior.scaleDown.policies[0].periodSeconds in body should be less than or equal to 1800"),
	refused(`spec: {autoscaling: {maxReplicas: 5, behavior: {scaleDown: {policies: [{type: Pods, value: 1}]}}}}`, "spec.autoscaling.behavior.scaleDown.policies[0].periodSeconds", "Required value"),
	refused(`spec: {autoscaling: {maxReplicas: 5, idleSeconds: -1}}`, "spec.autoscaling.idleSeconds", "spec.autoscaling.idleSeconds in body should be greater than or equal to 0"),

	// timeoutReload
	refused(`spec: {timeoutReload: {}}`, "spec.timeoutReload.schedule", "Required value"),
	refused(`spec: {timeoutReload: {schedule: "every five minutes"}}`, "spec.timeoutReload.schedule", fiveFields),
	refused(`spec: {timeoutReload: {schedule: "CRON_TZ=UTC */5 * * * *"}}`, "spec.timeoutReload.schedule", fiveFields),
	refused(`spec: {timeoutReload: {schedule: "@fortnightly"}}`, "spec.timeoutReload.schedule", macroUnknown),
	refused(`spec: {timeoutReload: {schedule: "60 * * * *"}}`, "spec.timeoutReload.schedule", "the first field of schedule is the minute: numbers from 0 to 59"+listsAndRanges),
	refused(`spec: {timeoutReload: {schedule: "*/0 * * * *"}}`, "spec.timeoutReload.schedule", "the first field of schedule is the minute: numbers from 0 to 59"+listsAndRanges),
	refused(`spec: {timeoutReload: {schedule: "0 24 * * *"}}`, "spec.timeoutReload.schedule", "the second field of schedule is the hour: numbers from 0 to 23"+listsAndRanges),
	refused(`spec: {timeoutReload: {schedule: "0 0 0 * *"}}`, "spec.timeoutReload.schedule", "the third field of schedule is the day of the month: numbers from 1 to 31"+listsAndRanges),
	refused(`spec: {timeoutReload: {schedule: "0 0 * 1-13 *"}}`, "spec.timeoutReload.schedule", "the fourth field of schedule is the month: numbers from 1 to 12, or jan to dec"+listsAndRanges),
	refused(`spec: {timeoutReload: {schedule: "0 0 * * 7"}}`, "spec.timeoutReload.schedule", "the fifth field of schedule is the day of the week: numbers from 0 (Sunday) to 6, or sun to sat"+listsAndRanges),
	refused(`spec: {timeoutReload: {schedule: "@hourly", timeZone: "Local"}}`, "spec.timeoutReload.timeZone", zoneForm),
	refused(`spec: {timeoutReload: {schedule: "@hourly", timeZone: "+02:00"}}`, "spec.timeoutReload.timeZone", zoneForm),
	refused(`spec: {timeoutReload: {schedule: "@hourly", maxMessages: 0}}`, "spec.timeoutReload.maxMessages", "spec.timeoutReload.maxMessages in body should be greater than or equal to 1"),
	refused(`spec: {timeoutReload: {schedule: "@hourly", maxReloads: 0}}`, "spec.timeoutReload.maxReloads", "spec.timeoutReload.maxReloads in body should be greater than or equal to 1"),

	// handler
	refused(`spec: {handler: null}`, "spec.handler", imageMissing),
	refused(`spec: {handler: null, template: {spec: {containers: [{name: sidecar, image: "i:1"}]}}}`, "spec.handler", imageMissing),
	refused(`spec: {handler: null, template: {spec: {containers: [{name: worker}]}}}`, "spec.handler", imageMissing),
	refused(`spec: {handler: {http: null}}`, "spec.handler", oneHandler),
	refused(`spec: {handler: {exec: {command: [php, job.php]}}}`, "spec.handler", oneHandler),
	refused(`spec: {handler: {http: {url: "/jobs"}}}`, "spec.handler.http.url", urlForm),
	refused(`spec: {handler: {http: {url: "ftp://host/jobs"}}}`, "spec.handler.http.url", urlForm),
	refused(`spec: {handler: {http: {url: "127.0.0.1:8080"}}}`, "spec.handler.http.url", urlForm),
	refused(`spec: {handler: {http: {url: "http:///jobs"}}}`, "spec.handler.http.url", urlForm),
	refused(`spec: {handler: {http: {url: "http://user:secret@host/jobs"}}}`, "spec.handler.http.url",
		"url may hold no user name or password, since they would show in the pod: remove the part before the @"),
	refused(`spec: {handler: {http: null, exec: {command: []}}}`, "spec.handler.exec.command", "spec.handler.exec.command in body should have at least 1 items"),
	refused(`spec: {handler: {http: null, exec: {command: [php], image: "my app"}}}`, "spec.handler.exec.image", "image may hold no white space: give one reference, such as my/app:1"),
	refused(`spec: {handler: {http: null, exec: {command: [php], image: "app:1"}}, template: {spec: {containers: [{name: worker, image: "app:2"}]}}}`, "spec.handler.exec.image",
		"the container worker has one image: set handler.exec.image where the worker program is to be brought in, or the image in spec.template where it is there already, not both"),
	refused(`spec: {handler: {http: null, exec: {command: ["", a]}}}`, "spec.handler.exec.command", "the first item of command is the program and may not be empty"),

	// template: metadata
	refused(`spec: {template: {metadata: {name: x}}}`, "spec.template.metadata.name", "the metadata of a template takes only labels and annotations: remove name"),
	refused(`spec: {template: {metadata: {namespace: x}}}`, "spec.template.metadata.namespace", "the metadata of a template takes only labels and annotations: remove namespace"),
	refused(`spec: {template: {metadata: {finalizers: [x/y]}}}`, "spec.template.metadata.finalizers", "the metadata of a template takes only labels and annotations: remove finalizers"),
	refused(`spec: {template: {metadata: {labels: {app.kubernetes.io/name: mine}}}}`, "spec.template.metadata.labels", ourLabels),
	refused(`spec: {template: {metadata: {labels: {queue.asyncqueue.dev/queue: mine}}}}`, "spec.template.metadata.labels", ourLabels),
	refused(`spec: {template: {metadata: {annotations: {queue.asyncqueue.dev/secrets: mine}}}}`, "spec.template.metadata.annotations",
		"annotations that begin with queue.asyncqueue.dev/ are the operator's: choose other names"),

	// template: pod
	refused(`spec: {template: {spec: {restartPolicy: Never}}}`, "spec.template.spec.restartPolicy", "workers are always restarted: leave restartPolicy out"),
	refused(`spec: {template: {spec: {terminationGracePeriodSeconds: 5}}}`, "spec.template.spec.terminationGracePeriodSeconds",
		"the grace period follows from spec.timeouts.drainSeconds: set that instead"),
	refused(`spec: {template: {spec: {activeDeadlineSeconds: 5}}}`, "spec.template.spec.activeDeadlineSeconds", "workers run without a deadline: leave activeDeadlineSeconds out"),
	refused(`spec: {template: {spec: {serviceAccount: me}}}`, "spec.template.spec.serviceAccount", "serviceAccount is deprecated: set serviceAccountName instead"),
	refused(`spec: {template: {spec: {ephemeralContainers: [{name: debug}]}}}`, "spec.template.spec.ephemeralContainers",
		"a template takes no ephemeral containers: add them to a running pod with kubectl debug"),
	refused(`spec: {template: {spec: {initContainers: [{name: worker, image: "i:1"}]}}}`, "spec.template.spec.initContainers[0].name",
		"worker is the name of the container that consumes the queue: choose another name for the init container"),
	refused(`spec: {template: {spec: {volumes: [{name: asyncqueue-tmp, emptyDir: {}}]}}}`, "spec.template.spec.volumes[0].name",
		"volumes that begin with asyncqueue- are the operator's: choose another name"),

	// template: containers
	refused(`spec: {template: {spec: {containers: [{name: sidecar}]}}}`, "spec.template.spec.containers[0].image", "every container besides worker needs an image: set it"),
	refused(`spec: {template: {spec: {containers: [{name: worker, command: [sh]}]}}}`, "spec.template.spec.containers[0].command", onlyWorkerFields("command")),
	refused(`spec: {template: {spec: {containers: [{name: sidecar, image: "i:1"}, {name: worker, args: [run]}]}}}`, "spec.template.spec.containers[1].args", onlyWorkerFields("args")),
	refused(`spec: {template: {spec: {containers: [{name: worker, imagePullPolicy: Always}]}}}`, "spec.template.spec.containers[0].imagePullPolicy", onlyWorkerFields("imagePullPolicy")),
	refused(`spec: {template: {spec: {containers: [{name: worker, ports: [{containerPort: 80}]}]}}}`, "spec.template.spec.containers[0].ports", onlyWorkerFields("ports")),
	refused(`spec: {template: {spec: {containers: [{name: worker, livenessProbe: {tcpSocket: {port: 80}}}]}}}`, "spec.template.spec.containers[0].livenessProbe", onlyWorkerFields("livenessProbe")),
	refused(`spec: {template: {spec: {containers: [{name: worker, securityContext: {privileged: true}}]}}}`, "spec.template.spec.containers[0].securityContext", onlyWorkerFields("securityContext")),
	refused(`spec: {template: {spec: {containers: [{name: worker, lifecycle: {}}]}}}`, "spec.template.spec.containers[0].lifecycle", onlyWorkerFields("lifecycle")),
	refused(`spec: {template: {spec: {containers: [{name: worker, readinessProbe: {tcpSocket: {port: 80}}}]}}}`, "spec.template.spec.containers[0].readinessProbe", onlyWorkerFields("readinessProbe")),
	refused(`spec: {template: {spec: {containers: [{name: worker, startupProbe: {tcpSocket: {port: 80}}}]}}}`, "spec.template.spec.containers[0].startupProbe", onlyWorkerFields("startupProbe")),
	refused(`spec: {template: {spec: {containers: [{name: worker, resizePolicy: [{resourceName: cpu, restartPolicy: NotRequired}]}]}}}`, "spec.template.spec.containers[0].resizePolicy", onlyWorkerFields("resizePolicy")),
	refused(`spec: {template: {spec: {containers: [{name: worker, restartPolicy: Always}]}}}`, "spec.template.spec.containers[0].restartPolicy", onlyWorkerFields("restartPolicy")),
	refused(`spec: {template: {spec: {containers: [{name: worker, restartPolicyRules: [{action: Restart}]}]}}}`, "spec.template.spec.containers[0].restartPolicyRules", onlyWorkerFields("restartPolicyRules")),
	refused(`spec: {template: {spec: {containers: [{name: worker, stdin: true}]}}}`, "spec.template.spec.containers[0].stdin", onlyWorkerFields("stdin")),
	refused(`spec: {template: {spec: {containers: [{name: worker, stdinOnce: true}]}}}`, "spec.template.spec.containers[0].stdinOnce", onlyWorkerFields("stdinOnce")),
	refused(`spec: {template: {spec: {containers: [{name: worker, tty: true}]}}}`, "spec.template.spec.containers[0].tty", onlyWorkerFields("tty")),
	refused(`spec: {template: {spec: {containers: [{name: worker, terminationMessagePath: /x}]}}}`, "spec.template.spec.containers[0].terminationMessagePath", onlyWorkerFields("terminationMessagePath")),
	refused(`spec: {template: {spec: {containers: [{name: worker, terminationMessagePolicy: File}]}}}`, "spec.template.spec.containers[0].terminationMessagePolicy", onlyWorkerFields("terminationMessagePolicy")),
	refused(`spec: {template: {spec: {containers: [{name: worker, volumeDevices: [{name: d, devicePath: /d}]}]}}}`, "spec.template.spec.containers[0].volumeDevices", onlyWorkerFields("volumeDevices")),
	refused(`spec: {template: {spec: {containers: [{name: worker, workingDir: /x}]}}}`, "spec.template.spec.containers[0].workingDir", onlyWorkerFields("workingDir")),
	refused(`spec: {template: {spec: {containers: [{name: worker, env: [{name: ASYNCQUEUE_CHANNEL, value: mine}]}]}}}`, "spec.template.spec.containers[0].env",
		"names that begin with ASYNCQUEUE_ are the operator's: set the field of spec that they stand for, or choose another name"),
	refused(`spec: {template: {spec: {containers: [{name: worker, volumeMounts: [{name: v, mountPath: /tmp}]}]}}}`, "spec.template.spec.containers[0].volumeMounts", ourMounts),
	refused(`spec: {template: {spec: {containers: [{name: worker, volumeMounts: [{name: v, mountPath: /etc/asyncqueue/redis}]}]}}}`, "spec.template.spec.containers[0].volumeMounts", ourMounts),
)
