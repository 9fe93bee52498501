package payload_test

import (
	"fmt"

	"github.com/asyncqueue/operator/worker/payload"
)

// What a producer pushes. With a UniqueID the bytes are always the same, so that a
// second delayed push moves the first.
func ExampleNewCloudEvent() {
	raw, err := payload.NewCloudEvent(payload.Event{
		Type: "order.remind", Source: "/shop", UniqueID: "order-4711", Data: map[string]int{"order": 4711},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", raw)
	// Output:
	// {"specversion":"1.0","id":"order-4711","source":"/shop","type":"order.remind","datacontenttype":"application/json","data":{"order":4711}}
}

// Both kinds of message are read alike.
func ExampleDecode() {
	php, err := payload.NewHyperf(payload.HyperfJob{
		Class: `App\Job\SendMail`, UniqueID: "u", Params: payload.Map{{Key: "to", Value: "ada"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, raw := range [][]byte{php, []byte(`{"specversion":"1.0","type":"mail.send","id":"1","source":"/shop","data":{"to":"ada"}}`)} {
		message, err := payload.Decode(raw)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(message.Format(), message.Type(), message.Attempts())
	}
	// Output:
	// hyperf App\Job\SendMail 0
	// cloudevents mail.send 0
}
