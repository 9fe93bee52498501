package phpserialize

// length reads ":<digits>" and returns the number.
func (p *parser) length(pos int) (n, end int, err error) {
	if p.at(pos) != ':' {
		return 0, 0, p.fail(pos, "a length is missing")
	}
	return p.number(pos + 1)
}

func (p *parser) number(pos int) (n, end int, err error) {
	end = pos
	for isDigit(p.at(end)) {
		// Nothing longer than the text is a length, so stop before overflow.
		if n = n*10 + int(p.src[end]-'0'); n > maxLength {
			return 0, 0, p.fail(pos, "a length is out of range")
		}
		end++
	}
	if end == pos {
		return 0, 0, p.fail(pos, "a length is missing")
	}
	return n, end, nil
}

// quoted reads `:<n>:"<n bytes>"` and returns where the bytes begin and end.
func (p *parser) quoted(pos int) (start, end int, err error) {
	n, pos, err := p.length(pos)
	if err != nil {
		return 0, 0, err
	}
	if p.at(pos) != ':' || p.at(pos+1) != '"' {
		return 0, 0, p.fail(pos, `a length is not followed by :"`)
	}
	start = pos + 2
	if n > len(p.src)-start {
		return 0, 0, p.fail(pos, "a length is greater than what is left of the text")
	}
	end = start + n
	if p.at(end) != '"' {
		return 0, 0, p.fail(end, "a length does not fit what it counts")
	}
	return start, end, nil
}

func (p *parser) str(pos int, isKey bool) (int, error) {
	if p.src[pos] == 'S' {
		return p.escaped(pos, isKey)
	}
	start, end, err := p.quoted(pos + 1)
	if err != nil {
		return 0, err
	}
	if p.at(end+1) != ';' {
		return 0, p.fail(end+1, "a string does not end with ;")
	}
	return p.leaf(Node{
		Kind: String, Start: off(pos), End: off(end + 2), TextStart: off(start), TextEnd: off(end),
	}, isKey)
}

// escaped reads S:<n>:"...", whose length counts the bytes after unescaping.
func (p *parser) escaped(pos int, isKey bool) (int, error) {
	n, start, err := p.length(pos + 1)
	if err != nil {
		return 0, err
	}
	if p.at(start) != ':' || p.at(start+1) != '"' {
		return 0, p.fail(start, `a length is not followed by :"`)
	}
	start += 2
	end := start
	for ; n > 0; n-- {
		if end >= len(p.src) {
			return 0, p.fail(pos, "a length is greater than what is left of the text")
		}
		if p.src[end] != '\\' {
			end++
			continue
		}
		if !isHex(p.at(end+1)) || !isHex(p.at(end+2)) {
			return 0, p.fail(end, `an escape is not \ and two hexadecimal digits`)
		}
		end += 3
	}
	if p.at(end) != '"' || p.at(end+1) != ';' {
		return 0, p.fail(end, "a length does not fit what it counts")
	}
	return p.leaf(Node{
		Kind: String, Escaped: true, Start: off(pos), End: off(end + 2), TextStart: off(start), TextEnd: off(end),
	}, isKey)
}

func (p *parser) array(pos, depth int) (int, error) {
	count, end, err := p.length(pos + 1)
	if err != nil {
		return 0, err
	}
	i, err := p.add(Node{Kind: Array, Start: off(pos)}, false)
	if err != nil {
		return 0, err
	}
	if count > 0 { // PHP does not count an empty array as a level
		depth++
	}
	return p.entries(i, count, end, depth)
}

func (p *parser) object(pos, depth int) (int, error) {
	start, end, err := p.class(pos + 1)
	if err != nil {
		return 0, err
	}
	if p.at(end+1) != ':' {
		return 0, p.fail(end+1, "a count is missing")
	}
	digits := end + 2
	if p.at(digits) == '+' { // PHP allows a sign here, and only here
		digits++
	}
	count, after, err := p.number(digits)
	if err != nil {
		return 0, err
	}
	i, err := p.add(Node{Kind: Object, Start: off(pos), TextStart: off(start), TextEnd: off(end)}, false)
	if err != nil {
		return 0, err
	}
	return p.entries(i, count, after, depth+1)
}

// entries reads ":{...}" with count entries into node i.
func (p *parser) entries(i, count, pos, depth int) (int, error) {
	if p.at(pos) != ':' || p.at(pos+1) != '{' {
		return 0, p.fail(pos, "a count is not followed by :{")
	}
	pos += 2
	if depth > p.maxDepth {
		return 0, p.fail(pos, "arrays and objects are nested too deeply")
	}
	if count > (len(p.src)-pos)/minEntryBytes {
		return 0, p.fail(pos, "a count is greater than what is left of the text can hold")
	}
	p.nodes[i].Count = off(count)
	var err error
	for ; count > 0; count-- {
		if pos, err = p.key(pos); err != nil {
			return 0, err
		}
		if pos, err = p.value(pos, depth); err != nil {
			return 0, err
		}
	}
	if p.at(pos) != '}' {
		return 0, p.fail(pos, "a count does not fit the entries")
	}
	return p.closeNode(i, pos+1), nil
}

func (p *parser) closeNode(i, end int) int {
	p.nodes[i].End = off(end)
	p.nodes[i].Next = off(len(p.nodes))
	return end
}

// class reads a quoted class name.
func (p *parser) class(pos int) (start, end int, err error) {
	start, end, err = p.quoted(pos)
	if err != nil {
		return 0, 0, err
	}
	if !isClassName(p.src[start:end]) {
		return 0, 0, p.fail(start, "a class name is malformed")
	}
	return start, end, nil
}

// custom reads C:<n>:"class":<n>:{payload}.
func (p *parser) custom(pos, depth int) (int, error) {
	start, end, err := p.class(pos + 1)
	if err != nil {
		return 0, err
	}
	n, after, err := p.length(end + 1)
	if err != nil {
		return 0, err
	}
	if p.at(after) != ':' || p.at(after+1) != '{' {
		return 0, p.fail(after, "a length is not followed by :{")
	}
	payload := after + 2
	if n > len(p.src)-payload {
		return 0, p.fail(after, "a length is greater than what is left of the text")
	}
	if p.at(payload+n) != '}' {
		return 0, p.fail(payload+n, "a length does not fit what it counts")
	}
	i, err := p.add(Node{
		Kind: Custom, Start: off(pos), TextStart: off(start), TextEnd: off(end), Count: off(payload),
	}, false)
	if err != nil {
		return 0, err
	}
	if p.open != nil && p.open(p.src[start:end]) {
		if err := p.opened(payload, payload+n, depth); err != nil {
			return 0, err
		}
	} else if n > 0 && p.certain < 0 {
		p.certain = off(len(p.slots))
	}
	return p.closeNode(i, payload+n+1), nil
}

// opened parses the payload of a custom object, which must be one value.
func (p *parser) opened(pos, end, depth int) error {
	whole := p.src
	p.src = whole[:end]
	after, err := p.value(pos, depth)
	if err == nil && after != end {
		err = p.fail(after, "a payload holds more than one value")
	}
	p.src = whole
	return err
}

// enum reads E:<n>:"Class:Case";. Unlike PHP it does not hold the length against
// the name, which ends at its quote in any case: a message of the reference data
// (invalid/unknown_enum_case.bin) is off by one and must be handled.
func (p *parser) enum(pos int) (int, error) {
	_, start, err := p.length(pos + 1)
	if err != nil {
		return 0, err
	}
	if p.at(start) != ':' || p.at(start+1) != '"' {
		return 0, p.fail(start, `a length is not followed by :"`)
	}
	start += 2
	colon := p.nameEnd(start)
	end := p.nameEnd(colon + 1)
	if p.at(colon) != ':' || p.at(end) != '"' || end == colon+1 || !isClassName(p.src[start:colon]) {
		return 0, p.fail(start, "an enum case is not written Class:Case")
	}
	if p.at(end+1) != ';' {
		return 0, p.fail(end+1, "an enum case does not end with ;")
	}
	return p.leaf(Node{
		Kind: Enum, Start: off(pos), End: off(end + 2), TextStart: off(start), TextEnd: off(end),
	}, false)
}

// nameEnd returns the offset after the bytes of a name.
func (p *parser) nameEnd(pos int) int {
	for pos < len(p.src) && isClassByte[p.src[pos]] {
		pos++
	}
	return pos
}
