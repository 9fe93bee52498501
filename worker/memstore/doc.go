// Package memstore is a queue in memory: a worker.Store and worker.Keeper for
// tests, and for programs whose messages need not outlive them.
//
//	q := memstore.New(memstore.Config{})
//	w, err := worker.New(worker.Config{Store: q.NewConsumer(), Keeper: q}, mux)
//
// It passes the suite of package storetest, as the queue in Redis does, and all
// its times pass in a bubble of testing/synctest.
package memstore
