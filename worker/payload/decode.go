package payload

// Decode reads a message. It keeps raw, which must not be modified afterwards.
// An error is a [*DecodeError].
func Decode(raw []byte) (*Message, error) {
	start := skipSpace(raw, 0)
	switch {
	case start == len(raw):
		return nil, refuse("the message is empty")
	case raw[start] == '{':
		return decodeCloudEvent(raw)
	case len(raw) > 1 && raw[1] == ':' && (raw[0] == 'O' || raw[0] == 'C'):
		return decodeHyperf(raw)
	}
	return nil, refuseForeign(raw)
}
