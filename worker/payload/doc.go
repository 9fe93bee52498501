// Package payload reads and writes the messages that stand in a queue.
//
// [Decode] tells two kinds apart by their first bytes: CloudEvents 1.0 in JSON,
// from any producer, and the envelopes that the versions of Hyperf's async-queue
// write with PHP's serialize(). It checks the whole message but keeps only what
// a worker needs to dispatch it: the job's name, the attempts, and where they
// stand. The parameters become JSON when [Message.Data] is called.
//
// [Message.Retry] returns the message with one more attempt: the bytes as they
// were, with only that number replaced, so that a Hyperf consumer on the same
// channel takes it for its own.
//
// [NewCloudEvent] and [NewHyperf] write messages for producers.
//
// How PHP's values look in JSON is described in docs/payloads.md.
package payload
