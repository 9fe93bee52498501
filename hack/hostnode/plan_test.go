//go:build linux

package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
)

// imageDir makes a program "worker" and a directory with bin/php in it.
func imageDir(t *testing.T) (dir string, table images) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"worker", "rootfs/usr/bin/php"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	table = images{}
	for _, flag := range []string{
		"docker.io/asyncqueue/worker:dev=" + filepath.Join(dir, "worker"),
		"php=" + filepath.Join(dir, "rootfs"),
		"later=" + filepath.Join(dir, "later"),
	} {
		if err := table.Set(flag); err != nil {
			t.Fatal(err)
		}
	}
	return dir, table
}

func TestPlan(t *testing.T) {
	dir, table := imageDir(t)
	volumes := map[string]string{"tools": "/state/tools", "tmp": "/state/tmp", "token": "/state/token"}
	mounts := []corev1.VolumeMount{{Name: "tools", MountPath: "/tools/"}, {Name: "tmp", MountPath: "/tmp", SubPath: "mine"}}
	base := []string{
		"HOME=/pod/home", "HOSTNAME=orders-1", "KUBERNETES_SERVICE_HOST=127.0.0.1", "KUBERNETES_SERVICE_PORT=6443", "PATH=" + defaultPath,
	}
	for name, tc := range map[string]struct {
		container corev1.Container
		want      program
		wantErr   string
		wantWait  string
	}{
		"the image's own program": {
			container: corev1.Container{Name: "w", Image: "asyncqueue/worker:dev", Args: []string{"run", "--listen=:8080"}, Ports: []corev1.ContainerPort{{ContainerPort: 8080}}},
			want:      program{path: dir + "/worker", args: []string{"run", "--listen=127.77.0.9:8080"}, env: base, dir: "/pod/home", mark: "/pod/w"},
		},
		"a command that names the image's program": {
			container: corev1.Container{Name: "w", Image: "asyncqueue/worker:dev", Command: []string{"/worker", "reload"}, Args: []string{"--max=1"}},
			want:      program{path: dir + "/worker", args: []string{"reload", "--max=1"}, env: base, dir: "/pod/home", mark: "/pod/w"},
		},
		"a command out of a volume, TMPDIR and working directory in another": {
			container: corev1.Container{Name: "w", Image: "php", Command: []string{"/tools/worker"}, WorkingDir: "/tmp/x", VolumeMounts: mounts},
			want: program{
				path: "/state/tools/worker", args: []string{},
				env: append(append([]string{}, base...), "TMPDIR=/state/tmp/mine"), dir: "/state/tmp/mine/x", mark: "/pod/w",
			},
		},
		"a command looked up in a directory": {
			container: corev1.Container{Name: "w", Image: "php", Command: []string{"php", "$(JOB)"}, Env: []corev1.EnvVar{{Name: "JOB", Value: "job.php"}, {Name: "PATH", Value: "/x"}}},
			want: program{
				path: dir + "/rootfs/usr/bin/php", args: []string{"job.php"},
				env: []string{base[0], base[1], "JOB=job.php", base[2], base[3], "PATH=/x"}, dir: "/pod/home", mark: "/pod/w",
			},
		},
		"a token brings a kubeconfig": {
			container: corev1.Container{Name: "w", Image: "asyncqueue/worker:dev", VolumeMounts: []corev1.VolumeMount{{Name: "token", MountPath: tokenPath}}},
			want: program{
				path: dir + "/worker", args: []string{},
				env: []string{base[0], base[1], "KUBECONFIG=/pod/kubeconfig", base[2], base[3], base[4]}, dir: "/pod/home", mark: "/pod/w",
			},
		},
		"an unknown image": {
			container: corev1.Container{Image: "nobody/knows:1"},
			wantErr:   `"nobody/knows:1": image is not known to this node`, wantWait: reasonNoImage,
		},
		"a program that is not built yet": {
			container: corev1.Container{Image: "later"},
			wantErr:   `image "later" is not there (yet)`, wantWait: reasonConfigError,
		},
		"a command that the image does not have": {
			container: corev1.Container{Image: "asyncqueue/worker:dev", Command: []string{"sh"}},
			wantErr:   `command "sh": image "asyncqueue/worker:dev" holds only "worker"`, wantWait: reasonConfigError,
		},
		"a directory without a command": {
			container: corev1.Container{Image: "php"},
			wantErr:   "the container needs a command", wantWait: reasonConfigError,
		},
		"a command that the directory does not have": {
			container: corev1.Container{Image: "php", Command: []string{"/bin/ruby"}},
			wantErr:   `command "/bin/ruby" is no program in the image`, wantWait: reasonConfigError,
		},
		"a missing Secret": {
			container: corev1.Container{Image: "php", Env: []corev1.EnvVar{{Name: "A", ValueFrom: secretKey("none", "x", nil)}}},
			wantErr:   `secrets "none" not found`, wantWait: reasonConfigError,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := planner{
				facts: factsOf(somePod(tc.container)), images: table, source: mapSource{}, apiServer: "https://127.0.0.1:6443",
				volumes: volumes, kubeconfig: "/pod/kubeconfig", home: "/pod/home", dir: "/pod",
			}
			got, err := p.plan(t.Context(), &tc.container)
			if !errorIs(err, tc.wantErr) {
				t.Fatalf("error %v, want %q", err, tc.wantErr)
			}
			if err != nil {
				if wait := waitReason(err); wait != tc.wantWait {
					t.Errorf("waiting reason %q, want %q", wait, tc.wantWait)
				}
				return
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(program{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("program (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHostPort(t *testing.T) {
	for server, want := range map[string][2]string{
		"https://10.0.0.1:6443": {"10.0.0.1", "6443"},
		"https://api.local":     {"api.local", "443"},
		"127.0.0.1:8443":        {"127.0.0.1", "8443"},
		"https://[::1]:6443/x":  {"::1", "6443"},
	} {
		host, port, err := hostPort(server)
		if err != nil || host != want[0] || port != want[1] {
			t.Errorf("hostPort(%q) = %q, %q, %v", server, host, port, err)
		}
	}
}

func TestImagesSetRefuses(t *testing.T) {
	for _, flag := range []string{"", "worker", "=x", "worker="} {
		if err := (images{}).Set(flag); err == nil {
			t.Errorf("Set(%q) took it", flag)
		}
	}
	if _, _, err := (images{}).find("x"); !errors.Is(err, errUnknownImage) {
		t.Errorf("find: %v", err)
	}
}
