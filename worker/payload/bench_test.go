package payload

import (
	"encoding/json"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"
)

// benchmarkEvent is a CloudEvent of about the size of a small Hyperf message.
var benchmarkEvent = []byte(`{"specversion":"1.0","id":"0199f3a4-6b1e-7c3a-9f55-2f1b7c5a1d02","source":"/shop/orders","type":"send-mail",` +
	`"time":"2026-01-02T03:04:05.678Z","datacontenttype":"application/json","attempts":0,"data":{"user":5,"mail":"a@example.com"}}`)

func benchmarkDecode(b *testing.B, raw []byte) {
	b.Helper()
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeHyperf(b *testing.B) {
	benchmarkDecode(b, readFile(b, "valid/f5_demo_attempts_1.bin"))
}

func BenchmarkDecodeHyperfAnnotation(b *testing.B) {
	benchmarkDecode(b, readFile(b, "valid/f4_annotation_basic.bin"))
}

func BenchmarkDecodeCloudEvent(b *testing.B) { benchmarkDecode(b, benchmarkEvent) }

// BenchmarkSDKReadsCloudEvent is what Decode is measured against.
func BenchmarkSDKReadsCloudEvent(b *testing.B) {
	b.SetBytes(int64(len(benchmarkEvent)))
	b.ReportAllocs()
	for b.Loop() {
		var e event.Event
		if err := json.Unmarshal(benchmarkEvent, &e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRetry(b *testing.B) {
	m := mustDecode(b, readFile(b, "valid/f1_demo_attempts_1.bin"))
	b.ReportAllocs()
	for b.Loop() {
		_ = m.Retry()
	}
}

func BenchmarkData(b *testing.B) {
	raw := readFile(b, "valid/f5_demo_attempts_1.bin")
	b.ReportAllocs()
	for b.Loop() {
		_ = mustDecode(b, raw).Data()
	}
}
