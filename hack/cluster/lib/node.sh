# The node: containerd and the kubelet in a mount namespace of their own, and
# kube-proxy.
# shellcheck shell=bash

# runtime_up starts containerd. It needs no API server, so it comes first and is
# ready when the API server is.
runtime_up() {
  make_cgroups
  write_cni_config
  write_containerd_config
  start containerd unshare --mount --propagation private "$LIB/node-namespace" "$STATE" "$BIN" \
    "$BIN/containerd" -c "$STATE/containerd.toml"
}

# node_up: needs runtime_up and a ready API server.
node_up() {
  write_kubelet_config
  write_proxy_config
  await "containerd" 30 containerd in_node "$BIN/ctr" version
  load_pause_image
  kubectl create clusterrolebinding apiserver-to-kubelet --clusterrole=system:kubelet-api-admin \
    --user=kube-apiserver-kubelet-client >/dev/null
  start kubelet nsenter --mount="/proc/$(pid_of containerd)/ns/mnt" "$BIN/kubelet" \
    --config="$STATE/kubelet.yaml" --kubeconfig="$STATE/secrets/kubelet.kubeconfig" \
    --hostname-override="$NODE" --node-ip="$HOST_IP"
  start kube-proxy "$BIN/kube-proxy" --config="$STATE/kube-proxy.yaml" --hostname-override="$NODE"
  await "a ready node" 90 kubelet node_ready
}

# in_node COMMAND...: runs the command where containerd's files are visible.
in_node() { nsenter --mount="/proc/$(pid_of containerd)/ns/mnt" "$@"; }

node_ready() {
  [ "$(kubectl get node "$NODE" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')" = True ]
}

# load_image FILE: imports an image archive into containerd. The client reads it
# from its input, for FILE may be hidden in the node's mount namespace. Its
# remark about old cgroups is for those who can change the machine.
load_image() {
  in_node "$BIN/ctr" -n k8s.io images import --local --no-unpack - <"$1" 2> >(grep -v DEPRECATION >&2)
}

load_pause_image() {
  "$BIN/image" --tag "$PAUSE_IMAGE" --entrypoint /pause --out "$STATE/pause.tar" "$BIN/pause"
  load_image "$STATE/pause.tar" >/dev/null
}

write_cni_config() {
  mkdir -p "$STATE/cni"
  cat >"$STATE/cni/10-bridge.conflist" <<EOF
{
  "cniVersion": "1.0.0",
  "name": "asyncqueue",
  "plugins": [{
    "type": "bridge", "bridge": "$BRIDGE", "isGateway": true, "hairpinMode": true,
    "ipam": {
      "type": "host-local", "dataDir": "$STATE/cni/addresses",
      "ranges": [[{"subnet": "$POD_RANGE", "rangeStart": "$NET.0.2", "gateway": "$HOST_IP"}]],
      "routes": [{"dst": "0.0.0.0/0"}]
    }
  }]
}
EOF
}

# write_containerd_config: what is switched off would write outside of the
# state folder (nri, opt, AppArmor profiles) or needs rights that a machine in a
# sandbox does not give (a lower OOM score).
write_containerd_config() {
  cat >"$STATE/containerd.toml" <<EOF
version = 3
imports = []
root = "/var/lib/containerd"
state = "/run/containerd"
[plugins.'io.containerd.internal.v1.opt']
  path = "/var/lib/containerd/opt"
[plugins.'io.containerd.nri.v1.nri']
  disable = true
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "$(snapshotter)"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "$PAUSE_IMAGE"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
  disable_apparmor = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ["$CNI_PLUGINS"]
  conf_dir = "$STATE/cni"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
  runtime_path = "$BIN/containerd-shim-runc-v2"
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
    BinaryName = "$(command -v runc)"
    SystemdCgroup = false
EOF
}

# snapshotter prints which one works on the file system of the state folder:
# overlayfs cannot lie on top of another overlay, as in a container.
snapshotter() { if can_overlay "$STATE"; then echo overlayfs; else echo native; fi; }

# write_kubelet_config: disk pressure must not evict pods or delete images here,
# for images cannot be pulled again. There is no name service: pods ask this
# machine, where as a rule nobody listens, and so learn at once that a name is
# unknown.
write_kubelet_config() {
  cat >"$STATE/kubelet.yaml" <<EOF
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $HOST_IP
port: $(free_port 10250)
readOnlyPort: 0
healthzPort: 0
tlsCertFile: $STATE/secrets/kubelet.crt
tlsPrivateKeyFile: $STATE/secrets/kubelet.key
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: $STATE/secrets/ca.crt}
authorization: {mode: Webhook}
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /$CGROUP
failCgroupV1: false
failSwapOn: false
localStorageCapacityIsolation: $(measures_disk)
makeIPTablesUtilChains: false
volumePluginDir: /var/lib/kubelet/flexvolume
resolvConf: ""
clusterDNS: [$HOST_IP]
maxPods: 250
syncFrequency: 10s
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: {memory.available: 100Mi, nodefs.available: 0%, nodefs.inodesFree: 0%, imagefs.available: 0%, imagefs.inodesFree: 0%}
EOF
}

# measures_disk prints whether the kubelet can measure the disk that the state
# folder is on. On other file systems it would refuse to start.
measures_disk() { case $(stat -f -c %T "$STATE") in ext* | xfs | overlay*) echo true ;; *) echo false ;; esac; }

# write_proxy_config: the zeros keep kube-proxy from changing the kernel's
# connection tracking for the whole machine.
write_proxy_config() {
  cat >"$STATE/kube-proxy.yaml" <<EOF
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
clientConnection: {kubeconfig: $STATE/secrets/kube-proxy.kubeconfig}
clusterCIDR: $POD_RANGE
healthzBindAddress: 127.0.0.1:$(free_port 10256)
metricsBindAddress: 127.0.0.1:$(free_port 10249)
nodePortAddresses: [$HOST_IP/32]
iptables: {localhostNodePorts: false}
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
EOF
}
