package controllers

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/cbor/direct"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// packed is an object as the cache holds it, in a tenth of the memory. Whoever reads the
// cache gets a copy, and the copy is the object itself. Only those who watch see it
// packed: they have its name, its version, its generation and its owner.
type packed struct {
	metav1.ObjectMeta
	packer *packer
	like   *[]byte
	bytes  []byte
}

// DeepCopyObject returns the object.
func (p *packed) DeepCopyObject() runtime.Object {
	o, err := p.packer.unpack(p)
	if err != nil {
		panic(err) // nobody but the packer writes the bytes
	}
	return o
}

// GetObjectKind says nothing: the kind of an object in the cache is that of the cache.
func (p *packed) GetObjectKind() schema.ObjectKind { return schema.EmptyObjectKind }

// unpacked is an object from a watch, as who reads the cache gets it.
func unpacked(o client.Object) client.Object {
	if p, ok := o.(*packed); ok {
		return p.DeepCopyObject().(client.Object)
	}
	return o
}

// packer packs objects of one kind. Most of an object is in every other one too, so each
// is deflated with an earlier one as its dictionary. It is safe for concurrent use.
type packer struct {
	// empty makes an object to unpack into.
	empty  func() client.Object
	encode func(client.Object) ([]byte, error)
	decode func([]byte, client.Object) error

	mu sync.Mutex
	// like is the dictionary. What is packed keeps its own.
	like    *[]byte
	deflate *flate.Writer
	buffer  bytes.Buffer
}

// protobufPacker returns a packer of a kind of Kubernetes' own.
func protobufPacker[T any, P interface {
	*T
	client.Object
	Marshal() ([]byte, error)
	Unmarshal(data []byte) error
}]() *packer {
	return &packer{
		empty:  func() client.Object { return P(new(T)) },
		encode: func(o client.Object) ([]byte, error) { return o.(P).Marshal() },
		decode: func(raw []byte, o client.Object) error { return o.(P).Unmarshal(raw) },
	}
}

// cborPacker returns a packer of a kind that has no protobuf.
func cborPacker[T any, P object[T]]() *packer {
	return &packer{
		empty:  func() client.Object { return P(new(T)) },
		encode: func(o client.Object) ([]byte, error) { return direct.Marshal(o) },
		decode: func(raw []byte, o client.Object) error { return direct.Unmarshal(raw, o) },
	}
}

// transform makes an object fit for the cache. What is packed stays as it is.
func (p *packer) transform(object any) (any, error) {
	o, isObject := object.(client.Object)
	if _, isPacked := object.(*packed); isPacked || !isObject {
		return object, nil
	}
	slim(o)
	raw, err := p.encode(o)
	if err != nil {
		return nil, fmt.Errorf("packing %s: %w", o.GetName(), err)
	}
	like, deflated, err := p.pack(raw)
	if err != nil {
		return nil, fmt.Errorf("packing %s: %w", o.GetName(), err)
	}
	return &packed{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: o.GetNamespace(), Name: o.GetName(), UID: o.GetUID(), ResourceVersion: o.GetResourceVersion(),
			Generation: o.GetGeneration(), OwnerReferences: o.GetOwnerReferences(),
		},
		packer: p,
		like:   like,
		bytes:  deflated,
	}, nil
}

func (p *packer) pack(raw []byte) (like *[]byte, deflated []byte, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	// An object grows as its status fills, and is a better dictionary then.
	if p.like == nil || len(raw) > len(*p.like)*5/4 {
		if p.deflate, err = flate.NewWriterDict(&p.buffer, flate.DefaultCompression, raw); err != nil {
			return nil, nil, err
		}
		p.like = &raw
	}
	p.buffer.Reset()
	p.deflate.Reset(&p.buffer)
	if _, err := p.deflate.Write(raw); err != nil {
		return nil, nil, err
	}
	if err := p.deflate.Close(); err != nil {
		return nil, nil, err
	}
	return p.like, bytes.Clone(p.buffer.Bytes()), nil
}

// inflaters are readers that can be used again: each has a window of 32 KiB.
var inflaters = sync.Pool{New: func() any { return flate.NewReader(nil) }}

func (p *packer) unpack(from *packed) (client.Object, error) {
	inflate := inflaters.Get().(io.Reader)
	defer inflaters.Put(inflate)
	if err := inflate.(flate.Resetter).Reset(bytes.NewReader(from.bytes), *from.like); err != nil {
		return nil, err
	}
	o := p.empty()
	raw, err := io.ReadAll(inflate)
	if err == nil {
		err = p.decode(raw, o)
	}
	if err != nil {
		return nil, fmt.Errorf("unpacking %T: %w", o, err)
	}
	return o, nil
}
