package v1alpha1

// drainMargin is how many seconds longer than the handle timeout a worker may
// drain where the spec does not say.
const drainMargin = 20

// EffectiveChannel is the channel in use: spec.channel, or {namespace.name}
// where that is absent. The braces are a Redis Cluster hash tag and part of
// the channel.
func (q *AsyncQueue) EffectiveChannel() string {
	if q.Spec.Channel != "" {
		return q.Spec.Channel
	}
	return "{" + q.Namespace + "." + q.Name + "}"
}

// EffectiveDrainSeconds is how long a worker that is told to stop may go on:
// drainSeconds, or handleSeconds + 20 where that is absent.
func (t Timeouts) EffectiveDrainSeconds() int32 {
	if t.DrainSeconds != nil {
		return *t.DrainSeconds
	}
	return t.HandleSeconds + drainMargin
}
