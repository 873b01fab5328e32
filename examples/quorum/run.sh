#!/bin/bash
# run.sh - replication: what waiting for a quorum costs, and what it saves when a replica is gone.
#
#	run.sh [small] [DIR]
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

for replica in a b c; do
	start $replica node -b unix:$replica --storage=$replica.data --storage-prealloc=0
done
start proxy proxy -b unix:far --to=unix:c --delay-both=4ms --jitter-both=2ms

sweep quorum

# One replica hangs: it neither answers nor closes its connections.
start front node -b unix:front
kill -STOP "${pids[a]}"
requests=400
timeout=50ms
store="store 4KiB"
# What is small is to work on a machine, and a disk, as busy as can be.
[ -z "$small" ] || { requests=200; timeout=500ms; store="store 4KiB,nosync"; }

# ask QUORUM: of all three, as in quorum.yaml
ask()
{
	client --to=unix:front -n $requests -r 100 --drain=10s \
		"--program=forward unix:a,unix:b,unix:far,quorum=$1,timeout=$timeout,retries=1; \
$store; reply 256B; reply 512B"
}

# await_answers COUNT: until the front node has given so many since it was started.
await_answers()
{
	local count=0
	while [ "${count:-0}" -lt "$1" ]; do
		kill -USR1 "${pids[front]}" || return
		sleep 0.05
		count=$(sed -n 's/^all: requests \([0-9]*\),.*/\1/p' front.log | tail -n 1)
	done
}

# Two of three are there: nobody notices. All three are not: every attempt takes its time, then
# only who was silent is asked again, then the request fails.
ask 2
ask 3

# It goes on when half of the next ones have failed: the others find three again.
(await_answers $((2 * requests + requests / 2)); kill -CONT "${pids[a]}") &
ask 3
exit "$status"
