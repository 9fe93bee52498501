// Command image puts programs into a container image, without Docker: one layer
// on an empty base, written as an archive that containerd and "docker load" take.
// A program that is not static needs its libraries named too, each with its place.
//
//	image --tag asyncqueue/worker:dev --out worker.tar \
//	  --entrypoint /worker --user 65532:65532 bin/worker
//
// Each argument is SRC or SRC:DST; a program without DST lies in the root. The
// same input gives the same bytes, whenever and wherever it is built.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path"
	"runtime"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// options are what the command line says.
type options struct {
	tag        name.Tag          // what the image is called
	out        string            // archive to write
	entrypoint []string          // program and its first arguments
	user       string            // UID:GID that the program runs as
	arch       string            // GOARCH of the programs
	env        []string          // NAME=VALUE each
	labels     map[string]string // of the image
	entries    []entry           // what the image holds besides the fixed parts
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("image: ")
	o, err := parse(os.Args[1:])
	if err != nil {
		log.Fatal(err)
	}
	if err := run(o); err != nil {
		log.Fatal(err)
	}
}

func run(o options) error {
	image, err := build(o)
	if err != nil {
		return err
	}
	return write(o.out, o.tag, image)
}

// write replaces the file only when the whole archive has been written.
func write(file string, tag name.Tag, image v1.Image) error {
	if err := tarball.WriteToFile(file+".new", tag, image); err != nil {
		return fmt.Errorf("writing the archive: %w", err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		return fmt.Errorf("putting the archive in place: %w", err)
	}
	return nil
}

// values is a flag that may be given several times.
type values []string

func (v *values) String() string     { return strings.Join(*v, " ") }
func (v *values) Set(s string) error { *v = append(*v, s); return nil }

func parse(args []string) (options, error) {
	o := options{labels: map[string]string{}}
	var tag string
	var entrypoint, env, labels, files values
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	flags.StringVar(&tag, "tag", "", "name of the image, such as asyncqueue/worker:dev")
	flags.StringVar(&o.out, "out", "", "archive to write")
	flags.Var(&entrypoint, "entrypoint", "program to run, then its arguments, one a flag")
	flags.StringVar(&o.user, "user", "65532:65532", "UID:GID to run as")
	flags.StringVar(&o.arch, "arch", runtime.GOARCH, "architecture of the programs, in Go's words")
	flags.Var(&env, "env", "NAME=VALUE of the environment; may be repeated")
	flags.Var(&labels, "label", "NAME=VALUE of a label; may be repeated")
	flags.Var(&files, "file", "SRC:DST of a file that is not a program, such as CA certificates; may be repeated")
	if err := flags.Parse(args); err != nil {
		return o, fmt.Errorf("reading the command line: %w", err)
	}
	if tag == "" || o.out == "" || len(entrypoint) == 0 || flags.NArg() == 0 {
		return o, fmt.Errorf("reading the command line: --tag, --out, --entrypoint and at least one program are required")
	}
	var err error
	if o.tag, err = name.NewTag(tag); err != nil {
		return o, fmt.Errorf("reading --tag: %w", err)
	}
	o.entrypoint, o.env = entrypoint, env
	if o.labels, err = pairs(labels); err != nil {
		return o, fmt.Errorf("reading --label: %w", err)
	}
	if _, err = pairs(env); err != nil {
		return o, fmt.Errorf("reading --env: %w", err)
	}
	o.entries, err = readEntries(flags.Args(), files)
	return o, err
}

func pairs(list []string) (map[string]string, error) {
	m := map[string]string{}
	for _, text := range list {
		key, value, found := strings.Cut(text, "=")
		if !found || key == "" {
			return nil, fmt.Errorf("%q is not NAME=VALUE", text)
		}
		m[key] = value
	}
	return m, nil
}

// readEntries turns the arguments SRC[:DST] into entries of the image.
func readEntries(programs, files []string) ([]entry, error) {
	var list []entry
	for i, argument := range append(append([]string{}, programs...), files...) {
		src, dst, named := strings.Cut(argument, ":")
		mode := int64(0o755)
		if i >= len(programs) {
			mode = 0o644
			if !named {
				return nil, fmt.Errorf("reading --file: %q is not SRC:DST", argument)
			}
		}
		if !named {
			dst = "/" + path.Base(src)
		}
		if !path.IsAbs(dst) {
			return nil, fmt.Errorf("reading %q: the destination must begin with a slash", argument)
		}
		content, err := os.ReadFile(src)
		if err != nil {
			return nil, fmt.Errorf("reading a file of the image: %w", err)
		}
		list = append(list, entry{name: strings.TrimPrefix(path.Clean(dst), "/"), mode: mode, content: content})
	}
	return list, nil
}
