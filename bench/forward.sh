#!/bin/sh
# forward.sh - what a forward costs the node that forwards: its CPU time per request, against that
# of a plain reply.
#
#	./dev bench forward [quick]
#
# Client -> A -> B: every cell is the median ratio of A's CPU time per 128-byte request, forwarded
# to B / answered by A, with its quartiles, from slices of forwards that each stand between two
# slices of plain replies (bench/slices.h). The work is at least twice that of a reply: two messages
# come and two go. Nodes and load share CPU 0; with `apart`, B has CPU 1. `aa` is the plain reply
# against itself: what the machine makes of no difference. Loopback only; ends by itself. `quick`:
# fewer cells and pairs.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
if [ -z "${RINGWALK_BENCH_SESSION:-}" ]; then
	RINGWALK_BENCH_SESSION=1 exec setsid -w "$0" "$@"
fi
build=${BUILD:-build}
node=$build/src/cli/ringwalk
load=$build/bench/load
work=$(mktemp -d)
pids=
trap 'for p in $pids; do kill "$p" 2>/dev/null || :; done; wait; rm -rf "$work"' EXIT
trap 'exit 4' INT TERM

backends='select poll epoll io_uring'
shapes='1:1 16:1 64:1 256:1 16:8 64:8'
pairs=12
if [ "${1:-}" = quick ]; then
	shapes='1:1 64:1 16:8'
	pairs=6
fi

# wait_for FILE PATTERN: the first line of FILE that matches, within 5 s.
wait_for()
{
	tries=0
	until grep -m 1 "$2" "$1"; do
		tries=$((tries + 1))
		[ "$tries" -lt 100 ] || { echo "forward.sh: no node: $(cat "$1")" >&2; exit 1; }
		sleep 0.05
	done
}

# start NAME BACKEND CPU: sets $pid and $port.
start()
{
	: >"$work/$1"
	"$node" node --backend="$2" --bind-addr=127.0.0.1:0 --pin.cpus="$3" >"$work/$1" 2>&1 &
	pid=$!
	pids="$pids $pid"
	line=$(wait_for "$work/$1" 'listening on')
	port=${line##*:}
}

# row NAME PID PORT TO CONNECTIONS:OUTSTANDING: one line of the table.
row()
{
	"$load" -c "${5%:*}" -p "${5#*:}" -s 128 -r "$pairs" "plain=$2:$3" "aa=$2:$3" \
		"forward=$2:$3>$4" >"$work/out"
	awk -v name="$1" -v c="${5%:*}" -v p="${5#*:}" '
		$1 == "plain" { plain = $3 }
		$1 == "aa" { aa = $4 }
		$1 == "forward" {
			printf "%-16s %5d %3d %10.0f %10.0f %7.3f [%.3f, %.3f] %7s %8.3f\n", name,
				c, p, plain, $3, $4, $5, $6, $7, aa
		}
	' "$work/out"
}

echo "CPU time of the forwarding node per request: forward / plain reply, median [quartiles]"
printf '%-16s %5s %3s %10s %10s %7s %16s %7s %8s\n' backend conns out "plain ns" "forward ns" \
	ratio quartiles pairs aa
for b in $backends; do
	start "a-$b" "$b" 0
	a_pid=$pid a_port=$port
	start "b-$b" "$b" 0
	for shape in $shapes; do
		row "$b" "$a_pid" "$a_port" "$port" "$shape"
	done
	if [ "$(nproc)" -gt 1 ]; then
		start "far-$b" "$b" 1
		row "$b apart" "$a_pid" "$a_port" "$port" 64:1
	fi
done
