#!/bin/sh
# against.sh - what a change costs: this build's node beside another's, or beside itself with knobs.
#
#	./dev bench against PROGRAM [OPTION...]
#
# PROGRAM is another ringwalk, of before the change. Every cell is the median ratio of CPU time per
# 64-byte request, this / that, with its quartiles, from slices that each stand between two slices
# of the other (bench/slices.h). The first table is without options: what knobs cost that nobody
# uses. With OPTIONs, which go to this build's node, a second one says what those cost. Last PROGRAM
# beside itself: what "the same" looks like on this machine today. Servers and load share CPU 0;
# loopback only; ends by itself.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
# shellcheck source=bench/lib/servers.sh
. "$(dirname "$0")/lib/servers.sh"

shapes='1:1 64:1 64:8'
pairs=10
common='--bind-addr=127.0.0.1:0 --backlog-length=4096'
if [ $# -lt 1 ] || [ ! -x "$1" ]; then
	echo "usage: against.sh PROGRAM [OPTION...], where PROGRAM is another build's ringwalk" >&2
	exit 2
fi
old=$1
shift

# table TITLE PROGRAM OPTION...: of that node / the other build's.
table()
{
	echo "$1"
	printf '%-10s %6s %10s %8s %7s  %-13s %s\n' \
		backend c:o requests/s CPU_ns ratio quartiles pairs
	shift
	for b in $backends; do
		start "that-$b" "$old" node $common --backend="$b"
		that=$started
		start "this-$b" "$@" $common --backend="$b"
		this=$started
		for shape in $shapes; do
			"$load" -c "${shape%:*}" -p "${shape#*:}" -r "$pairs" "$that" "$this" |
				awk -v b="$b" -v shape="$shape" '$1 ~ /^this/ {
					printf "%-10s %6s %10s %8s %7s  %s..%s  %s\n",
						b, shape, $2, $3, $4, $5, $6, $7 }'
		done
	done
	echo
}

table "this build / that, nothing set" "$node" node
[ $# -eq 0 ] || table "this build with $* / that" "$node" node "$@"
table "that build beside itself" "$old" node
