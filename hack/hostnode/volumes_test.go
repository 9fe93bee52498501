//go:build linux

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// tree reads all files below dir; a mode other than -rw-r--r-- is put before
// the content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		out[name] = string(data)
		if info.Mode().Perm() != 0o644 {
			out[name] = info.Mode().String() + " " + string(data)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestVolumes(t *testing.T) {
	mode := int32(0o400)
	secret := corev1.SecretVolumeSource{SecretName: "creds", DefaultMode: &mode}
	some := corev1.ConfigMapVolumeSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: "conf"},
		Items:                []corev1.KeyToPath{{Key: "color", Path: "deep/colour"}},
	}
	projected := corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
		{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", Audience: "x"}},
		{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "conf"}}},
		{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{
			{Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"}},
			{Path: "labels", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels"}},
		}}},
		{Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "none"}, Optional: yes()}},
	}}
	_, table := imageDir(t)
	for name, tc := range map[string]struct {
		volume  corev1.VolumeSource
		want    map[string]string
		wantErr string
	}{
		"an emptyDir": {volume: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}, want: map[string]string{}},
		"a Secret":    {volume: corev1.VolumeSource{Secret: &secret}, want: map[string]string{"password": "-r-------- s3cret", "user": "-r-------- me"}},
		"items of a ConfigMap": {
			volume: corev1.VolumeSource{ConfigMap: &some}, want: map[string]string{"deep/colour": "blue"},
		},
		"a projection": {
			volume: corev1.VolumeSource{Projected: &projected},
			want:   map[string]string{"token": "-rw------- token for x", "color": "blue", "namespace": "shop", "labels": "a/b=\"c\"\napp=\"orders\""},
		},
		"an image": {volume: corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: "asyncqueue/worker:dev"}}, want: map[string]string{"worker": "-rwx------ "}},
		"a missing Secret": {
			volume:  corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "none"}},
			wantErr: `volume "v": secrets "none" not found`,
		},
		"a missing key": {
			volume:  corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "creds", Items: []corev1.KeyToPath{{Key: "x", Path: "x"}}}},
			wantErr: `volume "v": key "x" is not there`,
		},
		"a path that leaves the volume": {
			volume:  corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "creds", Items: []corev1.KeyToPath{{Key: "user", Path: "../x"}}}},
			wantErr: `path "../x" leaves the volume`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			pod := somePod()
			pod.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: tc.volume}}
			maker := volumeMaker{dir: t.TempDir(), facts: factsOf(pod), images: table, tokens: oneToken{}, source: mapSource{
				secrets:    map[string]map[string][]byte{"creds": {"password": []byte("s3cret"), "user": []byte("me")}},
				configMaps: map[string]map[string][]byte{"conf": {"color": []byte("blue")}},
			}}
			dirs, err := maker.make(t.Context())
			if !errorIs(err, tc.wantErr) {
				t.Fatalf("error %v, want %q", err, tc.wantErr)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(tc.want, tree(t, dirs["v"])); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWriteFilesFollowsChanges(t *testing.T) {
	dir := t.TempDir()
	write := func(files map[string]file) {
		t.Helper()
		if err := writeFiles(dir, files); err != nil {
			t.Fatal(err)
		}
	}
	write(map[string]file{"a": {data: []byte("1"), mode: 0o444}, "b/c": {data: []byte("2"), mode: 0o644}})
	before, err := os.Stat(filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	write(map[string]file{"a": {data: []byte("1"), mode: 0o444}, "b/d": {data: []byte("3"), mode: 0o644}})
	if diff := cmp.Diff(map[string]string{"a": "-r--r--r-- 1", "b/d": "3"}, tree(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if after, err := os.Stat(filepath.Join(dir, "a")); err != nil || !os.SameFile(before, after) {
		t.Errorf("an unchanged file was replaced (%v)", err)
	}
	write(map[string]file{"a": {data: []byte("new"), mode: 0o444}})
	if diff := cmp.Diff(map[string]string{"a": "-r--r--r-- new"}, tree(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestWriteKubeconfig(t *testing.T) {
	dir := t.TempDir()
	path, token := filepath.Join(dir, "kubeconfig"), filepath.Join(dir, "token")
	if err := os.WriteFile(token, []byte("t"), 0o600); err != nil {
		t.Fatal(err)
	}
	api := &rest.Config{Host: "https://127.0.0.1:6443", TLSClientConfig: rest.TLSClientConfig{CAData: []byte("ca")}}
	if err := writeKubeconfig(path, api, token, "shop"); err != nil {
		t.Fatal(err)
	}
	got, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	if got.Host != api.Host || got.BearerTokenFile != token || string(got.CAData) != "ca" {
		t.Errorf("a client would use %s, token %s, CA %q", got.Host, got.BearerTokenFile, got.CAData)
	}
}

func TestTokenFile(t *testing.T) {
	c := corev1.Container{Name: "m", VolumeMounts: []corev1.VolumeMount{{Name: "api", MountPath: tokenPath}}}
	if got := tokenFile(somePod(c), map[string]string{"api": "/state/api"}); got != "/state/api/token" {
		t.Errorf("token file %q", got)
	}
	if got := tokenFile(somePod(corev1.Container{}), nil); got != "" {
		t.Errorf("token file %q of a pod without one", got)
	}
}
