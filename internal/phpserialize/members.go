package phpserialize

import (
	"bytes"
	"strconv"
)

// member is one entry of a JSON object.
type member struct {
	name  []byte
	class []byte // see Property.Class
	value int
}

// members returns the entries of the array or object i under names that are
// unique, as PHP would see them: of two equal keys the last value counts.
func (t *Tree) members(i int) []member {
	n := t.Node(i)
	set := memberSet{members: make([]member, 0, n.Count)}
	for e := t.First(i); t.Within(i, e); e = t.After(e) {
		if n.Kind == Array {
			set.put(member{name: t.keyName(e.Key), value: e.Value})
			continue
		}
		p := t.Property(e.Key)
		if t.nodes[e.Key].Kind == Int {
			p.Name = t.keyName(e.Key)
		}
		set.declare(member{name: p.Name, class: p.Class, value: e.Value}, t.Text(i))
	}
	return set.members
}

func (t *Tree) keyName(key int) []byte {
	if t.nodes[key].Kind != Int {
		return t.Bytes(key)
	}
	v, _ := t.Int(key)
	return strconv.AppendInt(nil, v, 10)
}

// memberSet keeps members in the order in which their names first came.
type memberSet struct {
	members []member
	// index is nil while the set is small enough to be searched.
	index map[string]int
}

const searchedMembers = 16

func (s *memberSet) find(name []byte) int {
	if s.index != nil {
		if at, ok := s.index[string(name)]; ok {
			return at
		}
		return -1
	}
	for at := range s.members {
		if bytes.Equal(s.members[at].name, name) {
			return at
		}
	}
	return -1
}

// put adds m or replaces the member of its name.
func (s *memberSet) put(m member) {
	if at := s.find(m.name); at >= 0 {
		s.members[at] = m
		return
	}
	s.members = append(s.members, m)
	switch {
	case s.index != nil:
		s.index[string(m.name)] = len(s.members) - 1
	case len(s.members) > searchedMembers:
		s.index = make(map[string]int, cap(s.members))
		for at := range s.members {
			s.index[string(s.members[at].name)] = at
		}
	}
}

// declare adds the property m of an object of class owner. Where another
// property has the bare name already, one of the two goes by its qualified
// name.
func (s *memberSet) declare(m member, owner []byte) {
	at := s.find(m.name)
	if at < 0 || bytes.Equal(s.members[at].class, m.class) {
		s.put(m)
		return
	}
	if precedence(m, owner) > precedence(s.members[at], owner) {
		m, s.members[at] = s.members[at], m
	}
	m.name = Property{Name: m.name, Class: m.class}.qualified()
	s.put(m)
}

// precedence orders properties of one bare name by their right to it.
func precedence(m member, owner []byte) int {
	switch {
	case m.class == nil:
		return 3
	case !Property{Class: m.class}.IsPrivate():
		return 2
	case bytes.EqualFold(m.class, owner):
		return 1
	default:
		return 0
	}
}
