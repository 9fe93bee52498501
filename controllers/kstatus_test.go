package controllers

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/poll"
)

// told is the queue of a case with the status that is written of it.
func told(t *testing.T, tc judgeCase) *queuev1alpha1.AsyncQueue {
	t.Helper()
	q := tc.seen.queue.DeepCopy()
	q.Status = statusOf(tc.seen, decide(tc.seen), tc.outcome)
	return q
}

// What kubectl wait, Flux and Argo CD make of every status: this is the library by
// which the first two, and the rules by which the last, judge.
func TestKstatusUnderstandsEveryStatus(t *testing.T) {
	for name, tc := range judgeCases() {
		t.Run(name, func(t *testing.T) {
			q := told(t, tc)
			object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(q)
			if err != nil {
				t.Fatal(err)
			}
			got, err := status.Compute(&unstructured.Unstructured{Object: object})
			if err != nil {
				t.Fatal(err)
			}
			want := status.InProgressStatus
			switch {
			case meta.IsStatusConditionTrue(q.Status.Conditions, queuev1alpha1.ConditionStalled):
				want = status.FailedStatus
			case meta.IsStatusConditionTrue(q.Status.Conditions, queuev1alpha1.ConditionReady):
				want = status.CurrentStatus
			}
			if got.Status != want {
				t.Errorf("%s (%s), want %s", got.Status, got.Message, want)
			}
		})
	}
}

// elsewhere are the reasons that come from other packages, which have tables of
// their own; here it counts what becomes of them.
func elsewhere() map[string]judgeCase {
	cases := map[string]judgeCase{}
	for _, reason := range []string{
		queuev1alpha1.ReasonSecretNotFound, queuev1alpha1.ReasonSecretKeyMissing, queuev1alpha1.ReasonSecretInvalid,
	} {
		cases["problem "+reason] = judgeCase{seen: scene(troubled(reason, false), scaling(0, 5))}
	}
	for _, reason := range []string{queuev1alpha1.ReasonNoRedis, queuev1alpha1.ReasonHashTagMissing, queuev1alpha1.ReasonNoSentinels} {
		cases["problem "+reason] = judgeCase{seen: scene(troubled(reason, true))}
	}
	for _, reason := range []string{
		queuev1alpha1.ReasonRedisUnreachable, queuev1alpha1.ReasonRedisNotWritable, queuev1alpha1.ReasonRedisAuthenticationFailed,
		queuev1alpha1.ReasonRedisPermissionDenied, queuev1alpha1.ReasonRedisTLSFailed, queuev1alpha1.ReasonRedisWrongType,
		queuev1alpha1.ReasonRedisMasterUnknown,
	} {
		cases["fault "+reason] = judgeCase{seen: scene(scaling(0, 5), func(s *observed) {
			s.sight.Fault = &poll.Fault{Reason: reason, Message: "Redis says so"}
		})}
	}
	return cases
}

// A fault or a problem heals by itself or by a person's hand, and the size is held
// meanwhile.
func TestEveryFaultIsTold(t *testing.T) {
	for name, tc := range elsewhere() {
		t.Run(name, func(t *testing.T) {
			q := told(t, tc)
			_, reason, _ := strings.Cut(name, " ")
			for kind, want := range map[string]metav1.ConditionStatus{
				queuev1alpha1.ConditionReady: metav1.ConditionFalse, queuev1alpha1.ConditionQueueReachable: metav1.ConditionFalse,
			} {
				if c := meta.FindStatusCondition(q.Status.Conditions, kind); c == nil || c.Status != want || c.Reason != reason {
					t.Errorf("%s is %+v, want %s/%s", kind, c, want, reason)
				}
			}
			if q.Status.DesiredReplicas != 1 {
				t.Errorf("%d workers wanted, want the one that there is", q.Status.DesiredReplicas)
			}
		})
	}
}

// constantsOf lists the values of the API's string constants with a prefix.
func constantsOf(t *testing.T, prefix string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../api/v1alpha1/conditions.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, prefix) {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, value)
		return true
	})
	return values
}

// Every condition and every reason of the API is the outcome of some case, and no
// condition has a reason that the API does not name. Each says a sentence.
func TestEveryConditionAndReasonHasACase(t *testing.T) {
	cases := judgeCases()
	maps.Copy(cases, elsewhere())
	kinds, reasons := map[string]bool{}, map[string]bool{}
	known := constantsOf(t, "Reason")
	for name, tc := range cases {
		for _, c := range told(t, tc).Status.Conditions {
			kinds[c.Type], reasons[c.Reason] = true, true
			if !slices.Contains(known, c.Reason) {
				t.Errorf("%s: %s has the reason %s, which is no constant of the API", name, c.Type, c.Reason)
			}
			if c.Message == "" || strings.HasSuffix(c.Message, ".") || strings.Contains(c.Message, "%!") {
				t.Errorf("%s: %s says %q", name, c.Type, c.Message)
			}
		}
	}
	for _, kind := range constantsOf(t, "Condition") {
		if !kinds[kind] {
			t.Errorf("no case has the condition %s", kind)
		}
	}
	for _, reason := range known {
		if !reasons[reason] {
			t.Errorf("no case has the reason %s", reason)
		}
	}
}
