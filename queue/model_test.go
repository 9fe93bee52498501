package queue

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// model is the protocol in plain Go: what every move does to the keys, without time, faults or
// Redis. The scripts must do the same to every state that a random sequence of moves leads to.
type model struct {
	waiting, timeout, failed []string // newest first, as in Redis
	delayed, beside          []modelDue
	reserved                 map[string]RunID // foreignRun: Hyperf's
	equal, redelivered       map[string]int
	workers                  map[string]*modelWorker
	clock                    int            // grows with every move, and orders what is due
	live                     map[string]int // messages that must stand somewhere
}

type modelDue struct {
	payload string
	due     int
}

type modelWorker struct {
	runs  []modelRun // ascending
	inbox []string   // newest first
}

type modelRun struct {
	id      RunID
	payload string
	late    bool // its message stands in timeout
	held    bool // past its deadline, its message is in hand only
}

const (
	foreignRun RunID = 1
	farAhead         = 1 << 40
)

func newModel() *model {
	return &model{
		reserved: map[string]RunID{}, equal: map[string]int{}, redelivered: map[string]int{},
		workers: map[string]*modelWorker{}, live: map[string]int{},
	}
}

func head(list []string, payload string) []string { return append([]string{payload}, list...) }

func cutTail(list []string) (rest []string, tail string) {
	return list[:len(list)-1], list[len(list)-1]
}

func (m *model) push(payload string) {
	m.waiting = head(m.waiting, payload)
	m.live[payload]++
}

// dueTime orders what is delayed: all that is due now comes before all that is far ahead.
func (m *model) dueTime(far bool) int {
	m.clock++
	if far {
		return farAhead + m.clock
	}
	return m.clock
}

func (m *model) pushDelayed(payload string, far bool) {
	due := m.dueTime(far)
	at := slices.IndexFunc(m.delayed, func(d modelDue) bool { return d.payload == payload })
	if at < 0 {
		m.live[payload]++
		m.delayed = append(m.delayed, modelDue{payload, due})
		return
	}
	m.delayed[at].due = due
}

// delay is how a run's message gets into delayed: beside an equal one.
func (m *model) delay(payload string, far bool) {
	entry := modelDue{payload, m.dueTime(far)}
	if slices.ContainsFunc(m.delayed, func(d modelDue) bool { return d.payload == payload }) {
		m.beside = append(m.beside, entry)
	} else {
		m.delayed = append(m.delayed, entry)
	}
}

func (m *model) moveDue() int {
	isDue := func(d modelDue) bool { return d.due < farAhead }
	var due []modelDue
	for _, set := range []*[]modelDue{&m.delayed, &m.beside} {
		for _, d := range *set {
			if isDue(d) {
				due = append(due, d)
			}
		}
		*set = slices.DeleteFunc(*set, isDue)
	}
	slices.SortFunc(due, func(a, b modelDue) int { return cmp.Compare(a.due, b.due) })
	for _, d := range due {
		m.waiting = head(m.waiting, d.payload)
	}
	return len(due)
}

func (m *model) releaseEqual(payload string) bool {
	if _, held := m.reserved[payload]; held || m.equal[payload] == 0 {
		return false
	}
	m.equal[payload]--
	m.waiting = append(m.waiting, payload)
	return true
}

func (m *model) find(worker string, id RunID) int {
	return slices.IndexFunc(m.workers[worker].runs, func(r modelRun) bool { return r.id == id })
}

// letGo takes a run out of the hand.
func (m *model) letGo(worker string, id RunID) {
	w := m.workers[worker]
	at := m.find(worker, id)
	run := w.runs[at]
	w.runs = slices.Delete(w.runs, at, at+1)
	if m.reserved[run.payload] == id {
		delete(m.reserved, run.payload)
	}
	m.releaseEqual(run.payload)
}

func (m *model) acknowledge(worker string, ids []RunID) {
	w := m.workers[worker]
	var ended []string
	for _, id := range slices.Sorted(slices.Values(ids)) {
		at := m.find(worker, id)
		run := w.runs[at]
		w.runs = slices.Delete(w.runs, at, at+1)
		if m.reserved[run.payload] == id {
			delete(m.reserved, run.payload)
		}
		if !run.late {
			m.live[run.payload]--
		}
		if !run.late && m.redelivered[run.payload] > 0 && run.id.counted(m) {
			delete(m.redelivered, run.payload)
		}
		ended = append(ended, run.payload)
	}
	for _, payload := range ended {
		m.releaseEqual(payload)
	}
}

// counted says that a run was claimed with a redelivery count; the test keeps it in the model.
func (id RunID) counted(m *model) bool { return m.redelivered[countKey(id)] > 0 }

func countKey(id RunID) string { return "run " + id.String() }

// claim returns the payloads that are to be claimed; "" stands for one that was set beside.
func (m *model) claim(worker string, want int) []string {
	w := m.workers[worker]
	var taken []string
	take := func(list *[]string) {
		for len(taken) < want && len(*list) > 0 {
			var payload string
			*list, payload = cutTail(*list)
			taken = append(taken, payload)
		}
	}
	take(&w.inbox)
	take(&m.waiting)
	if len(taken) < want && m.moveDue() > 0 {
		take(&m.waiting)
	}
	claimed := map[string]bool{}
	for i, payload := range taken {
		if _, held := m.reserved[payload]; held || claimed[payload] {
			m.equal[payload]++
			taken[i] = ""
		}
		claimed[payload] = true
	}
	return slices.DeleteFunc(taken, func(p string) bool { return p == "" })
}

// hold puts claimed runs into the hand, under the ids that Redis gave them.
func (m *model) hold(worker string, runs []Run) {
	for _, run := range runs {
		payload := string(run.Payload)
		m.reserved[payload] = run.ID
		m.workers[worker].runs = append(m.workers[worker].runs, modelRun{id: run.ID, payload: payload})
		if run.Redelivered > 0 {
			m.redelivered[countKey(run.ID)] = 1
		}
	}
}

func (m *model) retry(worker string, id RunID, payload string, far bool) Outcome {
	run := m.workers[worker].runs[m.find(worker, id)]
	outcome := WasLate
	if !run.late {
		outcome = Moved
		m.live[run.payload]--
		m.live[payload]++
		m.delay(payload, far)
	}
	m.letGo(worker, id)
	return outcome
}

func (m *model) fail(worker string, id RunID) Outcome {
	run := m.workers[worker].runs[m.find(worker, id)]
	outcome := WasLate
	if !run.late {
		outcome = Moved
		m.failed = head(m.failed, run.payload)
	}
	m.letGo(worker, id)
	return outcome
}

func (m *model) release(worker string, ids []RunID) {
	for _, id := range slices.Backward(ids) {
		run := m.workers[worker].runs[m.find(worker, id)]
		if !run.late {
			m.waiting = append(m.waiting, run.payload)
		}
		m.letGo(worker, id)
	}
}

func (m *model) lateMarks(payload string) int {
	marks := 0
	for _, w := range m.workers {
		for _, run := range w.runs {
			if run.late && run.payload == payload {
				marks++
			}
		}
	}
	return marks
}

func (m *model) parkedUnseen(payload string) bool {
	copies := 0
	for _, parked := range m.timeout {
		if parked == payload {
			copies++
		}
	}
	return copies > m.lateMarks(payload)
}

func (m *model) expire(worker string, id RunID) Outcome {
	run := &m.workers[worker].runs[m.find(worker, id)]
	if run.late {
		return WasLate
	}
	if run.held {
		return WasLate // not again
	}
	mirrored := m.reserved[run.payload] == id
	if !mirrored && m.parkedUnseen(run.payload) {
		run.late = true
		m.live[run.payload]-- // taken for the copy that Hyperf parked
		return WasLate
	}
	m.timeout = head(m.timeout, run.payload)
	run.late = true
	if mirrored {
		delete(m.reserved, run.payload)
	}
	m.releaseEqual(run.payload)
	return Moved
}

// keep takes a run's mirror away, and a copy of its message that Hyperf has parked.
func (m *model) keep(worker string, id RunID) Outcome {
	run := &m.workers[worker].runs[m.find(worker, id)]
	if run.late {
		return WasLate
	}
	if run.held {
		return Moved
	}
	mirrored := m.reserved[run.payload] == id
	parked := !mirrored && m.parkedUnseen(run.payload)
	run.held = true
	if mirrored {
		delete(m.reserved, run.payload)
	}
	if parked {
		m.unpark(run.payload)
		m.live[run.payload]-- // taken for the copy that Hyperf parked
	}
	m.releaseEqual(run.payload)
	return Moved
}

// unpark removes the newest copy of a payload from timeout.
func (m *model) unpark(payload string) bool {
	at := slices.Index(m.timeout, payload)
	if at < 0 {
		return false
	}
	m.timeout = slices.Delete(m.timeout, at, at+1)
	return true
}

// withdraw ends a run well; of a late one, the message leaves timeout if it still stands there.
func (m *model) withdraw(worker string, id RunID) Outcome {
	run := m.workers[worker].runs[m.find(worker, id)]
	outcome := Moved
	if run.late && !m.unpark(run.payload) {
		outcome = WasLate
	}
	if outcome == Moved {
		m.live[run.payload]--
		delete(m.redelivered, run.payload)
	}
	m.letGo(worker, id)
	return outcome
}

func (m *model) sweep(worker string, loss LossPolicy, limit int) {
	w := m.workers[worker]
	m.waiting = append(m.waiting, w.inbox...)
	w.inbox = nil
	runs := slices.Clone(w.runs)
	if loss == Redeliver {
		slices.Reverse(runs)
	}
	for _, run := range runs {
		if !run.late {
			m.giveBack(run.payload, loss, limit)
		}
		m.letGo(worker, run.id)
	}
	delete(m.workers, worker)
}

func (m *model) giveBack(payload string, loss LossPolicy, limit int) {
	if loss != Redeliver {
		m.timeout = head(m.timeout, payload)
		return
	}
	m.redelivered[payload]++
	if limit == 0 || m.redelivered[payload] <= limit {
		m.waiting = append(m.waiting, payload)
	} else {
		m.failed = head(m.failed, payload)
	}
}

// tend returns the payloads that it let go beside nothing: their order is Redis's choice.
func (m *model) tend() []string {
	m.moveDue()
	var released []string
	for _, payload := range slices.Sorted(maps.Keys(m.equal)) {
		for range 20 {
			if m.releaseEqual(payload) {
				released = append(released, payload)
			}
		}
	}
	return released
}

func (m *model) reload(from State, most, limit int) ReloadResult {
	var did ReloadResult
	list := &m.timeout
	if from == Failed {
		list = &m.failed
	}
	if most == 0 {
		most = len(*list)
	}
	working := map[string]int{}
	if from == Timeout {
		for _, payload := range *list {
			working[payload] = m.lateMarks(payload)
		}
	}
	var kept []string
	for len(*list) > 0 && did.Moved+did.Poisoned < most {
		var payload string
		*list, payload = cutTail(*list)
		switch {
		case working[payload] > 0:
			working[payload]--
			did.Skipped++
			kept = head(kept, payload)
		case from == Timeout && m.isPoison(payload, limit):
			m.failed = head(m.failed, payload)
			kept = cutOldest(kept, payload)
			did.Poisoned++
		default:
			m.waiting = head(m.waiting, payload)
			kept = cutOldest(kept, payload)
			did.Moved++
		}
	}
	*list = append(*list, kept...)
	return did
}

// cutOldest takes the oldest copy of a payload out of those that were kept, and keeps this one in
// its stead: of equal bytes Redis removes the oldest.
func cutOldest(kept []string, payload string) []string {
	for at, other := range slices.Backward(kept) {
		if other == payload {
			return head(slices.Delete(kept, at, at+1), payload)
		}
	}
	return kept
}

func (m *model) isPoison(payload string, limit int) bool {
	m.redelivered[payload]++
	return limit > 0 && m.redelivered[payload] > limit
}

func (m *model) flush(state State) {
	var gone []string
	switch state {
	case Waiting:
		for payload, n := range m.equal {
			gone = append(gone, slices.Repeat([]string{payload}, n)...)
		}
		gone = append(gone, m.waiting...)
		m.waiting, m.equal = nil, map[string]int{}
	case Delayed:
		for _, d := range append(m.delayed, m.beside...) {
			gone = append(gone, d.payload)
		}
		m.delayed, m.beside = nil, nil
	case Reserved:
		for payload, id := range m.reserved {
			if id == foreignRun {
				gone = append(gone, payload)
			}
		}
		m.reserved = map[string]RunID{}
	case Timeout:
		gone, m.timeout = m.timeout, nil
	case Failed:
		gone, m.failed = m.failed, nil
	}
	for _, payload := range gone {
		m.live[payload]--
	}
}

// hyperfPop takes a message as Hyperf does: equal bytes that it has reserved already merge.
func (m *model) hyperfPop() {
	var payload string
	m.waiting, payload = cutTail(m.waiting)
	if m.reserved[payload] == foreignRun {
		m.live[payload]--
	}
	m.reserved[payload] = foreignRun
}

func (m *model) hyperfAck(payload string) {
	if m.reserved[payload] == foreignRun {
		m.live[payload]--
	}
	delete(m.reserved, payload)
}

// snapshot is the state as snapshotOf reads it from Redis; the order of reserved is left open.
func (m *model) snapshot() snapshot {
	shot := snapshot{"waiting": m.waiting, "timeout": m.timeout, "failed": m.failed, "reserved": slices.Sorted(maps.Keys(m.reserved))}
	for name, set := range map[string][]modelDue{"delayed": m.delayed, "beside": m.beside} {
		sorted := slices.SortedFunc(slices.Values(set), func(a, b modelDue) int { return cmp.Compare(a.due, b.due) })
		for _, d := range sorted {
			shot[name] = append(shot[name], d.payload)
		}
	}
	for payload, n := range m.equal {
		if n > 0 {
			shot["equal"] = append(shot["equal"], fmt.Sprintf("%s*%d", payload, n))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(m.workers)) {
		for _, run := range m.workers[id].runs {
			shot["hand"] = append(shot["hand"], run.payload)
			if run.late {
				shot["late"] = append(shot["late"], run.payload)
			}
		}
		shot["inbox"] = append(shot["inbox"], m.workers[id].inbox...)
	}
	for _, unordered := range []string{"late", "equal", "hand"} {
		slices.Sort(shot[unordered])
	}
	for name, values := range shot {
		if len(values) == 0 {
			delete(shot, name)
		}
	}
	return shot
}

// standing counts what stands in the model, foreign reservations included.
func (m *model) standing() map[string]int {
	all := m.snapshot().standing()
	for payload, id := range m.reserved {
		if id == foreignRun {
			all[payload]++
		}
	}
	return all
}
