# Programs that come from Debian: they are found, or installed where that is
# possible, or named in the error.
# shellcheck shell=bash

# need COMMAND PACKAGE WHY: makes sure that the command (or, with a slash, the
# file) is there.
need() {
  local command=$1 package=$2 why=$3
  if has "$command"; then return; fi
  say "installing the Debian package $package: $why"
  can_install || die "$command is missing ($why); install the package $package, for example: apt-get install $package"
  install_package "$package" || die "installing the Debian package $package failed"
  has "$command" || die "the package $package did not bring $command"
}

has() { case $1 in */*) [ -e "$1" ] ;; *) command -v "$1" >/dev/null ;; esac; }

can_install() { is_root && command -v apt-get >/dev/null; }

install_package() {
  local log
  log=$(mktemp)
  if apt_install "$1" >"$log" 2>&1 || { apt-get -q update >>"$log" 2>&1 && apt_install "$1" >>"$log" 2>&1; }; then
    rm -f "$log"
    return
  fi
  tail -n 10 "$log" >&2
  rm -f "$log"
  return 1
}

# apt_install takes no recommended packages (runc would bring criu) and waits
# for another installation that is under way.
apt_install() {
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=180 "$1"
}

CNI_PLUGINS=/usr/lib/cni

need_network_packages() {
  need ip iproute2 "makes the bridge that pods are connected to"
  need iptables iptables "kube-proxy routes services with it"
}

need_node_packages() {
  need_network_packages
  need runc runc "runs containers"
  need $CNI_PLUGINS/bridge containernetworking-plugins "connects pods to the network"
}

# need_redis: makes $BIN/redis-server. Debian's package redis-server would start
# a service and enable it at boot, so only redis-tools is installed: it brings
# the same program under another name, which acts as the server when it is
# called redis-server.
need_redis() {
  if [ -x "$BIN/redis-server" ]; then return; fi
  mkdir -p "$BIN"
  local program
  if ! program=$(command -v redis-server); then
    need redis-check-rdb redis-tools "holds the queues"
    program=$(command -v redis-check-rdb)
  fi
  ln -sfn "$program" "$BIN/redis-server"
  case $("$BIN/redis-server" --version) in
    "Redis server "*) ;;
    *)
      rm -f "$BIN/redis-server"
      die "$program is no Redis server; install Redis so that redis-server is found in PATH"
      ;;
  esac
}

# need_php: PHP, which an image of test/e2e holds, with its extension for Redis,
# which the stand-in for a Hyperf application needs too.
need_php() {
  need php php-cli "runs the jobs and the producers of tests"
  php_has_redis && return
  say "installing the Debian package php-redis: the stand-in for a Hyperf application talks to Redis"
  can_install || die "PHP has no extension redis; install the package php-redis, for example: apt-get install php-redis"
  install_package php-redis || die "installing the Debian package php-redis failed"
  php_has_redis || die "the package php-redis did not bring the extension redis"
}

php_has_redis() { php -m | grep -qx redis; }
