package v1alpha1

const (
	// drainMargin is how many seconds longer than the handle timeout a worker
	// may drain where the spec does not say.
	drainMargin = 20
	// maxSeconds is the longest time limit that the schema allows: a week.
	maxSeconds = 7 * 24 * 60 * 60
)

// EffectiveChannel is the channel in use: spec.channel, or {namespace.name}
// where that is absent. The braces are a Redis Cluster hash tag and part of
// the channel.
func (q *AsyncQueue) EffectiveChannel() string {
	if q.Spec.Channel != "" {
		return q.Spec.Channel
	}
	return "{" + q.Namespace + "." + q.Name + "}"
}

// EffectiveIntakeKey is the key of the gate that intake is about: intake.key, or
// c:IS_PUSH_<name>. Empty where there is no intake.
func (q *AsyncQueue) EffectiveIntakeKey() string {
	switch in := q.Spec.Intake; {
	case in == nil:
		return ""
	case in.Key != "":
		return in.Key
	}
	return "c:IS_PUSH_" + q.Name
}

// EffectiveDrainSeconds is how long a worker that is told to stop may go on:
// drainSeconds, or handleSeconds + 20 but at most a week where that is absent.
func (t Timeouts) EffectiveDrainSeconds() int32 {
	if t.DrainSeconds != nil {
		return *t.DrainSeconds
	}
	return min(t.HandleSeconds+drainMargin, maxSeconds)
}
