package phpserialize

import "bytes"

// Property is the name of a property as the wire has it.
type Property struct {
	// Name is the bare name, without visibility.
	Name []byte
	// Class is the declaring class of a private property, "*" for a protected
	// one and nil for a public one.
	Class []byte
}

// Property returns the name that the key node i gives to a property.
func (t *Tree) Property(i int) Property {
	name := t.Bytes(i)
	if t.nodes[i].Kind != String || len(name) == 0 || name[0] != 0 {
		return Property{Name: name}
	}
	class, bare, found := bytes.Cut(name[1:], []byte{0})
	if !found {
		return Property{Name: name}
	}
	return Property{Name: bare, Class: class}
}

// IsPrivate reports whether only the declaring class sees the property.
func (p Property) IsPrivate() bool { return p.Class != nil && !p.isProtected() }

func (p Property) isProtected() bool { return len(p.Class) == 1 && p.Class[0] == '*' }
