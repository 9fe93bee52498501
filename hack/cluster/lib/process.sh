# Background processes, remembered by PID and start time: a PID alone may come
# to mean somebody else's process, both together cannot.
# shellcheck shell=bash

# start_time PID: prints when the process started, in ticks since boot; prints
# nothing and fails when it is gone or a zombie.
start_time() {
  local stat
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  stat=${stat##*) } # the name before it may hold blanks
  local -a fields
  read -ra fields <<<"$stat"
  [ "${fields[0]}" != Z ] || return 1
  printf '%s\n' "${fields[19]}"
}

# start NAME COMMAND...: runs the command in the background, in the state
# folder, with its output in log/NAME.log. Its environment carries a mark and
# the kernel's earlier settings, so that "down" works even when somebody has
# deleted the state folder.
start() {
  local name=$1
  shift
  mkdir -p "$STATE/pids" "$STATE/log"
  (
    cd "$STATE" || exit
    AQ_CLUSTER_PROCESS=$STATE AQ_CLUSTER_SYSCTLS=$(cat sysctls 2>/dev/null || true) setsid "$LIB/recorded" "$STATE/pids/$name" "$@" \
      </dev/null >>"$STATE/log/$name.log" 2>&1 9<&- &
  )
}

# pid_of NAME: prints the PID when the recorded process still runs, else fails.
pid_of() {
  local pid started
  { read -r pid started <"$STATE/pids/$1"; } 2>/dev/null || return 1
  [ "$(start_time "$pid")" = "$started" ] || return 1
  printf '%s\n' "$pid"
}

alive() { pid_of "$1" >/dev/null; }

# recorded_names: prints the name of each process that was started.
recorded_names() { [ ! -d "$STATE/pids" ] || find "$STATE/pids" -type f ! -name '*.new' -printf '%f\n' | sort; }

# marked_pids: prints the PIDs of all processes that carry our mark.
marked_pids() {
  grep -lzxF "AQ_CLUSTER_PROCESS=$STATE" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3 || true
}

# gone PID START: has this very process ended?
gone() { [ "$(start_time "$1")" != "$2" ]; }

# end_processes SECONDS PID...: asks the processes to end and kills those that
# still run after the time given.
end_processes() {
  local patience=$1 pid i
  shift
  local -A started=()
  for pid in "$@"; do started[$pid]=$(start_time "$pid") || unset "started[$pid]"; done
  for pid in "${!started[@]}"; do kill "$pid" 2>/dev/null || true; done
  for ((i = 0; i < patience * 10; i++)); do
    for pid in "${!started[@]}"; do ! gone "$pid" "${started[$pid]}" || unset "started[$pid]"; done
    [ ${#started[@]} -gt 0 ] || return 0
    sleep 0.1
  done
  for pid in "${!started[@]}"; do gone "$pid" "${started[$pid]}" || kill -KILL "$pid" 2>/dev/null || true; done
  for pid in "${!started[@]}"; do
    for ((i = 0; i < 50; i++)); do
      if gone "$pid" "${started[$pid]}"; then break; fi
      sleep 0.1
    done
  done
}

# stop SECONDS NAME...: ends recorded processes and forgets them.
stop() {
  local patience=$1 name pid
  shift
  local -a pids=()
  for name in "$@"; do
    if pid=$(pid_of "$name"); then pids+=("$pid"); fi
  done
  [ ${#pids[@]} = 0 ] || end_processes "$patience" "${pids[@]}"
  for name in "$@"; do rm -f "$STATE/pids/$name"; done
}

# await WHAT SECONDS NAME COMMAND...: repeats the command until it succeeds.
# Gives up at once when process NAME has ended, and shows the end of its log.
await() {
  local what=$1 patience=$2 name=$3 deadline
  shift 3
  deadline=$((SECONDS + patience))
  until "$@" >/dev/null 2>&1; do
    if ! alive "$name" && [ -e "$STATE/pids/$name" ]; then
      show_log "$name"
      die "$name ended while waiting for $what"
    elif [ $SECONDS -ge $deadline ]; then
      show_log "$name"
      die "no $what after $patience s"
    fi
    sleep 0.1
  done
}

show_log() {
  say "--- the last lines of $STATE/log/$1.log"
  tail -n 15 "$STATE/log/$1.log" >&2 || true
  say "---"
}
