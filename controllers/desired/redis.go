package desired

import (
	"path"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/internal/workerenv"
)

// Where the Secrets of a queue's Redis are mounted.
const (
	credentialsVolume = "asyncqueue-redis-credentials"
	credentialsPath   = "/etc/asyncqueue/redis/credentials"
	sentinelVolume    = "asyncqueue-redis-sentinel"
	sentinelPath      = "/etc/asyncqueue/redis/sentinel"
	tlsVolume         = "asyncqueue-redis-tls"
	tlsPath           = "/etc/asyncqueue/redis/tls"

	// secretMode lets the pod's group read: the files belong to root and to
	// fsGroup.
	secretMode = 0o440
)

// mountedFiles are the volumes of a pod and their mounts in the operator's
// container.
type mountedFiles struct {
	volumes []corev1.Volume
	mounts  []corev1.VolumeMount
}

// redisFiles mounts the Secrets of r, and a writable /tmp beside them.
func redisFiles(r Redis) mountedFiles {
	var f mountedFiles
	f.add(tmpVolume, tmpPath, false, corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}})
	if r.Credentials != nil {
		f.add(credentialsVolume, credentialsPath, true, projected(r.Credentials))
	}
	if r.SentinelCredentials != nil {
		f.add(sentinelVolume, sentinelPath, true, projected(r.SentinelCredentials))
	}
	if r.CA != nil || r.Cert != nil {
		f.add(tlsVolume, tlsPath, true, projected(r.CA, r.Cert))
	}
	return f
}

func (f *mountedFiles) add(name, mountPath string, readOnly bool, source corev1.VolumeSource) {
	f.volumes = append(f.volumes, corev1.Volume{Name: name, VolumeSource: source})
	f.mounts = append(f.mounts, corev1.VolumeMount{Name: name, MountPath: mountPath, ReadOnly: readOnly})
}

// projected puts the named keys of the Secrets, and no others, into one volume.
func projected(secrets ...*SecretFiles) corev1.VolumeSource {
	volume := &corev1.ProjectedVolumeSource{DefaultMode: ptr.To[int32](secretMode)}
	for _, s := range secrets {
		if s == nil {
			continue
		}
		source := &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: s.Name}}
		for _, key := range s.Keys {
			source.Items = append(source.Items, corev1.KeyToPath{Key: key, Path: key})
		}
		volume.Sources = append(volume.Sources, corev1.VolumeProjection{Secret: source})
	}
	return corev1.VolumeSource{Projected: volume}
}

// tell puts where Redis is, and where its files are, into the settings of a
// worker.
func (r Redis) tell(s *workerenv.Settings) {
	s.Redis = r.URL
	if r.Credentials != nil {
		s.CredentialsDir = credentialsPath
	}
	if r.SentinelCredentials != nil {
		s.SentinelCredentialsDir = sentinelPath
	}
	if r.CA != nil {
		s.TLS.CAFile = path.Join(tlsPath, queuev1alpha1.SecretKeyCA)
	}
	if r.Cert != nil {
		s.TLS.CertFile = path.Join(tlsPath, queuev1alpha1.SecretKeyCert)
		s.TLS.KeyFile = path.Join(tlsPath, queuev1alpha1.SecretKeyPrivateKey)
	}
	s.TLS.ServerName = r.ServerName
	s.TLS.InsecureSkipVerify = r.InsecureSkipVerify
}
