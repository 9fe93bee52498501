// Package controllers turns AsyncQueues into workers. A reconcile is four
// phases, each in its own file: observe reads, decide is pure, apply writes the
// children, report writes the status.
//
// Reconcile makes no call to Redis: package poll looks at the queues and wakes a
// reconcile when its outcome would be another one. What is as it should be is
// not written again, so that a queue at rest costs the API server nothing.
package controllers
