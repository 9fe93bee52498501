// Package apiserver holds the suite that runs the operator on a real etcd and
// kube-apiserver: `make apiserver`.
package apiserver
