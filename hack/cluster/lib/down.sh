# Takes everything away again, whatever state it is in.
# shellcheck shell=bash

# down may be called at any time: after a crash, in the middle of an "up" that
# was killed, or when nothing runs.
down() {
  check_state
  if ! remains; then
    say "nothing is running"
    return
  fi
  local -a names=() pids=()
  recover_sysctls
  # What could start new processes ends first; it has nothing to save.
  stop 0 kubelet
  mapfile -t names < <(recorded_names | grep -vx containerd || true)
  mapfile -t pids < <(container_pids)
  [ ${#pids[@]} = 0 ] || end_processes 0 "${pids[@]}"
  [ ${#names[@]} = 0 ] || stop 2 "${names[@]}"
  stop 1 containerd
  # Shims of containers, and what a killed "up" had no time to write down.
  mapfile -t pids < <(marked_pids)
  [ ${#pids[@]} = 0 ] || end_processes 1 "${pids[@]}"
  mapfile -t pids < <(container_pids)
  [ ${#pids[@]} = 0 ] || end_processes 0 "${pids[@]}"

  remove_cgroups || say "warning: some cgroups named $CGROUP could not be removed"
  network_down
  rm -rf "$STATE"
  say "the cluster is gone"
}

# remains: is there anything of a cluster?
remains() { [ -d "$STATE" ] || has_bridge || [ -n "$(our_cgroups)" ] || [ -n "$(marked_pids)" ]; }
