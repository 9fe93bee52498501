# Builds the cluster's programs from the Go modules that go.mod and go.sum pin.
# shellcheck shell=bash

# Program | folder of its module below hack/cluster | package.
PROGRAMS="
etcd                    | .          | go.etcd.io/etcd/server/v3
kube-apiserver          | .          | k8s.io/kubernetes/cmd/kube-apiserver
kubectl                 | .          | k8s.io/kubernetes/cmd/kubectl
kube-controller-manager | .          | k8s.io/kubernetes/cmd/kube-controller-manager
kube-scheduler          | .          | k8s.io/kubernetes/cmd/kube-scheduler
kubelet                 | .          | k8s.io/kubernetes/cmd/kubelet
kube-proxy              | .          | k8s.io/kubernetes/cmd/kube-proxy
pki                     | .          | ./pki
pause                   | .          | ./pause
containerd              | containerd | github.com/containerd/containerd/v2/cmd/containerd
containerd-shim-runc-v2 | containerd | github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2
ctr                     | containerd | github.com/containerd/containerd/v2/cmd/ctr
image                   | ../image   | .
"
ENVTEST_PROGRAMS=(etcd kube-apiserver kubectl)
CONTROL_PLANE_PROGRAMS=(kube-controller-manager kube-scheduler pki)
NODE_PROGRAMS=(kubelet kube-proxy pause image)
RUNTIME_PROGRAMS=(containerd containerd-shim-runc-v2 ctr)

# build_all --node|--no-node builds in the order of need: what "make test" waits for
# comes first.
build_all() {
  require_go
  build "etcd, API server and kubectl" "${ENVTEST_PROGRAMS[@]}"
  build "controllers and scheduler" "${CONTROL_PLANE_PROGRAMS[@]}"
  [ "$1" != --no-node ] || return 0
  build "kubelet, proxy and image tools" "${NODE_PROGRAMS[@]}"
  build "container runtime" "${RUNTIME_PROGRAMS[@]}"
}

# build LABEL PROGRAM...: builds those of the programs that are not there yet in
# the version wanted.
build() {
  local label=$1 program folder
  shift
  local -A stale=() # packages by module folder
  for program in "$@"; do
    folder=$(folder_of "$program")
    [ "$(cat "$BIN/.stamp/$program" 2>/dev/null)" = "$(stamp_of "$program")" ] && [ -x "$BIN/$program" ] && continue
    stale[$folder]+="$program "
  done
  for folder in "${!stale[@]}"; do
    # shellcheck disable=SC2086
    compile "$label" "$folder" ${stale[$folder]}
  done
}

column() { awk -F'|' -v name="$1" -v n="$2" '{ gsub(/ /, "") } $1 == name { print $n }' <<<"$PROGRAMS"; }
folder_of() { column "$1" 2; }
package_of() { column "$1" 3; }

# stamp_of PROGRAM: prints what the program depends on: the pinned versions, how
# it is built and, if it is our own, its source.
stamp_of() {
  local folder package
  folder=$(folder_of "$1") package=$(package_of "$1")
  (
    cd "$HERE/$folder" || exit
    cat go.mod go.sum
    build_flags "$folder"
    case $package in .*) find "$package" -maxdepth 1 -name '*.go' ! -name '*_test.go' -print0 | sort -z | xargs -0 cat ;; esac
  ) | sha256sum | cut -c1-16
}

version_of() { awk -v module="$2" '$1 == module { print $2 } $1 == "require" && $2 == module { print $3 }' "$HERE/$1/go.mod"; }

# build_flags FOLDER: prints the flags of go build, one a line.
build_flags() {
  local kubernetes containerd minor stamps=""
  case $1 in
    .)
      kubernetes=$(version_of . k8s.io/kubernetes)
      minor=${kubernetes#v1.}
      stamps="-X k8s.io/component-base/version.gitVersion=$kubernetes -X k8s.io/component-base/version.gitMajor=1"
      stamps+=" -X k8s.io/component-base/version.gitMinor=${minor%%.*} -X k8s.io/component-base/version.gitTreeState=clean"
      ;;
    containerd)
      containerd=$(version_of containerd github.com/containerd/containerd/v2)
      stamps="-X github.com/containerd/containerd/v2/version.Version=$containerd"
      printf '%s\n' -tags=no_btrfs,no_aufs,no_devmapper,no_zfs
      ;;
  esac
  printf '%s\n' -trimpath -buildvcs=false "-ldflags=-s -w $stamps"
}

# compile LABEL FOLDER PROGRAM...: builds programs of one module together, since
# they share most packages, and puts each in place when all are ready.
compile() {
  local label=$1 folder=$2 program package new
  shift 2
  local -a packages=() flags=()
  for program in "$@"; do packages+=("$(package_of "$program")"); done
  mapfile -t flags < <(build_flags "$folder")
  mkdir -p "$BIN/.stamp"
  rm -rf "$BIN"/.new.* # of a build that was killed
  new=$(mktemp -d "$BIN/.new.XXXXXX")
  (
    trap 'rm -rf "$new"' EXIT
    cd "$HERE/$folder" || exit
    export CGO_ENABLED=0 GOWORK=off
    run_go "$label" "$new/log" "${flags[@]}" -o "$new/" "${packages[@]}"
    for program in "$@"; do
      package=$(package_of "$program")
      mv "$new/$(built_name "$package" "$program")" "$BIN/$program"
      stamp_of "$program" >"$BIN/.stamp/$program"
    done
  )
}

# built_name PACKAGE PROGRAM: prints the name that go build gives the program.
built_name() { case $1 in */server/v3) echo server ;; *) echo "$2" ;; esac; }

# run_go LABEL LOG ARGUMENT...: runs go build and tells how far it is.
run_go() {
  local label=$1 log=$2 begin=$SECONDS total pid
  shift 2
  say "building $label ..."
  count_stale "$log" "$@" >"$log.total" &
  watch $! "$label: fetching modules" "$log" ""
  wait $! || { fail_build "$label" "$log"; }
  total=$(cat "$log.total")
  : >"$log"
  go build -v "$@" 2>"$log" &
  pid=$!
  watch $pid "$label" "$log" "$total"
  wait $pid || fail_build "$label" "$log"
  say "built $label in $((SECONDS - begin)) s"
}

# count_stale LOG ARGUMENT... prints how many packages are to be compiled.
count_stale() {
  local log=$1 argument skip=""
  shift
  local -a arguments=()
  for argument in "$@"; do # go list knows the flags of go build save -o
    if [ -n "$skip" ]; then skip=""; elif [ "$argument" = -o ]; then skip=yes; else arguments+=("$argument"); fi
  done
  go list -deps -f '{{if .Stale}}{{.ImportPath}}{{end}}' "${arguments[@]}" 2>"$log" | grep -c . || [ "${PIPESTATUS[0]}" = 0 ]
}

fail_build() {
  tail -n 20 "$2" >&2
  die "building $1 failed"
}

# watch PID LABEL LOG TOTAL: says every so often how far the process is, until
# it ends: each second on a terminal, every ten seconds elsewhere.
watch() {
  local pid=$1 label=$2 log=$3 total=$4 begin=$SECONDS next=2 text
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    [ $((SECONDS - begin)) -ge $next ] || continue
    if [ -n "$total" ]; then
      text="$(grep -vc '^go: ' "$log" || true) of $total packages compiled or linked"
    else
      text="$(grep -c '^go: downloading' "$log" || true) downloaded"
    fi
    if [ -t 2 ]; then
      printf '\r\033[K  %s: %s, %s s' "$label" "$text" $((SECONDS - begin)) >&2
      next=$((SECONDS - begin + 1))
    else
      say "  $label: $text, $((SECONDS - begin)) s"
      next=$((SECONDS - begin + 10))
    fi
  done
  [ ! -t 2 ] || printf '\r\033[K' >&2
}

require_go() { command -v go >/dev/null || die "go is missing; install Go 1.26 or newer from go.dev"; }
