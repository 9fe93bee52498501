// Package workertest helps to test handlers and producers without Redis.
//
// A handler alone is run with Run:
//
//	got := workertest.Run(t, mux, "order.paid", Order{ID: 4711})
//	if got.Action != "ack" { ... }
//
// What a program pushes goes to a queue in memory, and is asserted or drained:
//
//	q := memstore.New(memstore.Config{})
//	shop.Checkout(q)
//	workertest.AssertPushed(t, q, "order.paid", Order{ID: 4711})
//	workertest.Drain(t, q, mux)
package workertest
