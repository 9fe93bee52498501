package v1alpha1

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func TestEffectiveChannel(t *testing.T) {
	q := &AsyncQueue{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "orders"}}
	if got, want := q.EffectiveChannel(), "{shop.orders}"; got != want {
		t.Errorf("channel of a queue that names none: %q, want %q", got, want)
	}
	q.Spec.Channel = "redis-queue"
	if got, want := q.EffectiveChannel(), "redis-queue"; got != want {
		t.Errorf("channel of a queue that names one: %q, want %q", got, want)
	}
}

func TestEffectiveIntakeKey(t *testing.T) {
	q := &AsyncQueue{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "orders"}}
	if got := q.EffectiveIntakeKey(); got != "" {
		t.Errorf("key of a gate that is left alone: %q", got)
	}
	q.Spec.Intake = &Intake{State: IntakeClosed}
	if got, want := q.EffectiveIntakeKey(), "c:IS_PUSH_orders"; got != want {
		t.Errorf("key of a gate that names none: %q, want %q", got, want)
	}
	q.Spec.Intake.Key = "shop:IS_PUSH_orders"
	if got, want := q.EffectiveIntakeKey(), "shop:IS_PUSH_orders"; got != want {
		t.Errorf("key of a gate that names one: %q, want %q", got, want)
	}
}

func TestEffectiveDrainSeconds(t *testing.T) {
	for _, test := range []struct {
		name     string
		timeouts Timeouts
		want     int32
	}{
		{"follows the handle timeout", Timeouts{HandleSeconds: 10}, 30},
		{"is what the spec says", Timeouts{HandleSeconds: 10, DrainSeconds: ptr.To[int32](3)}, 3},
		{"is a week at most", Timeouts{HandleSeconds: 604800}, 604800},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.timeouts.EffectiveDrainSeconds(); got != test.want {
				t.Errorf("drain seconds: %d, want %d", got, test.want)
			}
		})
	}
}
