package queue

// keys spells every Redis key of a channel. Hyperf knows the first five; the others are ours.
type keys struct {
	waiting, delayed, reserved, timeout, failed string

	workers     string // hash: worker id -> beat
	late        string // hash: worker/run id -> payload of a living run whose message stands in timeout
	beside      string // zset: worker/run id:payload -> due; its payload stood in delayed already
	equal       string // hash: payload -> copies that wait until the equal one in reserved is done
	redelivered string // hash: sha1 of the payload -> crash redeliveries and reloads
	reasons     string // list: why messages stand in failed
	tender      string // zset: worker id -> end of its lease; two look after the channel, the first by name is the tender
	ghosts      string // zset: swept worker -> when its inbox is looked at again
	tokens      string // counter: deals the tokens that tell the runs of one second apart
	seen        string // zset: worker id -> number of its last beat among all beats; the number of the last one stands under ""

	turn  string // string with a lease: the worker that may run messages of an exclusive queue
	fence string // counter: where the fence numbers of the next turn begin

	hands, inboxes string // prefixes of the two keys of each worker
}

func newKeys(channel string) keys {
	of := func(name string) string { return channel + ":" + name }
	return keys{
		waiting: of("waiting"), delayed: of("delayed"), reserved: of("reserved"), timeout: of("timeout"), failed: of("failed"),
		workers: of("workers"), late: of("late"), beside: of("beside"), equal: of("equal"), redelivered: of("redelivered"),
		reasons: of("reasons"), tender: of("tender"), ghosts: of("ghosts"), tokens: of("tokens"), seen: of("seen"),
		turn: of("turn"), fence: of("fence"),
		hands: of("hand:"), inboxes: of("inbox:"),
	}
}

func (k keys) hand(worker string) string  { return k.hands + worker }
func (k keys) inbox(worker string) string { return k.inboxes + worker }

// channel returns the keys that every script gets, in the order that prelude.lua expects.
func (k keys) channel() []string {
	return []string{
		k.waiting, k.delayed, k.reserved, k.timeout, k.failed,
		k.workers, k.late, k.beside, k.equal, k.redelivered, k.reasons, k.tender, k.ghosts, k.tokens, k.seen,
	}
}

// worker returns the keys of a script that serves one worker.
func (k keys) worker(id string) []string {
	return append(k.channel(), k.hand(id), k.inbox(id))
}
