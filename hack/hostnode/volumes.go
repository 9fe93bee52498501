//go:build linux

package main

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// tokens hands out service account tokens for a pod; it answers from memory
// while the last one is fresh enough.
type tokens interface {
	token(ctx context.Context, pod *corev1.Pod, audience string, seconds int64) (string, error)
}

// volumeMaker keeps the volumes of one pod under a directory.
type volumeMaker struct {
	dir    string
	facts  facts
	images images
	source source
	tokens tokens
}

// make brings all volumes up to date and returns the directory of each. It is
// called again and again: secrets, config maps and tokens change.
func (v volumeMaker) make(ctx context.Context) (map[string]string, error) {
	dirs := map[string]string{}
	for i := range v.facts.pod.Spec.Volumes {
		volume := &v.facts.pod.Spec.Volumes[i]
		dir, err := v.one(ctx, volume)
		if err != nil {
			return nil, fmt.Errorf("volume %q: %w", volume.Name, err)
		}
		dirs[volume.Name] = dir
	}
	return dirs, v.subPaths(dirs)
}

// subPaths makes the folders that mounts with a subPath expect.
func (v volumeMaker) subPaths(dirs map[string]string) error {
	for _, c := range allContainers(&v.facts.pod.Spec) {
		for _, m := range c.VolumeMounts {
			path := filepath.Join(dirs[m.Name], m.SubPath)
			if _, err := os.Stat(path); m.SubPath == "" || err == nil {
				continue
			}
			if err := os.MkdirAll(path, 0o700); err != nil {
				return fmt.Errorf("making subPath %q: %w", m.SubPath, err)
			}
		}
	}
	return nil
}

func (v volumeMaker) one(ctx context.Context, volume *corev1.Volume) (string, error) {
	dir := filepath.Join(v.dir, volume.Name)
	switch {
	case volume.EmptyDir != nil:
		return dir, os.MkdirAll(dir, 0o700)
	case volume.HostPath != nil:
		return volume.HostPath.Path, nil
	case volume.Image != nil:
		return v.image(dir, volume.Image.Reference)
	}
	files, err := v.files(ctx, volume)
	if err != nil {
		return "", err
	}
	return dir, writeFiles(dir, files)
}

// image shows an image as a folder: its directory, or its one program.
func (v volumeMaker) image(dir, ref string) (string, error) {
	source, isDir, err := v.images.find(ref)
	if err != nil {
		return "", err
	}
	if isDir {
		return source, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("making the volume: %w", err)
	}
	link := filepath.Join(dir, filepath.Base(source))
	if _, err := os.Lstat(link); err == nil {
		return dir, nil
	}
	return dir, os.Symlink(source, link)
}

// files is the content of a volume that is made of API objects.
func (v volumeMaker) files(ctx context.Context, volume *corev1.Volume) (map[string]file, error) {
	switch {
	case volume.Secret != nil:
		s := volume.Secret
		return v.fromSecret(ctx, s.SecretName, s.Items, mode(s.DefaultMode), s.Optional)
	case volume.ConfigMap != nil:
		c := volume.ConfigMap
		return v.fromConfigMap(ctx, c.Name, c.Items, mode(c.DefaultMode), c.Optional)
	case volume.DownwardAPI != nil:
		return v.fromDownward(volume.DownwardAPI.Items, mode(volume.DownwardAPI.DefaultMode))
	}
	files := map[string]file{}
	for _, source := range volume.Projected.Sources {
		part, err := v.projected(ctx, source, mode(volume.Projected.DefaultMode))
		if err != nil {
			return nil, err
		}
		maps.Copy(files, part)
	}
	return files, nil
}

func (v volumeMaker) projected(ctx context.Context, p corev1.VolumeProjection, m fs.FileMode) (map[string]file, error) {
	switch {
	case p.Secret != nil:
		return v.fromSecret(ctx, p.Secret.Name, p.Secret.Items, m, p.Secret.Optional)
	case p.ConfigMap != nil:
		return v.fromConfigMap(ctx, p.ConfigMap.Name, p.ConfigMap.Items, m, p.ConfigMap.Optional)
	case p.DownwardAPI != nil:
		return v.fromDownward(p.DownwardAPI.Items, m)
	}
	t := p.ServiceAccountToken
	seconds := int64(3600)
	if t.ExpirationSeconds != nil {
		seconds = *t.ExpirationSeconds
	}
	token, err := v.tokens.token(ctx, v.facts.pod, t.Audience, seconds)
	if err != nil {
		return nil, err
	}
	return map[string]file{t.Path: {data: []byte(token), mode: 0o600}}, nil
}

func (v volumeMaker) fromSecret(ctx context.Context, name string, items []corev1.KeyToPath, m fs.FileMode, optional *bool) (map[string]file, error) {
	data, err := v.source.secret(ctx, v.facts.pod.Namespace, name)
	return filesOf(data, err, items, m, optional)
}

func (v volumeMaker) fromConfigMap(ctx context.Context, name string, items []corev1.KeyToPath, m fs.FileMode, optional *bool) (map[string]file, error) {
	data, err := v.source.configMap(ctx, v.facts.pod.Namespace, name)
	return filesOf(data, err, items, m, optional)
}

// filesOf lays keys out as files: all of them, or the items.
func filesOf(data map[string][]byte, err error, items []corev1.KeyToPath, m fs.FileMode, optional *bool) (map[string]file, error) {
	mayMiss := optional != nil && *optional
	if err != nil && (!mayMiss || !apierrors.IsNotFound(err)) {
		return nil, err
	}
	files := map[string]file{}
	if len(items) == 0 {
		for key, value := range data {
			files[key] = file{data: value, mode: m}
		}
		return files, nil
	}
	for _, item := range items {
		value, ok := data[item.Key]
		if !ok && !mayMiss {
			return nil, fmt.Errorf("key %q is not there", item.Key)
		}
		if ok {
			files[item.Path] = file{data: value, mode: itemMode(item.Mode, m)}
		}
	}
	return files, nil
}

func (v volumeMaker) fromDownward(items []corev1.DownwardAPIVolumeFile, m fs.FileMode) (map[string]file, error) {
	files := map[string]file{}
	for _, item := range items {
		value, err := v.downward(item)
		if err != nil {
			return nil, fmt.Errorf("file %q: %w", item.Path, err)
		}
		files[item.Path] = file{data: []byte(value), mode: itemMode(item.Mode, m)}
	}
	return files, nil
}

func (v volumeMaker) downward(item corev1.DownwardAPIVolumeFile) (string, error) {
	if item.FieldRef != nil {
		return v.facts.field(item.FieldRef.FieldPath)
	}
	for _, c := range allContainers(&v.facts.pod.Spec) {
		if item.ResourceFieldRef != nil && c.Name == item.ResourceFieldRef.ContainerName {
			return v.facts.resource(&c, item.ResourceFieldRef)
		}
	}
	return "", fmt.Errorf("container of the resource is not in the pod")
}

func mode(m *int32) fs.FileMode { return itemMode(m, 0o644) }

func itemMode(m *int32, otherwise fs.FileMode) fs.FileMode {
	if m == nil {
		return otherwise
	}
	return fs.FileMode(*m) & fs.ModePerm
}
