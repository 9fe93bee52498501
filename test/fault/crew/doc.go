// Package crew is the worker of the fault suite: a process that consumes like any other worker,
// writes down in a ledger what it does with every message, and may be told to kill itself at the
// worst of moments.
package crew
