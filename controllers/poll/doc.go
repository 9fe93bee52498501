// Package poll looks at queues in Redis, outside of Reconcile. There is one loop
// for each distinct Redis, however many queues live there; a look at all of them
// is one pipelined round trip, which also moves what is due and gives back what
// dead workers held, so that both happen where no worker runs.
//
// A reconcile asks for the latest Observation and never waits. It is woken only
// when the observation would lead it to do something else: the digest of the
// queue's Target changed, Redis became reachable or unreachable, or the backlog
// to show is another one.
package poll
