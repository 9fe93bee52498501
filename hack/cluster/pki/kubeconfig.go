package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// kubeconfig is the part of Kubernetes' client configuration that is needed
// here. It is written as JSON, which is YAML too.
type kubeconfig struct {
	APIVersion     string  `json:"apiVersion"`
	Kind           string  `json:"kind"`
	Clusters       []named `json:"clusters"`
	Users          []named `json:"users"`
	Contexts       []named `json:"contexts"`
	CurrentContext string  `json:"current-context"` //nolint:tagliatelle // the format is Kubernetes's
}

type named struct {
	Name    string          `json:"name"`
	Cluster *clusterEntry   `json:"cluster,omitempty"`
	User    *userEntry      `json:"user,omitempty"`
	Context *currentContext `json:"context,omitempty"`
}

type clusterEntry struct {
	Server string `json:"server"`
	CA     []byte `json:"certificate-authority-data"` //nolint:tagliatelle // the format is Kubernetes's
}

type userEntry struct {
	Cert []byte `json:"client-certificate-data"` //nolint:tagliatelle // the format is Kubernetes's
	Key  []byte `json:"client-key-data"`         //nolint:tagliatelle // the format is Kubernetes's
}

type currentContext struct {
	Cluster string `json:"cluster"`
	User    string `json:"user"`
}

// writeKubeconfig writes dir/<file>.kubeconfig with a fresh client certificate
// for u.
func (a *authority) writeKubeconfig(dir, server string, u subject) error {
	cert, key, err := a.issue(u)
	if err != nil {
		return err
	}
	const cluster = "asyncqueue"
	context := u.file + "@" + cluster
	text, err := json.MarshalIndent(kubeconfig{
		APIVersion:     "v1",
		Kind:           "Config",
		Clusters:       []named{{Name: cluster, Cluster: &clusterEntry{Server: server, CA: a.certPEM}}},
		Users:          []named{{Name: u.file, User: &userEntry{Cert: cert, Key: key}}},
		Contexts:       []named{{Name: context, Context: &currentContext{Cluster: cluster, User: u.file}}},
		CurrentContext: context,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the kubeconfig of %s: %w", u.file, err)
	}
	path := filepath.Join(dir, u.file+".kubeconfig")
	if err := os.WriteFile(path, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing the kubeconfig of %s: %w", u.file, err)
	}
	return nil
}
