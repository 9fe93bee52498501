//go:build linux

package main

import (
	"fmt"
	"path"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// refuse returns why a pod asks for something that this node never provides,
// or nil. Running it without would be worse than saying so.
func refuse(spec *corev1.PodSpec) error {
	if spec.ActiveDeadlineSeconds != nil {
		return fmt.Errorf("activeDeadlineSeconds of a pod is not supported by this node")
	}
	for i := range spec.Volumes {
		if !supportedVolume(&spec.Volumes[i].VolumeSource) {
			return fmt.Errorf("volume %q is of a kind that this node does not support", spec.Volumes[i].Name)
		}
	}
	for _, c := range allContainers(spec) {
		if why := refuseContainer(&c); why != "" {
			return fmt.Errorf("container %q: %s not supported by this node", c.Name, why)
		}
	}
	return nil
}

func refuseContainer(c *corev1.Container) string {
	switch {
	case c.Lifecycle != nil && (c.Lifecycle.PostStart != nil || c.Lifecycle.PreStop != nil):
		return "lifecycle hooks are"
	case len(c.RestartPolicyRules) > 0:
		return "restartPolicyRules are"
	case len(c.VolumeDevices) > 0:
		return "block devices are"
	}
	for _, m := range c.VolumeMounts {
		if m.SubPathExpr != "" {
			return "subPathExpr is"
		}
		if path.Clean(m.MountPath) == "/" {
			return "a mount at / is"
		}
	}
	for _, p := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
		if p != nil && p.HTTPGet == nil && p.TCPSocket == nil && p.Exec == nil {
			return "a probe other than httpGet, tcpSocket or exec is"
		}
	}
	return ""
}

func supportedVolume(v *corev1.VolumeSource) bool {
	switch {
	case v.EmptyDir != nil, v.Secret != nil, v.ConfigMap != nil, v.DownwardAPI != nil, v.HostPath != nil, v.Image != nil:
		return true
	case v.Projected != nil:
		return !slices.ContainsFunc(v.Projected.Sources, func(s corev1.VolumeProjection) bool {
			return s.Secret == nil && s.ConfigMap == nil && s.DownwardAPI == nil && s.ServiceAccountToken == nil
		})
	}
	return false
}
