// Package ledger is the memory of the fault suite. Workers append to a file what they do with every
// message, so that the file is complete up to the instant in which they are killed; the producers
// keep a Book of what they pushed. Check compares both with what stands in Redis in the end.
package ledger
