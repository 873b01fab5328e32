# servers.sh - for the scripts of bench/: a session of their own, and servers that end with them.
#
# Read by `. bench/lib/servers.sh` at a script's beginning, with its arguments. It sets build, node
# (the ringwalk program), load, work (a folder that goes with the script) and backends.
#
# SPDX-License-Identifier: Apache-2.0
if [ -z "${RINGWALK_BENCH_SESSION:-}" ]; then
	RINGWALK_BENCH_SESSION=1 exec setsid -w "$0" "$@"
fi
build=${BUILD:-build}
node=$build/src/cli/ringwalk
load=$build/bench/load
backends='select poll epoll io_uring'
work=$(mktemp -d)
pids=
trap 'for p in $pids; do kill "$p" 2>/dev/null || :; done; wait; rm -rf "$work"' EXIT
trap 'exit 4' INT TERM

# start NAME COMMAND...: a server, once it has said its port. Sets pid, port, and started, which is
# NAME=PID:PORT as bench/load wants it. What it says is in $work/NAME.
start()
{
	name=$1
	shift
	: >"$work/$name"
	"$@" >"$work/$name" 2>&1 &
	pid=$!
	pids="$pids $pid"
	tries=0
	until line=$(grep -m 1 ':[0-9][0-9]*$' "$work/$name"); do
		tries=$((tries + 1))
		if [ "$tries" -gt 100 ] || ! kill -0 "$pid" 2>/dev/null; then
			echo "${0##*/}: no server: $(cat "$work/$name")" >&2
			exit 1
		fi
		sleep 0.05
	done
	port=${line##*:}
	started=$name=$pid:$port
}
