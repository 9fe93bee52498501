// Command simulate replays load traces through the operator's own decision code
// (controllers/autoscale), with a model of everything around it: pods that take
// time to start, handlers that take time to run, messages in hand, failed looks at
// Redis. An hour of load takes a moment.
//
//	go run ./hack/simulate                        all traces: a table each, and an SVG plot in bin/reports
//	go run ./hack/simulate -trace bursts -compare the same load under KEDA's defaults beside it
//	go run ./hack/simulate -wait 30s -service 4s  by waiting time, with slower handlers
//
// What is modelled: a look a second, the operator's rules, pods that are ready
// after -pod-start, -concurrency slots each, pods that drain when they are taken
// away, idle ones first, failing messages that come back after a delay, and a Redis
// that is away. What is not: the time that the API server, the scheduler and the
// kubelet take beyond -pod-start, and a node that is full.
package main
