# Whether this machine lets containers run, and the cgroups that they live in.
# shellcheck shell=bash

# CGROUP, the name of ours, is set in common.sh.
CGROUPS=/sys/fs/cgroup
CGROUPS_V1="cpu cpuacct cpuset memory systemd pids" # what the kubelet insists on

# can_run_containers: succeeds, or fails after printing the reason in one line.
can_run_containers() {
  local reason
  if reason=$(why_no_containers) && [ -n "$reason" ]; then
    printf 'containers cannot run here: %s\n' "$reason"
    return 1
  fi
}

why_no_containers() {
  if [ "$(uname -s)" != Linux ]; then
    echo "this is not Linux"
  elif ! is_root; then
    echo "not root (try: sudo -E)"
  elif ! unshare --mount --net --pid --ipc --uts --fork true 2>/dev/null; then
    echo "namespaces cannot be made (missing CAP_SYS_ADMIN?)"
  elif ! unshare --mount mount -n -t tmpfs none /mnt 2>/dev/null; then
    echo "file systems cannot be mounted"
  elif ! test_cgroups 2>/dev/null; then
    echo "cgroups cannot be made in $CGROUPS"
  elif ! has_node_packages && ! can_install; then
    echo "runc, iptables, iproute2 or the CNI plugins are missing, and apt-get is not there to install them"
  elif command -v iptables >/dev/null && ! iptables -w -t nat -S >/dev/null 2>&1; then
    echo "iptables cannot be used"
  elif command -v ip >/dev/null && ! can_bridge 2>/dev/null; then
    echo "network bridges cannot be made"
  fi
}

has_node_packages() { has ip && has iptables && has runc && has "$CNI_PLUGINS/bridge"; }

# can_bridge tries in a network namespace that is gone right after.
can_bridge() { unshare --net ip link add aq-test type bridge; }

# can_overlay FOLDER: can an overlay be mounted with its layers in the folder?
can_overlay() {
  local trial result=0
  mkdir -p "$1"
  trial=$(mktemp -d "$1/overlay.XXXXXX")
  mkdir "$trial"/{lower,upper,work,all}
  unshare --mount mount -n -t overlay -o "lowerdir=$trial/lower,upperdir=$trial/upper,workdir=$trial/work" \
    none "$trial/all" 2>/dev/null || result=1
  rm -rf "$trial"
  return $result
}

test_cgroups() {
  [ -z "$(our_cgroups)" ] || return 0
  local result=0
  make_cgroups || result=1
  remove_cgroups
  return $result
}

unified_cgroups() { [ -e "$CGROUPS/cgroup.controllers" ]; }

make_cgroups() {
  local name
  if unified_cgroups; then
    for name in cpu cpuset memory pids io; do
      grep -qw $name "$CGROUPS/cgroup.controllers" && echo +$name >"$CGROUPS/cgroup.subtree_control" || return 1
    done
    # shellcheck disable=SC2153
    mkdir -p "$CGROUPS/$CGROUP"
    return
  fi
  for name in $CGROUPS_V1; do
    [ -d "$CGROUPS/$name/$CGROUP" ] || mkdir "$CGROUPS/$name/$CGROUP" || return 1
  done
  for name in cpus mems; do # a new cpuset is empty and takes no process
    cat "$CGROUPS/cpuset/cpuset.$name" >"$CGROUPS/cpuset/$CGROUP/cpuset.$name"
  done
}

# our_cgroups prints all cgroups below ours, in every hierarchy, deepest first.
our_cgroups() {
  local top
  for top in "$CGROUPS/$CGROUP" "$CGROUPS"/*/"$CGROUP"; do
    [ ! -d "$top" ] || find "$top" -depth -type d
  done
}

# container_pids prints the processes of all containers.
container_pids() {
  local folder
  our_cgroups | while read -r folder; do cat "$folder/cgroup.procs" 2>/dev/null || true; done | sort -un
}

remove_cgroups() {
  local folder i
  our_cgroups | while read -r folder; do
    for ((i = 0; i < 50; i++)); do # a cgroup is busy until its last process is reaped
      if rmdir "$folder" 2>/dev/null || [ ! -d "$folder" ]; then break; fi
      sleep 0.1
    done
  done
  [ -z "$(our_cgroups)" ]
}
