package autoscale

import (
	"fmt"
	"math"
	"time"
)

// Rules restrain one direction, with the meaning of HPAScalingRules in
// autoscaling/v2. The zero Rules restrain nothing.
type Rules struct {
	// Window is how long a recommendation must stand before it is followed.
	Window time.Duration
	// Policies limit how far the size may go within their periods. None: as far as
	// it likes.
	Policies []Policy
	// Select says which of several policies counts. Empty is SelectMax.
	Select Select
}

// Policy allows a change of so many workers within a period.
type Policy struct {
	Kind PolicyKind
	// Value is a number of workers, or a percentage of the size at the beginning of
	// the period. Above 0.
	Value int32
	// Period is how far back changes count.
	Period time.Duration
}

// PolicyKind is the unit of a policy's value.
type PolicyKind string

// The kinds of policies.
const (
	Pods    PolicyKind = "Pods"
	Percent PolicyKind = "Percent"
)

// Select says which policy counts.
type Select string

// The selections.
const (
	// SelectMax takes the policy that allows the greatest change.
	SelectMax Select = "Max"
	// SelectMin takes the policy that allows the smallest change.
	SelectMin Select = "Min"
	// SelectDisabled allows no change in this direction.
	SelectDisabled Select = "Disabled"
)

// longest is the longest period of the policies.
func (r Rules) longest() time.Duration {
	var d time.Duration
	for _, p := range r.Policies {
		d = max(d, p.Period)
	}
	return d
}

// upTo is the greatest size that the policies allow now.
func (r Rules) upTo(in Input) int64 {
	most := func(p Policy, start int64) int64 {
		if p.Kind == Percent {
			return int64(math.Ceil(float64(start) * (1 + float64(p.Value)/100)))
		}
		return start + int64(p.Value)
	}
	limit, bound := r.limit(in, most, func(a, b int64) bool { return a > b })
	if !bound {
		return math.MaxInt32
	}
	if in.Current == 0 && r.Select != SelectDisabled {
		limit = max(limit, 1)
	}
	return max(limit, int64(in.Current))
}

// downTo is the smallest size that the policies allow now.
func (r Rules) downTo(in Input) int64 {
	least := func(p Policy, start int64) int64 {
		if p.Kind == Percent {
			return int64(float64(start) * (1 - float64(p.Value)/100))
		}
		return start - int64(p.Value)
	}
	limit, bound := r.limit(in, least, func(a, b int64) bool { return a < b })
	if !bound {
		return 0
	}
	return min(limit, int64(in.Current))
}

// limit applies each policy to the size at the beginning of its period, and
// selects. further says that its first argument is the greater change.
func (r Rules) limit(in Input, apply func(Policy, int64) int64, further func(a, b int64) bool) (limit int64, bound bool) {
	if r.Select == SelectDisabled {
		return int64(in.Current), true
	}
	for i, p := range r.Policies {
		proposed := apply(p, int64(in.Current)-in.State.change(in.Now, p.Period))
		if i == 0 || further(proposed, limit) == (r.Select != SelectMin) {
			limit = proposed
		}
	}
	return limit, len(r.Policies) > 0
}

// restrainUp slows d, which asks for more workers than there are. Min is reached
// at once.
func restrainUp(in Input, d Decision) Decision {
	low, left := d.State.lowest(in.Now, in.Up.Window)
	limit := in.Up.upTo(in)
	allowed := max(int64(in.Current), int64(in.Min), min(int64(low), limit))
	if allowed >= int64(d.Replicas) {
		return d
	}
	d.Replicas = int32(allowed) //nolint:gosec // it is between Current and the recommendation
	if limit <= int64(low) {
		return limited(in, in.Up, d, limit)
	}
	d.Reason = ReasonStabilizing
	d.Message = fmt.Sprintf("%s; %d within the last %s", d.Message, low, in.Up.Window)
	d.Recheck = soonest(d.Recheck, left)
	return d
}

// restrainIn slows d, which asks for fewer workers than there are: the window,
// the policies, and what workers have in hand. Max is above all of them.
func restrainIn(in Input, d Decision) Decision {
	high, left := d.State.highest(in.Now, in.In.Window)
	limit, floor := in.In.downTo(in), ceilDiv(in.Counts.InHand, in.Concurrency)
	held := min(int64(in.Current), int64(in.Max), max(int64(high), limit, floor))
	if held <= int64(d.Replicas) {
		return d
	}
	d.Replicas = int32(held) //nolint:gosec // it is at most Current
	switch {
	case floor >= max(int64(high), limit):
		d.Reason = ReasonInHand
		d.Message = fmt.Sprintf("%s; %d in hand / %d per worker need %d", d.Message, in.Counts.InHand, in.Concurrency, floor)
	case limit >= int64(high):
		return limited(in, in.In, d, limit)
	default:
		d.Reason = ReasonStabilizing
		d.Message = fmt.Sprintf("%s; %d within the last %s", d.Message, high, in.In.Window)
	}
	d.Recheck = soonest(d.Recheck, left)
	return d
}

// limited explains a size that the policies of r hold back. It may go on when the
// oldest change leaves the period of a policy.
func limited(in Input, r Rules, d Decision, limit int64) Decision {
	d.Reason = ReasonLimited
	if r.Select == SelectDisabled {
		d.Message += "; spec.autoscaling.behavior disables this direction"
		return d
	}
	d.Message = fmt.Sprintf("%s; spec.autoscaling.behavior allows %d now", d.Message, limit)
	d.Recheck = soonest(d.Recheck, d.State.moved(in, d.Replicas).expiry(in.Now, r.Policies))
	return d
}
