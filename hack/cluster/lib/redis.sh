# Redis as a process of this machine, which pods reach at the bridge's address.
# shellcheck shell=bash

REDIS_PORT=6390

# redis_up [--port N] [--append yes|no]: starts a Redis. It listens on loopback
# and, where pods can run, on the bridge's address, and nowhere else, which is
# why it needs no password.
redis_up() {
  local port=$REDIS_PORT append=yes
  read_redis_options "$@"
  if alive "redis-$port"; then
    say "Redis is already up on port $port"
    return
  fi
  ! listening "$port" || die "port $port is taken$(holder "$port"); choose another: --port N"
  need_redis
  open_state
  local -a addresses=(127.0.0.1)
  if has_bridge || can_run_containers >/dev/null; then
    need_network_packages
    network_up
    addresses+=("$HOST_IP")
  fi
  mkdir -p "$STATE/redis-$port"
  start "redis-$port" "$BIN/redis-server" --port "$port" --bind "${addresses[@]}" --dir "$STATE/redis-$port" \
    --save '' --appendonly "$append" --protected-mode no --daemonize no
  await "a Redis on port $port" 20 "redis-$port" redis_answers "$port"
  say "Redis is up: ${addresses[*]/%/:$port}"
}

redis_down() {
  local port=$REDIS_PORT append
  read_redis_options "$@"
  stop 10 "redis-$port"
  rm -rf "$STATE/redis-$port" "$STATE/log/redis-$port.log"
  # The last one out puts out the light.
  [ -n "$(recorded_names)" ] || down
}

read_redis_options() {
  while [ $# -gt 0 ]; do
    case $1 in
      --port) port=${2:?--port needs a number} ;;
      --append) append=${2:?--append needs yes or no} ;;
      *) die "unknown option $1" ;;
    esac
    shift 2
  done
}

# redis_answers PORT: asks with bash alone, so that no client is needed.
redis_answers() (
  exec 6<>"/dev/tcp/127.0.0.1/$1" || exit
  printf 'PING\r\n' >&6
  read -r -t 2 answer <&6
  [ "$answer" = $'+PONG\r' ]
)

# holder PORT: prints who listens on the port, where that can be found out.
holder() { ss -Hltnp "sport = :$1" 2>/dev/null | sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/ by \1 (process \2)/p' | head -n 1; }
