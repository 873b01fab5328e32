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
if [ -z "${RINGWALK_BENCH_SESSION:-}" ]; then
	RINGWALK_BENCH_SESSION=1 exec setsid -w "$0" "$@"
fi
build=${BUILD:-build}
new=$build/src/cli/ringwalk
load=$build/bench/load
backends='select poll epoll io_uring'
shapes='1:1 64:1 64:8'
pairs=10
if [ $# -lt 1 ] || [ ! -x "$1" ]; then
	echo "usage: against.sh PROGRAM [OPTION...], where PROGRAM is another build's ringwalk" >&2
	exit 2
fi
old=$1
shift
work=$(mktemp -d)
pids=
trap 'for p in $pids; do kill "$p" 2>/dev/null || :; done; wait; rm -rf "$work"' EXIT
trap 'exit 4' INT TERM

# start NAME PROGRAM OPTION...: $started is NAME=PID:PORT, as bench/load wants it.
start()
{
	name=$1
	shift
	: >"$work/$name"
	"$@" --bind-addr=127.0.0.1:0 --backlog-length=4096 >"$work/$name" 2>&1 &
	pid=$!
	pids="$pids $pid"
	tries=0
	until line=$(grep -m 1 'listening on' "$work/$name"); do
		tries=$((tries + 1))
		if [ "$tries" -gt 100 ] || ! kill -0 "$pid" 2>/dev/null; then
			echo "against.sh: no server: $(cat "$work/$name")" >&2
			exit 1
		fi
		sleep 0.05
	done
	started=$name=$pid:${line##*:}
}

# table TITLE PROGRAM OPTION...: of that node / the other build's.
table()
{
	echo "$1"
	printf '%-10s %6s %10s %8s %7s  %-13s %s\n' \
		backend c:o requests/s CPU_ns ratio quartiles pairs
	shift
	for b in $backends; do
		start "that-$b" "$old" node --backend="$b"
		that=$started
		start "this-$b" "$@" --backend="$b"
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

table "this build / that, nothing set" "$new" node
[ $# -eq 0 ] || table "this build with $* / that" "$new" node "$@"
table "that build beside itself" "$old" node
