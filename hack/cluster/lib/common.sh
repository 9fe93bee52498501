# Settings and small tools that every part of the cluster script needs.
# shellcheck shell=bash disable=SC2034

STATE=${AQ_CLUSTER_DIR:-$ROOT/bin/cluster} # what lives only while the cluster does
BIN=${AQ_CLUSTER_BIN:-$ROOT/bin/k8s}       # built programs; they survive "down"
NET=${AQ_CLUSTER_NET:-10.85}               # first half of the addresses, a /16
API_PORT=${AQ_CLUSTER_API_PORT:-16443}     # where the API server listens, if free

NODE=aq-node
BRIDGE=aq-${NET//./-}          # at most 15 characters: aq-255-255 fits
HOST_IP=$NET.0.1               # this machine, as pods and host see it
POD_RANGE=$NET.0.0/17          # the bridge's own network
SERVICE_RANGE=$NET.128.0/24    # outside of the bridge's network, so that it is routed
CGROUP=aq-cluster              # parent of all containers, in every cgroup hierarchy; own_names adds whose
PAUSE_IMAGE=localhost/asyncqueue-pause:1

say() { printf '%s\n' "$*" >&2; }
die() {
  say "error: $*"
  exit 1
}

is_root() { [ "$(id -u)" = 0 ]; }

# absolute PATH: prints it without resolving links; the file need not exist.
absolute() { case $1 in /*) printf '%s\n' "$1" ;; *) printf '%s\n' "$PWD/$1" ;; esac; }

# listening PORT: is anything on this machine listening on the TCP port?
listening() {
  local hex
  local -a tables=(/proc/net/tcp)
  hex=$(printf ':%04X' "$1")
  [ ! -r /proc/net/tcp6 ] || tables+=(/proc/net/tcp6)
  awk -v want="$hex" '$4 == "0A" && substr($2, length($2) - 4) == want { found = 1 } END { exit !found }' \
    "${tables[@]}"
}

# free_port PREFERRED: prints it, or the first that nobody listens on of those
# that end in the same digit, so that two searches never meet.
free_port() {
  local port=$1
  while listening "$port"; do port=$((port + 10)); done
  [ "$port" = "$1" ] || say "port $1 is taken, using $port"
  printf '%s\n' "$port"
}

# locked FILE COMMAND...: runs the command while holding the folder's lock, so
# that two runs at the same time do not step on each other. The lock is on the
# folder itself and leaves no file behind.
locked() {
  local folder=$1
  shift
  mkdir -p "$folder"
  exec 9<"$folder"
  if ! flock -n 9; then
    say "waiting for another run to finish"
    flock 9
  fi
  "$@"
  exec 9<&-
}

# open_state makes the state folder. Since "down" deletes the folder with all
# that is in it, one that holds something else is refused.
open_state() {
  check_state
  mkdir -p "$STATE"
  chmod 0700 "$STATE" # private keys
  : >"$STATE/.cluster"
}

# check_state dies when the state folder is not a cluster's: one that was
# deleted under a running cluster, whose processes then write to it, still is.
check_state() {
  [ -d "$STATE" ] && [ ! -e "$STATE/.cluster" ] && [ -n "$(ls -A "$STATE")" ] && [ -z "$(marked_pids)" ] || return 0
  die "the folder $STATE holds something else; name another: AQ_CLUSTER_DIR"
}

# own_names ties what is named machine-wide, the cgroup and the bridge, to the
# state folder, so that the cluster of another folder is never taken for ours.
own_names() {
  local mark
  mark=$(printf '%08x' "$(printf '%s' "$STATE" | cksum | cut -d ' ' -f 1)")
  CGROUP=aq-cluster-$mark
  BRIDGE_ADDRESS=02:61:${mark:0:2}:${mark:2:2}:${mark:4:2}:${mark:6:2}
}
