// Package desired builds the objects that a queue should have: the worker
// Deployment and the reload CronJob. The builders are pure: the same input gives
// the same bytes, so that an unchanged queue is recognised as unchanged.
//
// Objects are built typed and then reduced by Applied to the fields that the
// operator owns, ready for server-side apply. Settled compares them with what
// the API server holds.
package desired
