package payload

import (
	"bytes"

	"github.com/asyncqueue/operator/internal/phpserialize"
)

// The settings of a Hyperf application that wrap its messages once more.
const (
	fixSerializer = "in config/autoload/redis.php set the option Redis::OPT_SERIALIZER of this queue's pool to" +
		" Redis::SERIALIZER_NONE, then push the message again"
	fixCompression = "in config/autoload/redis.php set the option Redis::OPT_COMPRESSION of this queue's pool to" +
		" Redis::COMPRESSION_NONE, then push the message again"
	fixPacker = "in config/autoload/async_queue.php remove \"packer\" from this queue or set it to" +
		" Hyperf\\Codec\\Packer\\PhpSerializerPacker, then push the message again"
	wantedFormats = "want a CloudEvents 1.0 JSON object or a message of Hyperf's async-queue"
)

// refuseForeign says what a payload is that is no message, and what to change.
func refuseForeign(raw []byte) error {
	wrapper, inner := unwrap(raw)
	switch {
	case wrapper == "":
		return refuseUnwrapped(raw)
	case wrapper == igbinary && inner == nil:
		return refuse("it was packed with igbinary: ", fixPacker)
	case looksLikeMessage(inner):
		return refuse("it was serialized once more, with ", wrapper, ", by phpredis: ", fixSerializer)
	default:
		return refuse("it is a single string, serialized with ", wrapper, "; ", wantedFormats)
	}
}

const igbinary = "igbinary"

// unwrap recognises the strings of phpredis's serializers, and igbinary as a
// whole. It returns the name of the serializer and what the string begins with;
// inner is nil for igbinary that is no string.
func unwrap(raw []byte) (wrapper string, inner []byte) {
	switch {
	case len(raw) > 2 && (raw[0] == 's' || raw[0] == 'S') && raw[1] == ':':
		if _, content, found := bytes.Cut(raw, []byte(`:"`)); found {
			return "PHP's serialize()", content
		}
	case raw[0] == '"':
		return "JSON", raw[1:]
	case bytes.HasPrefix(raw, []byte("\x00\x00\x00\x01")), bytes.HasPrefix(raw, []byte("\x00\x00\x00\x02")):
		return igbinary, igbinaryString(raw[4:])
	case raw[0] >= 0xd9 && raw[0] <= 0xdb: // msgpack: strings with 1, 2, 4 bytes of length
		if size := 1 + 1<<(raw[0]-0xd9); len(raw) > size {
			return "msgpack", raw[size:]
		}
	}
	return "", nil
}

// igbinaryString returns the content of an igbinary string: its length takes
// 1, 2 or 4 bytes.
func igbinaryString(value []byte) []byte {
	if len(value) == 0 || value[0] < 0x11 || value[0] > 0x13 {
		return nil
	}
	if size := 1 + 1<<(value[0]-0x11); len(value) > size {
		return value[size:]
	}
	return nil
}

func looksLikeMessage(b []byte) bool {
	return bytes.HasPrefix(b, []byte("O:")) || bytes.HasPrefix(b, []byte("C:")) || bytes.HasPrefix(b, []byte("{"))
}

func refuseUnwrapped(raw []byte) error {
	switch {
	case bytes.HasPrefix(raw, []byte("\x28\xb5\x2f\xfd")), // zstd
		raw[0] == 0x1f && len(raw) > 1 && looksLikeMessage(raw[1:]): // LZF: 32 bytes as they are
		return refuse("it was compressed by phpredis: ", fixCompression)
	case bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")):
		return refuse("it begins with a byte order mark; remove that")
	case raw[skipSpace(raw, 0)] == '[':
		return refuse("it is a JSON array; push each CloudEvent as a message of its own")
	}
	if tree, err := phpserialize.Parse(raw); err == nil {
		return refuse("it is PHP's serialize() of ", tree.Node(0).Kind.String(), ", no job; ", wantedFormats)
	}
	return refuse("its first bytes are of no known format; ", wantedFormats)
}
