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
# shellcheck source=bench/lib/servers.sh
. "$(dirname "$0")/lib/servers.sh"

floor=$build/bench/floor
shapes='1:1 16:1 64:1 256:1 1024:1 1:8 16:8 64:8 256:8 1024:8'
pairs=12
if [ "${1:-}" = quick ]; then
	shapes='1:1 64:1 64:8'
	pairs=6
fi

start_servers()
{
	for b in $backends; do
		start "floor-$b" "$floor" "$b" 0
		eval "floor_$b=$started"
		start "node-$b" "$node" node --backend="$b" --bind-addr=127.0.0.1:0 \
			--backlog-length=4096
		eval "node_$b=$started"
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
	start "calls-$b" "$node" node --backend="$b" --bind-addr=127.0.0.1:0
	"$load" -c 64 -p 1 -r 2 "a=$pid:$port" "b=$pid:$port" >/dev/null
	kill "$pid"
	wait "$pid" || :
	calls=$(sed -n 's/^all:.*\(system calls per request [^,]*\).*/\1/p' "$work/calls-$b")
	printf '%-22s %s\n' "$b" "$calls"
done
