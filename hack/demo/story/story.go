package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/asyncqueue/operator/queue"
)

// The sample that scales, and its channel in Redis (config/samples).
const (
	namespace = "default"
	name      = "autoscaled"
	channel   = "{autoscaled}"
)

// A message of this many seconds outlives the sample's handle timeout.
const lateSeconds = 16

// story is what the chapters share.
type story struct {
	address  string // Redis, host:port
	messages int
	begin    time.Time
	failed   int64 // how many messages stand in `failed` at the end

	kube  client.Client
	redis *redis.Client
	queue *queue.Queue
}

// applySamples applies the seed's three queues and the autoscaled fourth.
func (s *story) applySamples(ctx context.Context) error {
	chapter("Four queues: the three of Hyperf's documentation, and one that scales from zero")
	begin := time.Now()
	if err := show(ctx, "kubectl", "apply", "-k", "config/samples"); err != nil {
		return err
	}
	if err := show(ctx, "kubectl", "wait", "--for=condition=Ready", "aq", "--all", "--timeout=180s"); err != nil {
		return err
	}
	sayf("All four are Ready %.1f s after they were applied.", time.Since(begin).Seconds())
	return show(ctx, "kubectl", "get", "aq")
}

// watchBurst pushes the burst and watches until it is drained and the queue is at zero workers again.
func (s *story) watchBurst(ctx context.Context) error {
	chapter(fmt.Sprintf("%d messages at once onto %s: half PHP-serialised DemoJobs, half CloudEvents", s.messages, channel))
	v := newView(s)
	if err := s.push(ctx, s.messages/2, "--hyperf-class", `App\Job\DemoJob`, "--param", "seconds=4"); err != nil {
		return err
	}
	if err := s.push(ctx, s.messages-s.messages/2, "--type", "demo.job", "--data", `{"seconds": 4}`); err != nil {
		return err
	}
	var raised, ready, drained bool
	pushed := time.Now()
	return v.until(ctx, 5*time.Minute, func(l look) bool {
		since := time.Since(pushed).Seconds()
		note := func(done *bool, when bool, format string, args ...any) {
			if when && !*done {
				*done = true
				v.notef(format, args...)
			}
		}
		note(&raised, l.desired > 0, "%.1f s after the push: the operator asks for %d workers (%s)", since, l.desired, l.reason)
		note(&ready, l.desired > 0 && l.ready >= l.desired, "%.1f s after the push: %d workers are Ready", since, l.ready)
		note(&drained, raised && pending(l.counts) == 0, "%.1f s after the push: all %d messages are done", since, s.messages)
		return drained && l.desired == 0 && l.ready == 0
	})
}

// watchLateMessage pushes a message that outlives its handle timeout, and watches it to its end in `failed`.
func (s *story) watchLateMessage(ctx context.Context) error {
	chapter("One message that takes longer than its handle timeout")
	sayf("A timeout is not a failure: the message goes to `timeout`, its handler goes on. The queue declares")
	sayf("timeoutReload, so the CronJob puts it back on `waiting`, maxReloads times; then it goes to `failed`.")
	v := newView(s)
	if err := s.push(ctx, 1, "--hyperf-class", `App\Job\DemoJob`, "--param", "seconds="+strconv.Itoa(lateSeconds)); err != nil {
		return err
	}
	previous, err := s.look(ctx) // an earlier story's end may still stand in `failed`
	if err != nil {
		return err
	}
	runs := 0
	err = v.until(ctx, 8*time.Minute, func(l look) bool {
		switch {
		case l.counts.Timeout > previous.counts.Timeout:
			runs++
			v.notef("it outlived its handle timeout (run %d): it stands in `timeout`, its handler goes on", runs)
		case l.counts.Timeout < previous.counts.Timeout && l.counts.Failed == previous.counts.Failed:
			v.notef("the CronJob put it back on `waiting`")
		}
		if l.late < previous.late {
			v.notef("its handler has ended; the worker's log says so:")
			s.showEnd(ctx)
		}
		failed := l.counts.Failed > previous.counts.Failed
		if failed {
			v.notef("it came back too often: it stands in `failed`, with the reason kept beside it")
		}
		previous = l
		return failed
	})
	if err != nil {
		return err
	}
	s.failed = previous.counts.Failed
	reasons, err := s.queue.Reasons(ctx, 1)
	if err != nil {
		return err
	}
	for _, reason := range reasons {
		sayf("reason: %s", reason.Reason)
	}
	return nil
}

// showEnd prints the last line in which a handler says that it has ended.
func (s *story) showEnd(ctx context.Context) {
	logs, err := output(ctx, "kubectl", "logs", "--tail=-1",
		"-l", "queue.asyncqueue.dev/queue="+name+",app.kubernetes.io/component=worker")
	if err != nil {
		sayf("  (the log cannot be read: %v)", err)
		return
	}
	last := ""
	for line := range strings.Lines(logs) {
		if strings.Contains(line, "DemoJob end.") {
			last = strings.TrimSpace(line)
		}
	}
	sayf("  %s", last)
}

// push runs `worker push`, as a producer that is neither PHP nor Go would.
func (s *story) push(ctx context.Context, count int, more ...string) error {
	args := []string{"push", "--redis", "redis://" + s.address, "--channel", channel, "--count", strconv.Itoa(count)}
	return show(ctx, "bin/images/worker", append(args, more...)...)
}

// whatNext says what to try.
func (s *story) whatNext(ctx context.Context) error {
	chapter("Where the queues stand now")
	err := show(ctx, "kubectl", "wait", "aq/"+name, "--timeout=60s",
		fmt.Sprintf("--for=jsonpath={.status.backlog.failed}=%d", s.failed)) // the status follows within 30 s
	if err != nil {
		return err
	}
	if err := show(ctx, "kubectl", "get", "aq", "-o", "wide"); err != nil {
		return err
	}
	fmt.Printf(`
The whole story took %s. The cluster stays up. What to try next:

  eval "$(hack/cluster/cluster env)"                           # kubectl and KUBECONFIG for this shell
  kubectl get aq -o wide --watch                               # the queues, live
  kubectl describe aq %[2]s                               # conditions, backlog, events: how it is, and why
  kubectl logs -l queue.asyncqueue.dev/queue=%[2]s --tail=5
  kubectl scale aq/default --replicas=3                        # the queue without a scaler obeys
  kubectl patch aq normal --type=merge -p '{"spec":{"suspend":true}}'
  kubectl explain aq.spec.autoscaling
  kubectl get pods,deployments,cronjobs -l app.kubernetes.io/name=asyncqueue
  bin/images/worker push --redis redis://%[3]s --channel '%[4]s' --count 1000 --type demo.job --data '{"seconds":1}'
  bin/images/worker reload --redis redis://%[3]s --channel '%[4]s' --state failed --max 10
  make demo-down                                               # removes everything
`, time.Since(s.begin).Round(time.Second), name, s.address, channel)
	return nil
}

// pending is how many messages have neither ended nor been set aside.
func pending(c queue.Counts) int64 { return c.Waiting + c.Delayed + c.Reserved }
