// Command pki makes the secrets of one local cluster: a certificate authority
// that exists only for it, the certificates and keys of its servers, the key
// that signs service account tokens, and a kubeconfig with a client
// certificate for each of its users.
//
// Nothing is fixed or shared between clusters: whoever does not hold one of
// these files is anonymous to the API server and to the kubelet.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// options are what the command line says.
type options struct {
	dir       string   // where everything is written; made when absent
	server    string   // URL of the API server, as the kubeconfigs name it
	serverIPs []net.IP // addresses that the API server's certificate is good for
	node      string   // name of the node; empty means that there is none
	nodeIP    net.IP   // address that the kubelet's certificate is good for
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("pki: ")
	o, err := parse(os.Args[1:])
	if err != nil {
		log.Fatal(err)
	}
	if err := write(o); err != nil {
		log.Fatal(err)
	}
}

func parse(args []string) (options, error) {
	var o options
	var ips, nodeIP string
	flags := flag.NewFlagSet("pki", flag.ContinueOnError)
	flags.StringVar(&o.dir, "dir", "", "folder to write to")
	flags.StringVar(&o.server, "server", "", "URL of the API server")
	flags.StringVar(&ips, "server-ips", "", "addresses of the API server, separated by commas")
	flags.StringVar(&o.node, "node", "", "name of the node; empty: no node")
	flags.StringVar(&nodeIP, "node-ip", "", "address of the node")
	if err := flags.Parse(args); err != nil {
		return o, fmt.Errorf("reading the command line: %w", err)
	}
	if o.dir == "" || o.server == "" || ips == "" {
		return o, fmt.Errorf("reading the command line: --dir, --server and --server-ips are required")
	}
	for text := range strings.SplitSeq(ips, ",") {
		ip := net.ParseIP(text)
		if ip == nil {
			return o, fmt.Errorf("reading --server-ips: %q is not an address", text)
		}
		o.serverIPs = append(o.serverIPs, ip)
	}
	if o.node == "" {
		return o, nil
	}
	if o.nodeIP = net.ParseIP(nodeIP); o.nodeIP == nil {
		return o, fmt.Errorf("reading --node-ip: %q is not an address", nodeIP)
	}
	return o, nil
}

// write makes all files of a cluster below o.dir.
func write(o options) error {
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return fmt.Errorf("making the folder: %w", err)
	}
	ca, err := newAuthority("asyncqueue-cluster")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(o.dir, "ca.crt"), ca.certPEM, 0o644); err != nil {
		return fmt.Errorf("writing the authority: %w", err)
	}
	for _, p := range servers(o) {
		if err := ca.writePair(o.dir, p); err != nil {
			return err
		}
	}
	for _, u := range users(o) {
		if err := ca.writeKubeconfig(o.dir, o.server, u); err != nil {
			return err
		}
	}
	return writeSigningKey(o.dir)
}

// servers lists the certificates that programs hold as files.
func servers(o options) []subject {
	list := []subject{
		{
			file: "apiserver", commonName: "kube-apiserver", server: true, ips: o.serverIPs,
			names: []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
		},
	}
	if o.node != "" {
		list = append(list,
			subject{file: "apiserver-kubelet-client", commonName: "kube-apiserver-kubelet-client"},
			subject{file: "kubelet", commonName: o.node, server: true, ips: []net.IP{o.nodeIP}, names: []string{o.node}})
	}
	return list
}

// users lists who gets a kubeconfig. The names and groups are those that
// Kubernetes' own role bindings speak of.
func users(o options) []subject {
	list := []subject{
		{file: "admin", commonName: "admin", group: "system:masters"},
		{file: "controller-manager", commonName: "system:kube-controller-manager"},
		{file: "scheduler", commonName: "system:kube-scheduler"},
	}
	if o.node != "" {
		list = append(list,
			subject{file: "kubelet", commonName: "system:node:" + o.node, group: "system:nodes"},
			subject{file: "kube-proxy", commonName: "system:kube-proxy"})
	}
	return list
}
