# The bridge that pods hang on, the packet rules around it, and the kernel
# settings that change while the cluster runs.
# shellcheck shell=bash

# Settings that the kubelet, the bridge plugin or we change. They are written
# down before and put back after.
SYSCTLS="vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops
kernel/keys/root_maxkeys kernel/keys/root_maxbytes net/ipv4/ip_forward"

# The bridge's hardware address (BRIDGE_ADDRESS, see own_names) tells it from
# anybody else's, from the moment that it exists. Being fixed, it does not
# change as pods come and go.

network_up() {
  if has_bridge; then
    # Rules are made last and in this order, so the last one tells of all.
    ! iptables -w -t nat -C POSTROUTING -j AQ-POSTROUTING 2>/dev/null || return 0
    network_down
  fi
  check_free_range
  save_sysctls
  modprobe -qa overlay br_netfilter 2>/dev/null || true # built in, or absent on this kernel
  ip link add "$BRIDGE" address "$BRIDGE_ADDRESS" type bridge
  ip address add "$HOST_IP/17" dev "$BRIDGE"
  ip link set "$BRIDGE" up
  echo 1 >/proc/sys/net/ipv4/ip_forward
  add_rules
}

network_down() {
  if ! has_bridge; then return; fi
  remove_chains AQ-
  remove_chains KUBE-
  ip link delete "$BRIDGE"
  restore_sysctls
}

has_bridge() { [ "$(cat "/sys/class/net/$BRIDGE/address" 2>/dev/null)" = "$BRIDGE_ADDRESS" ]; }

# check_free_range refuses to take addresses that this machine already routes
# elsewhere, and to share KUBE- chains with another node's kube-proxy.
check_free_range() {
  local taken
  taken=$(ip -4 route show root "$NET.0.0/16"; ip -4 route show match "$NET.0.0/16" | grep -v ^default || true)
  [ -z "$taken" ] || die "the addresses $NET.0.0/16 are in use (${taken%%$'\n'*}); choose others: AQ_CLUSTER_NET=10.87"
  [ ! -e "/sys/class/net/$BRIDGE" ] || die "a network interface $BRIDGE exists that is not ours; choose another network: AQ_CLUSTER_NET=10.87"
  has_chains KUBE- || return 0
  node_runs && die "another Kubernetes node runs on this machine: iptables has chains KUBE-*, and there is a kubelet or kube-proxy"
  say "removing packet rules (KUBE-*) of a Kubernetes node that no longer runs"
  remove_chains KUBE-
}

# node_runs: does any kubelet or kube-proxy run on this machine, ours or not?
node_runs() { grep -qxE 'kubelet|kube-proxy|k3s.*|k0s|rke2' /proc/[0-9]*/comm 2>/dev/null; }

# has_chains PREFIX: is there a chain whose name begins so?
has_chains() { { iptables-save; ip6tables-save; } 2>/dev/null | grep -q "^:$1"; }

# add_rules lets pods reach this machine and the world, and keeps the world
# from the bridge's addresses: Redis there asks for no password.
add_rules() {
  iptables -w -N AQ-INPUT
  iptables -w -A AQ-INPUT -i "$BRIDGE" -j ACCEPT
  iptables -w -A AQ-INPUT ! -i lo -d "$HOST_IP" -j DROP
  iptables -w -I INPUT -j AQ-INPUT
  iptables -w -N AQ-FORWARD
  iptables -w -A AQ-FORWARD -i "$BRIDGE" -j ACCEPT
  iptables -w -A AQ-FORWARD -o "$BRIDGE" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
  iptables -w -A AQ-FORWARD -o "$BRIDGE" -j DROP
  iptables -w -I FORWARD -j AQ-FORWARD
  iptables -w -t nat -N AQ-POSTROUTING
  iptables -w -t nat -A AQ-POSTROUTING -s "$POD_RANGE" ! -d "$NET.0.0/16" ! -o "$BRIDGE" -j MASQUERADE
  iptables -w -t nat -I POSTROUTING -j AQ-POSTROUTING
}

# remove_chains PREFIX removes all chains whose names begin so, the jumps to
# them, and tables that hold nothing any more. A table is restored as a whole or
# not at all, so that a rule that comes or goes meanwhile spoils one turn.
remove_chains() {
  local turn
  for turn in 1 2 3; do
    remove_chains_once "$1"
    has_chains "$1" || return 0
  done
  say "warning: chains named $1* could not all be removed, after $turn turns"
}

remove_chains_once() {
  local family table
  for family in iptables ip6tables; do
    command -v $family >/dev/null || continue
    for table in filter nat mangle raw; do
      $family-save -t $table 2>/dev/null | removal "$1" $table | $family-restore -w --noflush 2>/dev/null || true
      drop_empty_table $family $table
    done
  done
}

# removal PREFIX TABLE reads what iptables-save wrote and prints what undoes it:
# flushes come first, since a chain that is jumped to cannot be deleted.
removal() {
  awk -v prefix="$1" -v table="$2" '
    BEGIN { print "*" table }
    $1 ~ "^:" && index($1, ":" prefix) == 1 { chains[++n] = substr($1, 2) }
    $1 == "-A" && index($2, prefix) != 1 {
      for (i = 3; i < NF; i++) if ($i == "-j" && index($(i + 1), prefix) == 1) { sub("^-A", "-D"); jumps[++m] = $0; break }
    }
    END {
      for (i = 1; i <= m; i++) print jumps[i]
      for (i = 1; i <= n; i++) print "-F " chains[i]
      for (i = 1; i <= n; i++) print "-X " chains[i]
      print "COMMIT"
    }'
}

# drop_empty_table FAMILY TABLE: with the nf_tables back end the built-in chains
# appear at first use. Where a table holds nothing but them, in their first
# state, they are deleted again; empty tables without chains do nothing.
drop_empty_table() {
  local chain
  "$1" --version | grep -q nf_tables || return 0
  ! "$1-save" -t "$2" 2>/dev/null | grep -qvE '^(#|\*|COMMIT|:[A-Z]+ ACCEPT )' || return 0
  for chain in PREROUTING INPUT FORWARD OUTPUT POSTROUTING; do
    "$1" -w -t "$2" -X $chain 2>/dev/null || true
  done
}

save_sysctls() {
  local name
  if [ -e "$STATE/sysctls" ]; then return; fi
  for name in $SYSCTLS; do
    [ ! -r "/proc/sys/$name" ] || printf '%s %s\n' "$name" "$(cat "/proc/sys/$name")"
  done >"$STATE/sysctls.new"
  mv "$STATE/sysctls.new" "$STATE/sysctls"
}

# recover_sysctls writes a lost note again, from the environment of a process
# that still runs.
recover_sysctls() {
  local pid variable
  if [ -e "$STATE/sysctls" ]; then return; fi
  for pid in $(marked_pids); do
    variable=$(grep -zsm 1 '^AQ_CLUSTER_SYSCTLS=.' "/proc/$pid/environ" | tr -d '\0') || continue
    mkdir -p "$STATE"
    printf '%s\n' "${variable#*=}" >"$STATE/sysctls"
    return
  done
}

restore_sysctls() {
  local name value
  if [ ! -e "$STATE/sysctls" ]; then
    say "warning: the note of the kernel's earlier settings is lost; not put back: ${SYSCTLS//$'\n'/ }"
    return
  fi
  while read -r name value; do
    [ "$(cat "/proc/sys/$name")" = "$value" ] || echo "$value" >"/proc/sys/$name" || say "cannot set $name back to $value"
  done <"$STATE/sysctls"
}
