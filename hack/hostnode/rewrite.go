//go:build linux

package main

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// rewriter replaces in a container's texts what only a container has: its
// mount paths, and ports on an address that no other pod shares.
type rewriter struct {
	mounts []mount // longest path first
	ports  map[int32]bool
	ip     string // "" leaves ports alone
}

// mount is a path as the container knows it and the directory behind it.
type mount struct {
	path string
	dir  string
}

// newRewriter sorts mounts so that the longest path wins.
func newRewriter(mounts []mount, ports map[int32]bool, ip string) rewriter {
	sorted := slices.Clone(mounts)
	slices.SortFunc(sorted, func(a, b mount) int {
		return cmp.Or(cmp.Compare(len(b.path), len(a.path)), cmp.Compare(a.path, b.path))
	})
	return rewriter{mounts: sorted, ports: ports, ip: ip}
}

// text rewrites paths and ports in one argument or value.
func (r rewriter) text(s string) string { return r.listen(r.paths(s)) }

// paths replaces every mount path that stands in s as a path of its own or as
// the beginning of one. One pass: what was put in is not looked at again.
func (r rewriter) paths(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); {
		m, ok := r.mountAt(s, i)
		if !ok {
			out.WriteByte(s[i])
			i++
			continue
		}
		out.WriteString(m.dir)
		i += len(m.path)
	}
	return out.String()
}

func (r rewriter) mountAt(s string, i int) (mount, bool) {
	if s[i] != '/' || (i > 0 && isPathByte(s[i-1]) && !strings.HasSuffix(s[:i], "://")) {
		return mount{}, false
	}
	for _, m := range r.mounts {
		rest, ok := strings.CutPrefix(s[i:], m.path)
		if ok && (rest == "" || rest[0] == '/' || !isPathByte(rest[0])) {
			return m, true
		}
	}
	return mount{}, false
}

// isPathByte tells the bytes that continue a path from those that separate.
func isPathByte(b byte) bool {
	switch {
	case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9', b >= 0x80:
		return true
	}
	return strings.IndexByte("/._-+@%~", b) >= 0
}

var (
	everywhere = regexp.MustCompile(`(^|=)(?:0\.0\.0\.0|\[::\]|\*)?:(\d{1,5})$`)
	loopback   = regexp.MustCompile(`(^|[^A-Za-z0-9.\-])(?:127\.0\.0\.1|localhost|\[::1\]):(\d{1,5})\b`)
)

// listen moves the pod's own ports to its address: ":8080", "0.0.0.0:8080" at
// the end of s, and "localhost:8080" anywhere in it.
func (r rewriter) listen(s string) string {
	if r.ip == "" {
		return s
	}
	for _, pattern := range []*regexp.Regexp{everywhere, loopback} {
		s = pattern.ReplaceAllStringFunc(s, func(hit string) string {
			part := pattern.FindStringSubmatch(hit)
			port, err := strconv.ParseInt(part[2], 10, 32)
			if err != nil || !r.ports[int32(port)] {
				return hit
			}
			return part[1] + r.ip + ":" + part[2]
		})
	}
	return s
}

// podPorts are the ports that a pod's programs listen on, as far as the pod
// says: those it declares and those it has probed.
func podPorts(spec *corev1.PodSpec) map[int32]bool {
	ports := map[int32]bool{}
	for _, c := range allContainers(spec) {
		for _, p := range c.Ports {
			ports[p.ContainerPort] = true
		}
		for _, probe := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
			if port := numericPort(probe); port > 0 {
				ports[port] = true
			}
		}
	}
	return ports
}

// numericPort is the port that a probe gives as a number, 0 where it does not.
func numericPort(p *corev1.Probe) int32 {
	switch {
	case p == nil:
		return 0
	case p.HTTPGet != nil:
		return p.HTTPGet.Port.IntVal
	case p.TCPSocket != nil:
		return p.TCPSocket.Port.IntVal
	}
	return 0
}

// mountsOf lists a container's mounts, given the directory of each volume.
func mountsOf(c *corev1.Container, volumes map[string]string) []mount {
	var mounts []mount
	for _, m := range c.VolumeMounts {
		if dir, ok := volumes[m.Name]; ok {
			mounts = append(mounts, mount{path: path.Clean(m.MountPath), dir: path.Join(dir, m.SubPath)})
		}
	}
	return mounts
}
