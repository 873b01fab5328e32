#!/bin/bash
# run.sh - requests that cross: each of two nodes forwards to the other, and nothing locks up.
#
#	run.sh [small]
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

# A request to the left computes there, then on the right, then on the left again.
program_left="compute 50us; forward unix:right; compute 50us; reply 256B; compute 50us; reply 512B"
program_right="compute 50us; forward unix:left; compute 50us; reply 256B; compute 50us; reply 512B"
length=3s
[ -z "$small" ] || length=500ms

for backend in select poll epoll io_uring; do
	start left node -b unix:left --backend=$backend
	start right node -b unix:right --backend=$backend
	echo
	echo "== $backend"
	"$ringwalk" client --sched.policy=fifo --allow-degraded --to=unix:right \
		--program="$program_right" -r 1k -c 8 --duration=$length >to-the-right 2>&1 &
	pids[other]=$!
	client --to=unix:left --program="$program_left" -r 1k -c 8 --duration=$length
	result=0
	wait "${pids[other]}" || result=$?
	[ $result -le 1 ] || status=$result
	unset "pids[other]"
	echo
	echo "and at the same time, to the right:"
	cat to-the-right
	stop left
	stop right
done
exit "$status"
