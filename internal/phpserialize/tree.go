package phpserialize

// Kind says which PHP value a Node is.
type Kind uint8

// The kinds, each with its letter on the wire.
const (
	Null   Kind = iota // N
	Bool               // b
	Int                // i
	Float              // d
	String             // s, or S where Node.Escaped
	Array              // a
	Object             // O
	Custom             // C: an object that wrote its own payload
	Enum               // E
	Ref                // r: the same object as another value
	Alias              // R: a PHP reference to another value
)

var kindNames = [...]string{
	"null", "a boolean", "an integer", "a float", "a string", "an array",
	"an object", "a custom-serialized object", "an enum case", "a back reference", "a reference",
}

// String names the kind with its article, as error messages want it.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "an unknown kind"
}

// Node is one value of a Tree, or one key of an array or object. All offsets
// are bytes from the start of the parsed text.
type Node struct {
	Kind Kind
	// Escaped is set for a string written as S, whose text holds \xx escapes.
	Escaped bool
	// Start and End enclose the whole value as written, its closing ; or }
	// included.
	Start, End int32
	// TextStart and TextEnd enclose the digits of a number, the content of a
	// string, the name of a class or of an enum case, the number of a reference.
	TextStart, TextEnd int32
	// Count is the number of entries of an array or object, the slot that a
	// reference names, the offset at which the payload of a custom object
	// begins (the payload ends at End-1), the value of a boolean.
	Count int32
	// Slot is the number by which references can name this value, counted from
	// 1. Keys and aliases have none (0).
	Slot int32
	// Next is the index of the first node that is not part of this one.
	Next int32
}

// Tree is a parsed text. The zero Tree is ready for [Tree.Parse].
//
// It keeps the text it was parsed from: that must not change while the Tree is
// in use.
type Tree struct {
	src   []byte
	nodes []Node
	// slots maps slot-1 to the index of its node.
	slots []int32
	// certain is the highest slot whose number is certain; -1 = all of them.
	// A custom object may unserialize its own payload and so take slots that
	// nobody can count from outside.
	certain int32
}

// Len returns the number of nodes. Node 0 is the whole value.
func (t *Tree) Len() int { return len(t.nodes) }

// Cap returns the number of nodes for which the Tree holds memory.
func (t *Tree) Cap() int { return cap(t.nodes) }

// Node returns node i, which stays valid until the next Parse.
func (t *Tree) Node(i int) *Node { return &t.nodes[i] }

// End returns the offset after the parsed value; bytes from there on were not
// looked at, as PHP does not look at them.
func (t *Tree) End() int { return int(t.nodes[0].End) }

// Source returns the bytes of node i as they were written.
func (t *Tree) Source(i int) []byte {
	n := &t.nodes[i]
	return t.src[n.Start:n.End]
}

// Text returns what TextStart and TextEnd of node i enclose, as written.
func (t *Tree) Text(i int) []byte {
	n := &t.nodes[i]
	return t.src[n.TextStart:n.TextEnd]
}

// Bytes returns the content of the string node i. The result is part of the
// parsed text unless the string was written with escapes.
func (t *Tree) Bytes(i int) []byte {
	if t.nodes[i].Escaped {
		return unescape(t.Text(i))
	}
	return t.Text(i)
}

// Payload returns the payload of the custom object i.
func (t *Tree) Payload(i int) []byte {
	n := &t.nodes[i]
	return t.src[n.Count : n.End-1]
}

// PayloadLength returns the offsets of the digits that give the length of the
// payload of the custom object i.
func (t *Tree) PayloadLength(i int) (start, end int) {
	n := &t.nodes[i]
	return int(n.TextEnd) + len(`":`), int(n.Count) - len(`:{`)
}

// Int returns the value of the integer node i. Like PHP it takes the nearest
// 64-bit integer where the number on the wire is larger; ok is then false.
func (t *Tree) Int(i int) (value int64, ok bool) {
	return parseInt(t.Text(i))
}

// Pair is one entry of an array or object: the indexes of its key and value.
type Pair struct{ Key, Value int }

// First returns the first entry of the array or object i. It is valid if
// [Tree.Within] says so.
func (t *Tree) First(i int) Pair { return Pair{Key: i + 1, Value: i + 2} }

// After returns the entry that follows p, valid if [Tree.Within] says so.
func (t *Tree) After(p Pair) Pair {
	next := int(t.nodes[p.Value].Next)
	return Pair{Key: next, Value: next + 1}
}

// Within reports whether p is an entry of the array or object i.
func (t *Tree) Within(i int, p Pair) bool { return p.Key < int(t.nodes[i].Next) }

// Resolve follows references from node i to the value they stand for. It
// returns false where that cannot be known, which is so only after a custom
// object whose payload may have taken slots.
func (t *Tree) Resolve(i int) (int, bool) {
	for {
		n := &t.nodes[i]
		if n.Kind != Ref && n.Kind != Alias {
			return i, true
		}
		if !t.isCertain(n.Count) {
			return 0, false
		}
		// The target is a value before this one, so that this ends.
		i = int(t.slots[n.Count-1])
	}
}

func (t *Tree) isCertain(slot int32) bool {
	return t.certain < 0 || slot <= t.certain
}
