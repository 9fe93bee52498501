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
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// packed is a child as the cache holds it, in a tenth of the memory. Whoever reads the
// cache gets a copy, and the copy is the child itself. Only those who watch see it
// packed: they have its name, its version and its owner.
type packed struct {
	metav1.ObjectMeta
	packer *packer
	bytes  []byte
}

// DeepCopyObject returns the child.
func (p *packed) DeepCopyObject() runtime.Object {
	o, err := p.packer.unpack(p.bytes)
	if err != nil {
		panic(err) // nobody but the packer writes the bytes
	}
	return o
}

// GetObjectKind says nothing: the kind of an object in the cache is that of the cache.
func (p *packed) GetObjectKind() schema.ObjectKind { return schema.EmptyObjectKind }

// message is a child that can be written as bytes.
type message interface {
	client.Object
	Marshal() ([]byte, error)
	Unmarshal(data []byte) error
}

// packer packs the children of one kind. Most of a child is in every other one too, so
// the first one serves as a dictionary. It is safe for concurrent use.
type packer struct {
	// empty makes a child to unpack into.
	empty func() message

	mu      sync.Mutex
	first   []byte // does not change once there are bytes that need it
	buffer  bytes.Buffer
	deflate *flate.Writer
}

// packerOf returns a packer of children of the type T.
func packerOf[T any, P interface {
	*T
	message
}]() *packer {
	return &packer{empty: func() message { return P(new(T)) }}
}

// transform makes a child fit for the cache. What is packed stays as it is.
func (p *packer) transform(object any) (any, error) {
	o, isMessage := object.(message)
	if _, isPacked := object.(*packed); isPacked || !isMessage {
		return object, nil
	}
	slim(o)
	raw, err := o.Marshal()
	if err != nil {
		return nil, fmt.Errorf("packing %s: %w", o.GetName(), err)
	}
	deflated, err := p.pack(raw)
	if err != nil {
		return nil, fmt.Errorf("packing %s: %w", o.GetName(), err)
	}
	return &packed{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: o.GetNamespace(), Name: o.GetName(), UID: o.GetUID(), ResourceVersion: o.GetResourceVersion(),
			OwnerReferences: o.GetOwnerReferences(),
		},
		packer: p,
		bytes:  deflated,
	}, nil
}

func (p *packer) pack(raw []byte) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.deflate == nil {
		deflate, err := flate.NewWriterDict(&p.buffer, flate.DefaultCompression, raw)
		if err != nil {
			return nil, err
		}
		p.first, p.deflate = raw, deflate
	}
	p.buffer.Reset()
	p.deflate.Reset(&p.buffer)
	if _, err := p.deflate.Write(raw); err != nil {
		return nil, err
	}
	if err := p.deflate.Close(); err != nil {
		return nil, err
	}
	return bytes.Clone(p.buffer.Bytes()), nil
}

// inflaters are readers that can be used again: each has a window of 32 KiB.
var inflaters = sync.Pool{New: func() any { return flate.NewReader(nil) }}

func (p *packer) unpack(deflated []byte) (message, error) {
	inflate := inflaters.Get().(io.Reader)
	defer inflaters.Put(inflate)
	if err := inflate.(flate.Resetter).Reset(bytes.NewReader(deflated), p.first); err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(inflate)
	if err != nil {
		return nil, fmt.Errorf("unpacking %T: %w", p.empty(), err)
	}
	o := p.empty()
	if err := o.Unmarshal(raw); err != nil {
		return nil, fmt.Errorf("unpacking %T: %w", o, err)
	}
	return o, nil
}
