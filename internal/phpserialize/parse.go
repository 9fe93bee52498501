package phpserialize

import (
	"bytes"
	"math"
)

const (
	// DefaultMaxDepth is how deep arrays and objects may stand in one another:
	// the default of PHP's unserialize_max_depth.
	DefaultMaxDepth = 4096
	// DefaultMaxNodes is how many values and keys a text may hold. A node takes
	// 36 bytes of memory and at least 2 bytes of text.
	DefaultMaxNodes = 1 << 24

	// minEntryBytes is the length of the shortest array entry, "i:0;N;".
	minEntryBytes = 6
)

// Options changes how [Tree.Parse] reads. The zero value is PHP's behaviour.
type Options struct {
	// MaxDepth is the greatest depth of arrays and objects; 0 means
	// DefaultMaxDepth.
	MaxDepth int
	// MaxNodes is the greatest number of values and keys; 0 means
	// DefaultMaxNodes.
	MaxNodes int
	// Open reports whether the payload of a custom object of this class is
	// itself serialized text that shares the numbering of references. Such a
	// payload is parsed as the one child of the object. nil opens none.
	Open func(class []byte) bool
}

// Parse reads one serialized value from the start of src. Bytes after it are
// left alone (see [Tree.End]). The error is a [*SyntaxError].
func Parse(src []byte) (*Tree, error) {
	t := &Tree{}
	if err := t.Parse(src, Options{}); err != nil {
		return nil, err
	}
	return t, nil
}

// Parse does what [Parse] does, into the memory that t already holds. After an
// error t is empty.
func (t *Tree) Parse(src []byte, o Options) error {
	p := parser{
		src:      src,
		nodes:    t.nodes[:0],
		slots:    t.slots[:0],
		certain:  -1,
		maxDepth: o.MaxDepth,
		maxNodes: o.MaxNodes,
		open:     o.Open,
	}
	if p.maxDepth == 0 {
		p.maxDepth = DefaultMaxDepth
	}
	if p.maxNodes == 0 {
		p.maxNodes = DefaultMaxNodes
	}
	t.src, t.nodes, t.slots = nil, p.nodes, p.slots
	if len(src) > math.MaxInt32 {
		return &SyntaxError{Problem: "the text is longer than 2 GiB"}
	}
	_, err := p.value(0, 0)
	if err != nil {
		t.nodes, t.slots = p.nodes[:0], p.slots[:0]
		return err
	}
	t.src, t.nodes, t.slots, t.certain = src, p.nodes, p.slots, p.certain
	return nil
}

// Forget drops the text that t was parsed from and keeps its memory for the
// next Parse.
func (t *Tree) Forget() {
	t.src, t.nodes, t.slots = nil, t.nodes[:0], t.slots[:0]
}

// parser holds the state of one Parse. Its methods take the offset at which to
// read and return the offset after what they read.
type parser struct {
	src      []byte
	nodes    []Node
	slots    []int32
	certain  int32
	maxDepth int
	maxNodes int
	open     func(class []byte) bool
}

// at returns the byte at pos; past the end it returns 0, which is no syntax.
func (p *parser) at(pos int) byte {
	if pos < len(p.src) {
		return p.src[pos]
	}
	return 0
}

// value reads one value that stands inside depth arrays and objects.
func (p *parser) value(pos, depth int) (int, error) {
	switch p.at(pos) {
	case 'N':
		return p.null(pos)
	case 'b':
		return p.boolean(pos)
	case 'i':
		return p.integer(pos, false)
	case 'd':
		return p.float(pos)
	case 's', 'S':
		return p.str(pos, false)
	case 'a':
		return p.array(pos, depth)
	case 'O':
		return p.object(pos, depth)
	case 'C':
		return p.custom(pos, depth)
	case 'E':
		return p.enum(pos)
	case 'r', 'R':
		return p.reference(pos)
	}
	if pos >= len(p.src) {
		return 0, p.fail(pos, "the text ends where a value is expected")
	}
	return 0, p.fail(pos, "no value begins with this byte")
}

// add appends n, and gives it a slot unless it is a key.
func (p *parser) add(n Node, isKey bool) (int, error) {
	i := len(p.nodes)
	if i >= p.maxNodes {
		return 0, p.fail(int(n.Start), "there are too many values")
	}
	if !isKey {
		p.slots = append(p.slots, int32(i)) // i < maxNodes
		n.Slot = int32(len(p.slots))
	}
	n.Next = int32(i) + 1
	p.nodes = append(p.nodes, n)
	return i, nil
}

func (p *parser) leaf(n Node, isKey bool) (int, error) {
	if _, err := p.add(n, isKey); err != nil {
		return 0, err
	}
	return int(n.End), nil
}

func (p *parser) null(pos int) (int, error) {
	if p.at(pos+1) != ';' {
		return 0, p.fail(pos+1, "null does not end with ;")
	}
	return p.leaf(Node{Kind: Null, Start: off(pos), End: off(pos + 2)}, false)
}

func (p *parser) boolean(pos int) (int, error) {
	digit := p.at(pos + 2)
	if p.at(pos+1) != ':' || (digit != '0' && digit != '1') || p.at(pos+3) != ';' {
		return 0, p.fail(pos, "a boolean is neither b:0; nor b:1;")
	}
	return p.leaf(Node{
		Kind: Bool, Start: off(pos), End: off(pos + 4),
		TextStart: off(pos + 2), TextEnd: off(pos + 3), Count: int32(digit - '0'),
	}, false)
}

func (p *parser) integer(pos int, isKey bool) (int, error) {
	end := pos + 2
	if c := p.at(end); c == '-' || c == '+' {
		end++
	}
	digits := end
	for isDigit(p.at(end)) {
		end++
	}
	if p.at(pos+1) != ':' || end == digits || p.at(end) != ';' {
		return 0, p.fail(pos, "an integer is malformed")
	}
	return p.leaf(Node{
		Kind: Int, Start: off(pos), End: off(end + 1), TextStart: off(pos + 2), TextEnd: off(end),
	}, isKey)
}

func (p *parser) float(pos int) (int, error) {
	if p.at(pos+1) != ':' {
		return 0, p.fail(pos+1, "a float is malformed")
	}
	const longest = 2048 // PHP writes at most 24 bytes
	window := p.src[pos+2 : min(len(p.src), pos+2+longest)]
	n := bytes.IndexByte(window, ';')
	if n < 0 || !isFloat(window[:n]) {
		return 0, p.fail(pos, "a float is malformed")
	}
	end := pos + 2 + n
	return p.leaf(Node{
		Kind: Float, Start: off(pos), End: off(end + 1), TextStart: off(pos + 2), TextEnd: off(end),
	}, false)
}

// key reads the key of an array entry or the name of a property.
func (p *parser) key(pos int) (int, error) {
	switch p.at(pos) {
	case 'i':
		return p.integer(pos, true)
	case 's', 'S':
		return p.str(pos, true)
	}
	return 0, p.fail(pos, "a key is neither an integer nor a string")
}

func (p *parser) reference(pos int) (int, error) {
	id, end, err := p.length(pos + 1)
	if err != nil {
		return 0, err
	}
	if p.at(end) != ';' {
		return 0, p.fail(end, "a reference does not end with ;")
	}
	n := Node{
		Kind: Ref, Start: off(pos), End: off(end + 1),
		TextStart: off(pos + 2), TextEnd: off(end), Count: off(id),
	}
	if p.src[pos] == 'R' {
		n.Kind = Alias
	}
	if err := p.checkTarget(pos, n); err != nil {
		return 0, err
	}
	return p.leaf(n, n.Kind == Alias)
}

// checkTarget refuses a reference that PHP would refuse: to a slot that does
// not exist yet, or r: to what is no object.
func (p *parser) checkTarget(pos int, n Node) error {
	seen := Tree{nodes: p.nodes, slots: p.slots, certain: p.certain}
	if n.Count >= 1 && !seen.isCertain(n.Count) {
		return nil
	}
	if n.Count < 1 || int(n.Count) > len(p.slots) {
		return p.fail(pos, "a reference names a value that does not exist")
	}
	if n.Kind == Alias {
		return nil
	}
	target, ok := seen.Resolve(int(p.slots[n.Count-1]))
	if !ok {
		return nil
	}
	switch p.nodes[target].Kind {
	case Object, Custom, Enum:
		return nil
	default:
		return p.fail(pos, "a reference to an object names something else")
	}
}
