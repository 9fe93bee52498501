package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// kind is what the messages of a trial look like. Both have about 200 bytes.
type kind string

const (
	cloudEvents kind = "cloudevents"
	hyperf      kind = "hyperf"
)

// Both numbers have a fixed width, so that a handler finds them without decoding: the count of
// lost and repeated messages costs every contender the same few nanoseconds.
const (
	numberDigits = 10
	timeDigits   = 19
)

var texts = map[kind]string{
	cloudEvents: `{"specversion":"1.0","id":"bench-NNNNNNNNNN","source":"/shop/orders","type":"order.paid",` +
		`"time":"2026-01-02T03:04:05.678Z","datacontenttype":"application/json","data":{"at":"TTTTTTTTTTTTTTTTTTT"}}`,
	hyperf: `O:28:"Hyperf\AsyncQueue\JobMessage":2:{s:3:"job";O:16:"App\Job\OrderJob":3:{s:11:"maxAttempts";i:2;` +
		`s:8:"uniqueId";s:10:"NNNNNNNNNN";s:6:"params";a:1:{s:2:"at";s:19:"TTTTTTTTTTTTTTTTTTT";}}s:8:"attempts";i:0;}`,
}

// mould makes the messages of one kind and reads them again.
type mould struct {
	text       []byte
	number, at int
}

func newMould(k kind) mould {
	text := texts[k]
	return mould{
		text:   []byte(text),
		number: strings.Index(text, strings.Repeat("N", numberDigits)),
		at:     strings.Index(text, strings.Repeat("T", timeDigits)),
	}
}

// make returns message n, pushed at the given time.
func (m mould) make(n int, at time.Time) []byte {
	message := bytes.Clone(m.text)
	copy(message[m.number:], fmt.Sprintf("%0*d", numberDigits, n))
	copy(message[m.at:], fmt.Sprintf("%0*d", timeDigits, at.UnixNano()))
	return message
}

// numberOf returns which message this is.
func (m mould) numberOf(message []byte) int {
	n := 0
	for _, digit := range message[m.number : m.number+numberDigits] {
		n = n*10 + int(digit-'0')
	}
	return n
}

// ageOf returns how long ago the message was pushed.
func (m mould) ageOf(message []byte, now time.Time) time.Duration {
	at, err := strconv.ParseInt(string(message[m.at:m.at+timeDigits]), 10, 64)
	if err != nil {
		return 0
	}
	return now.Sub(time.Unix(0, at))
}
