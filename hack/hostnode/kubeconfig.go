//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// tokenFile is the file that holds the pod's API token, "" where no container
// mounts one.
func tokenFile(pod *corev1.Pod, volumes map[string]string) string {
	for _, c := range allContainers(&pod.Spec) {
		for _, m := range mountsOf(&c, volumes) {
			if m.path == tokenPath {
				return filepath.Join(m.dir, "token")
			}
		}
	}
	return ""
}

// writeKubeconfig gives a pod what in-cluster configuration would: the API
// server, its certificate authority, the pod's own token and namespace. The
// token is named by file, so that it is read again when it was renewed.
func writeKubeconfig(path string, api *rest.Config, token, namespace string) error {
	ca := api.CAData
	if len(ca) == 0 && api.CAFile != "" {
		var err error
		if ca, err = os.ReadFile(api.CAFile); err != nil {
			return fmt.Errorf("reading the certificate authority: %w", err)
		}
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["cluster"] = &clientcmdapi.Cluster{
		Server: api.Host, CertificateAuthorityData: ca, InsecureSkipTLSVerify: api.Insecure, TLSServerName: api.ServerName,
	}
	config.AuthInfos["pod"] = &clientcmdapi.AuthInfo{TokenFile: token}
	config.Contexts["pod"] = &clientcmdapi.Context{Cluster: "cluster", AuthInfo: "pod", Namespace: namespace}
	config.CurrentContext = "pod"
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return fmt.Errorf("writing the pod's kubeconfig: %w", err)
	}
	return nil
}
