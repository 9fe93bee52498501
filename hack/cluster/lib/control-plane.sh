# etcd, API server, controllers and scheduler.
# shellcheck shell=bash

# control_plane_up ADDRESS: starts the control plane; its API server listens on
# this address only.
control_plane_up() {
  local address=$1 port
  port=$(free_port "$API_PORT")
  make_secrets "$address" "$port"
  start_etcd
  start_apiserver "$address" "$port"
  await "a ready API server" 90 apiserver kubectl get --raw /readyz
  start_controllers
}

make_secrets() {
  local -a node=()
  [ "$1" != "$HOST_IP" ] || node=(--node "$NODE" --node-ip "$HOST_IP")
  "$BIN/pki" --dir "$STATE/secrets" --server "https://$1:$2" --server-ips "$1,$NET.128.1" "${node[@]}"
  install -m 0600 "$STATE/secrets/admin.kubeconfig" "$STATE/kubeconfig"
}

# start_etcd: etcd speaks through sockets in the state folder, so it takes no
# port and only the folder's owner gets at the data. The paths are relative,
# for a socket's path must be shorter than 108 bytes. The data need not survive
# a power cut, hence no fsync.
start_etcd() {
  start etcd "$BIN/etcd" --data-dir=etcd --unsafe-no-fsync --log-level=warn \
    --listen-client-urls=unix://etcd.sock --advertise-client-urls=unix://etcd.sock \
    --listen-peer-urls=unix://etcd-peer.sock --initial-advertise-peer-urls=unix://etcd-peer.sock \
    --initial-cluster=default=unix://etcd-peer.sock
  await "etcd" 30 etcd test -S "$STATE/etcd.sock"
}

start_apiserver() {
  local address=$1 port=$2
  # shellcheck disable=SC2054 # the commas belong to the values
  local -a options=(
    --etcd-servers=unix://etcd.sock
    --bind-address="$address" --secure-port="$port" --advertise-address="$address"
    --cert-dir=secrets --tls-cert-file=secrets/apiserver.crt --tls-private-key-file=secrets/apiserver.key --client-ca-file=secrets/ca.crt
    --service-account-issuer=https://kubernetes.default.svc
    --service-account-key-file=secrets/sa.pub --service-account-signing-key-file=secrets/sa.key
    --service-cluster-ip-range="$SERVICE_RANGE"
    --authorization-mode=Node,RBAC
    # As on OpenShift: who sets blockOwnerDeletion must be allowed to update the
    # owner's finalizers. Our operator has to live with that.
    --enable-admission-plugins=NodeRestriction,OwnerReferencesPermissionEnforcement
    --allow-privileged=true
    --profiling=false
  )
  if [ "$address" = "$HOST_IP" ]; then
    options+=(
      --kubelet-preferred-address-types=InternalIP --kubelet-certificate-authority=secrets/ca.crt
      --kubelet-client-certificate=secrets/apiserver-kubelet-client.crt --kubelet-client-key=secrets/apiserver-kubelet-client.key
    )
  else
    options+=(--endpoint-reconciler-type=none) # no pod could reach a loopback address
  fi
  start apiserver "$BIN/kube-apiserver" "${options[@]}"
}

# start_controllers: they serve nothing (port 0) and are alone (no election). At
# the usual 20 requests a second their start alone takes many seconds.
start_controllers() {
  start controller-manager "$BIN/kube-controller-manager" --kubeconfig=secrets/controller-manager.kubeconfig \
    --use-service-account-credentials --service-account-private-key-file=secrets/sa.key --root-ca-file=secrets/ca.crt \
    --flex-volume-plugin-dir="$STATE/flexvolume" --secure-port=0 --leader-elect=false \
    --kube-api-qps=200 --kube-api-burst=400
  start scheduler "$BIN/kube-scheduler" --kubeconfig=secrets/scheduler.kubeconfig --secure-port=0 --leader-elect=false
}

# await_controllers: pods can be made only when their namespace has its service
# account, which is among the last things that the controllers see to.
await_controllers() { await "the default service account" 60 controller-manager kubectl get serviceaccount default; }

kubectl() { KUBECACHEDIR=$STATE/kubectl-cache "$BIN/kubectl" --kubeconfig="$STATE/kubeconfig" "$@"; }
