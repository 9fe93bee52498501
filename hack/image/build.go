package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// epoch stands wherever a time is asked for, so that equal input gives equal
// images.
var epoch = time.Unix(0, 0).UTC()

// entry is a file or, with a name that ends in a slash, a folder of the layer.
type entry struct {
	name    string // without a leading slash
	mode    int64
	content []byte
}

// fixed is what every image holds: a place for temporary files, and names for
// the two users, since some libraries ask for the current user's.
var fixed = []entry{
	{name: "tmp/", mode: 0o1777},
	{name: "etc/passwd", mode: 0o644, content: []byte("root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin\n")},
	{name: "etc/group", mode: 0o644, content: []byte("root:x:0:\nnonroot:x:65532:\n")},
}

// build returns the image that o describes.
func build(o options) (v1.Image, error) {
	content, err := layerBytes(append(slices.Clone(fixed), o.entries...))
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	})
	if err != nil {
		return nil, fmt.Errorf("making the layer: %w", err)
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, fmt.Errorf("adding the layer: %w", err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading the image's configuration: %w", err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", o.arch
	config.Created = v1.Time{Time: epoch}
	config.Config = v1.Config{
		Entrypoint: o.entrypoint,
		User:       o.user,
		Env:        append([]string{"PATH=/"}, o.env...),
		Labels:     o.labels,
		WorkingDir: "/",
	}
	image, err = mutate.ConfigFile(image, config)
	if err != nil {
		return nil, fmt.Errorf("setting the image's configuration: %w", err)
	}
	return image, nil
}

// layerBytes writes the entries, and the folders that they lie in, as a tar
// archive in the order of their names. A later entry of the same name wins.
func layerBytes(entries []entry) ([]byte, error) {
	byName := map[string]entry{}
	for _, e := range entries {
		for folder := path.Dir(strings.TrimSuffix(e.name, "/")); folder != "."; folder = path.Dir(folder) {
			if _, known := byName[folder+"/"]; !known {
				byName[folder+"/"] = entry{name: folder + "/", mode: 0o755}
			}
		}
		byName[e.name] = e
	}
	names := make([]string, 0, len(byName))
	for name := range byName {
		names = append(names, name)
	}
	slices.Sort(names)

	var buffer bytes.Buffer
	w := tar.NewWriter(&buffer)
	for _, name := range names {
		if err := writeEntry(w, byName[name]); err != nil {
			return nil, fmt.Errorf("adding /%s to the layer: %w", name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("closing the layer: %w", err)
	}
	return buffer.Bytes(), nil
}

func writeEntry(w *tar.Writer, e entry) error {
	header := &tar.Header{Name: e.name, Mode: e.mode, Size: int64(len(e.content)), Typeflag: tar.TypeReg, ModTime: epoch}
	if strings.HasSuffix(e.name, "/") {
		header.Typeflag, header.Size = tar.TypeDir, 0
	}
	if err := w.WriteHeader(header); err != nil {
		return err
	}
	_, err := w.Write(e.content)
	return err
}
