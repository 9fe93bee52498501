package payload

import "time"

// plainTime reads a time of RFC 3339 in UTC, like most are. What it does not take
// is not wrong by that.
func plainTime(s []byte) (t time.Time, ok bool) {
	const layout = "0000-00-00T00:00:00"
	if len(s) <= len(layout) || s[len(s)-1] != 'Z' {
		return t, false
	}
	for i := range len(layout) {
		if c := s[i]; c != layout[i] && (layout[i] != '0' || !isDigit(c)) {
			return t, false
		}
	}
	two := func(i int) int { return int(s[i]-'0')*10 + int(s[i+1]-'0') }
	year, month, day := two(0)*100+two(2), two(5), two(8)
	hour, minute, second := two(11), two(14), two(17)
	nanoseconds, ok := fraction(s[len(layout) : len(s)-1])
	if !ok || month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59 {
		return t, false
	}
	t = time.Date(year, time.Month(month), day, hour, minute, second, nanoseconds, time.UTC)
	return t, t.Day() == day // else the month has no such day
}

// fraction reads nothing, or a point and up to nine digits, as nanoseconds.
func fraction(s []byte) (nanoseconds int, ok bool) {
	if len(s) == 0 {
		return 0, true
	}
	if s[0] != '.' || len(s) == 1 || len(s) > 10 {
		return 0, false
	}
	unit := 100_000_000
	for _, c := range s[1:] {
		if !isDigit(c) {
			return 0, false
		}
		nanoseconds += int(c-'0') * unit
		unit /= 10
	}
	return nanoseconds, true
}
