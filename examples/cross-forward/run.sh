#!/bin/bash
# run.sh - requests that cross: each of two nodes forwards to the other, and nothing locks up.
#
#	run.sh [small]
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

# A request to the left waits there, then on the right, then on the left again: 2 ms each.
there="sleep 2ms; reply 256B; sleep 2ms; reply 512B"
length=3s
[ -z "$small" ] || length=500ms

# load TO OTHER: in the background; its answer is in the file TO.txt
load()
{
	"$ringwalk" client --sched.policy=fifo --allow-degraded --to=unix:"$1" -r 1k -c 8 \
		--program="sleep 2ms; forward unix:$2; $there" --duration=$length >"$1.txt" 2>&1 &
	pids[load-$1]=$!
}

# answer TO
answer()
{
	local result=0
	wait "${pids[load-$1]}" || result=$?
	unset "pids[load-$1]"
	[ "$result" -le 1 ] || { status=$result; cat "$1.txt"; }
	sed -n -E -e "s/^(VALID|SUSPECT|INVALID):?$/to the $1: \\1/p" \
		-e '/^(requests|response) .*[0-9]/p' "$1.txt"
}

for backend in select poll epoll io_uring; do
	echo "== $backend"
	start left node -b unix:left --backend=$backend
	start right node -b unix:right --backend=$backend
	load left right
	load right left
	answer left
	answer right
	stop left
	stop right
done
sed -n '/^where/,$p' right.txt
exit "$status"
