// Package phpserialize reads and writes the text that PHP's serialize() makes.
//
// [Parse] turns the text into a [Tree]: one flat slice of nodes in the order of
// the wire, each with the byte offsets of what it stands for. Offsets are what
// the package exists for: a message is changed by replacing the bytes of one
// number, so that everything else stays as PHP wrote it.
//
// The parser accepts what unserialize() of PHP 7.4 and later accepts, with the
// same limits, without knowing a single class: objects, enums and custom
// payloads are kept as they are written. It never panics, and the memory it
// takes is in proportion to the bytes it was given, whatever counts and
// lengths they claim.
//
// A Tree shows itself as JSON in two ways: [Tree.AppendLossless] keeps every
// distinction that PHP makes, [Tree.AppendNatural] is what a handler in
// another language wants to read.
//
// Nothing in this package is safe for concurrent use of one Tree while it is
// being parsed; a parsed Tree is read-only and may be shared.
package phpserialize
