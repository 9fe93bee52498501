package command

import "testing"

// The protocol of traces alone comes first; empty is absent, and the case does not count.
func TestTraceProtocol(t *testing.T) {
	const all, alone = "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
	tests := map[string]struct {
		env       map[string]string
		want      string
		wantError string
	}{
		"nothing":             {nil, "http/protobuf", ""},
		"empty":               {map[string]string{all: "", alone: ""}, "http/protobuf", ""},
		"HTTP":                {map[string]string{all: "http/protobuf"}, "http/protobuf", ""},
		"gRPC":                {map[string]string{all: "grpc"}, "grpc", ""},
		"capitals and spaces": {map[string]string{all: " gRPC "}, "grpc", ""},
		"for traces alone":    {map[string]string{all: "http/protobuf", alone: "grpc"}, "grpc", ""},
		"traces, empty":       {map[string]string{all: "grpc", alone: ""}, "grpc", ""},
		"of no interest":      {map[string]string{all: "http/json", alone: "grpc"}, "grpc", ""},
		"JSON": {map[string]string{all: "http/json"}, "",
			`reading OTEL_EXPORTER_OTLP_PROTOCOL: want grpc or http/protobuf, not "http/json"`},
		"unknown, for traces alone": {map[string]string{all: "grpc", alone: "pigeon"}, "",
			`reading OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: want grpc or http/protobuf, not "pigeon"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := &cli{streams: IO{LookupEnv: func(name string) (string, bool) { text, ok := test.env[name]; return text, ok }}}
			got, err := c.traceProtocol()
			said := ""
			if err != nil {
				said = err.Error()
			}
			if got != test.want || said != test.wantError {
				t.Errorf("protocol %q, error %q; want %q, %q", got, said, test.want, test.wantError)
			}
		})
	}
}
