#!/bin/sh
# floor.sh - what the engine costs: a node beside the leanest hand-written server of each backend.
#
#	./dev bench floor [quick]
#
# Every cell is the median ratio of CPU time per 64-byte request, node / floor, with its quartiles,
# from slices of the node that each stand between two slices of the floor (bench/slices.h says why
# nothing else is steady). Then io_uring on the engine against epoll on the engine, and system calls
# per request. Servers and load share CPU 0; loopback only; ends by itself. `quick`: fewer cells and
# pairs.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
if [ -z "${RINGWALK_BENCH_SESSION:-}" ]; then
	RINGWALK_BENCH_SESSION=1 exec setsid -w "$0" "$@"
fi
build=${BUILD:-build}
node=$build/src/cli/ringwalk
floor=$build/bench/floor
load=$build/bench/load
work=$(mktemp -d)
pids=
trap 'for p in $pids; do kill "$p" 2>/dev/null || :; done; wait; rm -rf "$work"' EXIT
trap 'exit 4' INT TERM

backends='select poll epoll io_uring'
shapes='1:1 16:1 64:1 256:1 1024:1 1:8 16:8 64:8 256:8 1024:8'
pairs=12
if [ "${1:-}" = quick ]; then
	shapes='1:1 64:1 64:8'
	pairs=6
fi

# wait_for FILE PATTERN: the first line of FILE that matches, within 5 s.
wait_for()
{
	tries=0
	until grep -m 1 "$2" "$1"; do
		tries=$((tries + 1))
		[ "$tries" -lt 100 ] || { echo "floor.sh: no server: $(cat "$1")" >&2; exit 1; }
		sleep 0.05
	done
}

start_servers()
{
	for b in $backends; do
		"$floor" "$b" 0 >"$work/floor-$b" 2>&1 &
		pids="$pids $!"
		"$node" node --backend="$b" --bind-addr=127.0.0.1:0 --backlog-length=4096 \
			--json="$work/node-$b.json" >"$work/node-$b" 2>&1 &
		pids="$pids $!"
		eval "node_pid_$b=$!"
	done
	for b in $backends; do
		line=$(wait_for "$work/floor-$b" ':')
		eval "floor_$b=floor-$b=${line#*=}"
		line=$(wait_for "$work/node-$b" 'listening on')
		eval "node_$b=node-$b=\$node_pid_$b:${line##*:}"
	done
}

# ratio NAME REFERENCE VARIANT CONNECTIONS OUTSTANDING: one line of the table.
ratio()
{
	connections=$4
	case $2$3 in *select*) [ "$4" -le 1000 ] || connections=1000 ;; esac
	"$load" -c "$connections" -p "$5" -r "$pairs" "$2" "$3" >"$work/out"
	awk -v name="$1" -v c="$connections" -v p="$5" -v variant="${3%%=*}" '
		$1 == variant {
			printf "%-22s %5d %3d   %s\n", name, c, p, substr($0, length($1) + 1)
		}
	' "$work/out"
}

start_servers
echo "CPU time per 64-byte request, node / floor of the same backend: median [quartiles], pairs"
printf '%-22s %5s %3s   %s\n' backend conns out "requests/s, CPU, ratio"
for b in $backends; do
	eval "f=\$floor_$b n=\$node_$b"
	for shape in $shapes; do
		ratio "$b" "$f" "$n" "${shape%:*}" "${shape#*:}"
	done
done
echo
echo "io_uring / epoll, both on the engine"
for shape in $shapes; do
	ratio io_uring/epoll "$node_epoll" "$node_io_uring" "${shape%:*}" "${shape#*:}"
done
echo
echo "system calls per request, 64 connections, one outstanding (node's own count)"
for b in $backends; do
	eval "n=\$node_$b pid=\$node_pid_$b"
	"$node" node --backend="$b" --bind-addr=127.0.0.1:0 --json="$work/calls-$b.json" \
		>"$work/calls-$b" 2>&1 &
	pid=$!
	pids="$pids $pid"
	port=$(wait_for "$work/calls-$b" 'listening on')
	"$load" -c 64 -p 1 -r 2 "a=$pid:${port##*:}" "b=$pid:${port##*:}" >/dev/null
	kill "$pid"
	wait "$pid" || :
	calls=$(sed -n 's/^all:.*\(system calls per request [^,]*\).*/\1/p' "$work/calls-$b")
	printf '%-22s %s\n' "$b" "$calls"
done
