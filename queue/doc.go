// Package queue speaks the Redis protocol of Hyperf's async queue, and keeps the promises that it
// does not: no message is lost, whatever dies at whatever instruction.
//
// A channel is a set of Redis keys. Producers need only New and Queue.Push or Queue.PushDelayed.
// Payloads are bytes: a PHP-serialised message, or a CloudEvents JSON object.
//
// A worker uses a Consumer: Register, then a loop of Exchange (acknowledge what ended, claim for the
// free slots) and, where that brought nothing, Await. Runs that do not end well go by Retry, Requeue
// or Fail; Expire tells that the handle deadline has passed. Beat shows that the worker lives.
//
// A Keeper moves what is due and gives back what dead workers held. The workers run one among
// themselves (BeatResult.Tender), and whoever watches the channel from outside runs another.
//
// Every move is one script (folder scripts) or one command, so that no crash falls into its middle.
// All clocks are Redis's. Commands are those of Redis 6.2.
package queue
