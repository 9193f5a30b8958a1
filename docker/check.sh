#!/usr/bin/env bash
# Builds the image and holds it to what docs and docker/Dockerfile promise: what it is made of, who
# it runs as, how large it is, that a message crosses through it both ways, and how it ends. Needs
# no docker engine: buildah and podman, as root, on Debian 12; installs them where they are missing.
#
#   docker/check.sh [--keep]     --keep leaves the image localhost/tieline:check behind
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/.."

keep=false
[ "${1:-}" != --keep ] || keep=true
image=localhost/tieline:check
container=tieline-check-$$
max_bytes=25000000
max_stop_ms=5000

if [ "$(id -u)" -ne 0 ]; then
	echo "check: this needs root (buildah, debootstrap)" >&2
	exit 1
fi
script/bootstrap
for tool in buildah podman runc debootstrap; do
	if ! command -v "$tool" > /dev/null; then
		echo "check: installing buildah podman runc debootstrap"
		{ apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install \
		    --no-install-recommends buildah podman runc debootstrap; } > /tmp/tieline-check-apt.log 2>&1 \
		    || { tail -n 20 /tmp/tieline-check-apt.log >&2; exit 1; }
		break
	fi
done

buildah=(buildah --storage-driver vfs)
podman=(podman --log-level fatal --storage-driver vfs --runtime runc)

scratch=$(mktemp -d)
sandbox=0
cleanup() {
	trap - EXIT
	"${podman[@]}" rm -f -t 1 "$container" > /dev/null 2>&1 || true
	if [ "$sandbox" -ne 0 ]; then
		kill "$sandbox" 2> /dev/null || true
		wait "$sandbox" 2> /dev/null || true
	fi
	$keep || "${podman[@]}" rmi -f "$image" > /dev/null 2>&1 || true
	rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

failures=0
ok() { printf 'ok    %s\n' "$*"; }
bad() {
	printf 'FAIL  %s\n' "$*"
	failures=$((failures + 1))
}
stop_here() { # a failure that leaves nothing to go on with
	bad "$1"
	shift
	for log in "$@"; do
		printf -- '--- the end of %s\n' "$log"
		tail -n 40 "$log"
	done
	exit 1
}
expect() { # expect WHAT WANTED FOUND
	if [ "$2" = "$3" ]; then ok "$1: $3"; else bad "$1: $3; expected $2"; fi
}

# --- build ----------------------------------------------------------------------------------------
docker/base.sh
"${buildah[@]}" bud --isolation chroot --format docker -t "$image" -f docker/Dockerfile . \
    > "$scratch/build.log" 2>&1 || stop_here "the image does not build" "$scratch/build.log"
ok "docker/Dockerfile builds"

# --- what it is -----------------------------------------------------------------------------------
field() { "${podman[@]}" image inspect --format "$1" "$image"; }
expect "user" "10001:10001" "$(field '{{.User}}')"
expect "entry point" '["tieline"]' "$(field '{{json .Config.Entrypoint}}')"
expect "command" '["serve"]' "$(field '{{json .Config.Cmd}}')"
expect "volumes" '{"/var/lib/tieline":{}}' "$(field '{{json .Config.Volumes}}')"
expect "health check" '{"Test":["CMD","tieline","health"],"Interval":15000000000,"Timeout":3000000000}' \
    "$(field '{{json .HealthCheck}}')"
expect "environment" '["TIELINE_LISTEN=0.0.0.0:8480"]' \
    "$(field '{{json .Config.Env}}' | sed -E 's/"PATH=[^"]*",?//')"
bytes=$(field '{{.Size}}')
if [ "$bytes" -le "$max_bytes" ]; then
	ok "size: $bytes bytes in all layers, at most $max_bytes"
else
	bad "size: $bytes bytes in all layers, more than $max_bytes"
fi

# What is inside, seen from outside: there is no shell to ask.
work=$("${buildah[@]}" from "$image")
root=$("${buildah[@]}" mount "$work")
for path in usr/bin/tieline etc/ssl/certs/ca-certificates.crt usr/share/zoneinfo/Europe/Vienna etc/passwd; do
	if [ -s "$root/$path" ]; then ok "has /$path"; else bad "lacks /$path"; fi
done
programs=$(find "$root" -type f -perm /111 ! -name '*.so*' | sed "s,^$root,,")
expect "programs" "/usr/bin/tieline" "$programs"
expect "owner of /var/lib/tieline" "10001:10001 750" "$(stat -c '%u:%g %a' "$root/var/lib/tieline")"
"${buildah[@]}" rm "$work" > /dev/null

# --- a message through the running container, the sandbox on this machine as its far side ---------
taken=" "
port=0
free_port() {
	port=$1
	while [[ $taken == *" $port "* ]] || (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; do
		port=$((port + 1))
	done
	taken+="$port "
}
free_port 8471 && smartify=$port
free_port 8472 && chatwoot=$port
free_port 8473 && control=$port
free_port 8480 && relay=$port
free_port 8481 && admin=$port

/usr/bin/python3 -B tests/sandbox/sandbox.py --host 127.0.0.1 \
    --smartify-port "$smartify" --chatwoot-port "$chatwoot" --control-port "$control" \
    --smartify-hook "http://127.0.0.1:$relay/hooks/shop/sandbox-shop-hook-key" \
    --smartify-secret sandbox-smartify-secret \
    --chatwoot-hook "http://127.0.0.1:$relay/hooks/desk/sandbox-desk-hook-key" \
    --chatwoot-secret sandbox-chatwoot-secret-24 \
    > "$scratch/sandbox.ready" 2> "$scratch/sandbox.log" &
sandbox=$!
for ((i = 0; i < 200; i++)); do
	[ ! -s "$scratch/sandbox.ready" ] || break
	kill -0 "$sandbox" 2> /dev/null || break
	sleep 0.1
done
[ -s "$scratch/sandbox.ready" ] || stop_here "the sandbox does not start" "$scratch/sandbox.log"

# As an orchestrator would run it: nothing may be written but the volume, no privilege is left.
install -d -o 10001 -g 10001 -m 0750 "$scratch/data"
chmod 0755 "$scratch"
sed -e "s,http://sandbox:8471,http://127.0.0.1:$smartify," -e "s,http://sandbox:8472,http://127.0.0.1:$chatwoot," \
    -e "s,http://tieline:8480,http://127.0.0.1:$relay," config/compose.yaml > "$scratch/tieline.yaml"
chmod 0644 "$scratch/tieline.yaml"
"${podman[@]}" run -d --name "$container" --network host \
    --read-only --read-only-tmpfs=false --cap-drop all --security-opt no-new-privileges \
    --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 \
    -e TIELINE_LISTEN="0.0.0.0:$relay" -e TIELINE_ADMIN_LISTEN="127.0.0.1:$admin" \
    -v "$scratch/tieline.yaml:/etc/tieline/tieline.yaml:ro" -v "$scratch/data:/var/lib/tieline" \
    "$image" > "$scratch/run.log" 2>&1 || stop_here "the container does not start" "$scratch/run.log"
logs() { "${podman[@]}" logs "$container" > "$scratch/tieline.log" 2>&1 || true; }
ready=false
for ((i = 0; i < 200; i++)); do
	if curl -fsS -m 2 "http://127.0.0.1:$relay/readyz" > /dev/null 2>&1; then
		ready=true
		break
	fi
	[ "$("${podman[@]}" inspect --format '{{.State.Running}}' "$container")" = true ] || break
	sleep 0.1
done
logs
$ready || stop_here "the relay in the container has ended, or is not ready after 20 s" "$scratch/tieline.log"
ok "ready, on a read-only root without capabilities"

pid=$("${podman[@]}" inspect --format '{{.State.Pid}}' "$container")
expect "uid and gid of the process" "10001 10001" \
    "$(awk '/^Uid:/ { u = $2 } /^Gid:/ { g = $2 } END { print u, g }' "/proc/$pid/status")"
expect "capabilities of the process" "0000000000000000" "$(awk '/^CapEff:/ { print $2 }' "/proc/$pid/status")"

if "${podman[@]}" healthcheck run "$container" > "$scratch/health.log" 2>&1; then
	ok "the health check says healthy"
else
	bad "the health check says unhealthy: $(tail -n 1 "$scratch/health.log")"
fi

if /usr/bin/python3 -B script/conversation "http://127.0.0.1:$control" > "$scratch/talk.log" 2>&1; then
	ok "a message crossed, and its answer came back"
	sed 's/^/      /' "$scratch/talk.log"
else
	logs
	stop_here "no message crossed" "$scratch/talk.log" "$scratch/tieline.log" "$scratch/sandbox.log"
fi

# --- the end --------------------------------------------------------------------------------------
began=$(date +%s%3N)
"${podman[@]}" kill --signal TERM "$container" > /dev/null
code=$(timeout 60 "${podman[@]}" wait "$container" || echo "still running")
took=$(($(date +%s%3N) - began))
logs
expect "exit after SIGTERM" 0 "$code"
if [ "$took" -le "$max_stop_ms" ]; then ok "stopped within $took ms"; else bad "stopped after $took ms"; fi
if grep -qE 'level=error' "$scratch/tieline.log"; then
	bad "errors in the log:"
	grep -E 'level=error' "$scratch/tieline.log" | head -n 10
fi

if [ "$failures" -gt 0 ]; then
	printf -- '--- the end of the log\n'
	tail -n 30 "$scratch/tieline.log"
	echo "check: $failures failures"
	exit 1
fi
echo "check: the container is as promised"
