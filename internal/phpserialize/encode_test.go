package phpserialize

import (
	"math"
	"testing"
)

func TestAppendFloatSpellsAsPHP(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]float64{
		"d:0;": 0, "d:-0;": math.Copysign(0, -1), "d:1;": 1, "d:-2.5;": -2.5, "d:0.1;": 0.1,
		"d:0.0001;": 0.0001, "d:1.0E-5;": 1e-5, "d:1.5E-7;": 1.5e-7, "d:5.0E-324;": 5e-324,
		"d:1000000000000000;": 1e15, "d:10000000000000000;": 1e16, "d:1.0E+17;": 1e17, "d:1.0E+100;": 1e100,
		"d:12345678901234568;": 12345678901234568, "d:1.2345678901234568E+17;": 123456789012345680,
		"d:-1.0E+25;": -1e25, "d:1.7976931348623157E+308;": math.MaxFloat64,
		"d:0.30000000000000004;": 0.30000000000000004, "d:123456789.12345678;": 123456789.12345678,
		"d:NAN;": math.NaN(), "d:INF;": math.Inf(1), "d:-INF;": math.Inf(-1),
	} {
		if got := string(AppendFloat(nil, v)); got != want {
			t.Errorf("AppendFloat(%v) = %s, want %s", v, got, want)
		}
	}
}

func TestAppendWritesWhatParses(t *testing.T) {
	t.Parallel()
	b := AppendObjectStart(nil, `App\Job`, 3)
	b = AppendInt(AppendString(b, "n"), math.MinInt64)
	b = AppendBool(AppendString(b, "b"), true)
	b = AppendArrayStart(AppendString(b, []byte("l")), 2)
	b = AppendNull(AppendInt(b, 0))
	b = AppendBool(AppendInt(b, 1), false)
	b = AppendEnd(AppendEnd(b))
	want := `O:7:"App\Job":3:{s:1:"n";i:-9223372036854775808;s:1:"b";b:1;s:1:"l";a:2:{i:0;N;i:1;b:0;}}`
	if string(b) != want {
		t.Errorf("got  %s\nwant %s", b, want)
	}
	if _, err := Parse(b); err != nil {
		t.Error(err)
	}
}
