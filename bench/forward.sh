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
# shellcheck source=bench/lib/servers.sh
. "$(dirname "$0")/lib/servers.sh"

shapes='1:1 16:1 64:1 256:1 16:8 64:8'
pairs=12
if [ "${1:-}" = quick ]; then
	shapes='1:1 64:1 16:8'
	pairs=6
fi

# start_node NAME BACKEND CPU: see start.
start_node()
{
	start "$1" "$node" node --backend="$2" --bind-addr=127.0.0.1:0 --pin.cpus="$3"
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
	start_node "a-$b" "$b" 0
	a_pid=$pid a_port=$port
	start_node "b-$b" "$b" 0
	for shape in $shapes; do
		row "$b" "$a_pid" "$a_port" "$port" "$shape"
	done
	if [ "$(nproc)" -gt 1 ]; then
		start_node "far-$b" "$b" 1
		row "$b apart" "$a_pid" "$a_port" "$port" 64:1
	fi
done
