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
[ -z "$small" ] || requests=60

# ask OPTIONS: to all three, as in quorum.yaml
ask()
{
	client --to=unix:front -n $requests -r 100 \
		"--program=forward unix:a,unix:b,unix:far,$1; store 4KiB; reply 256B; reply 512B"
}

# Two of three are there: nobody notices. All three are not: every attempt takes its 50 ms, then
# only who was silent is asked again, then the request fails.
ask quorum=2,timeout=50ms,retries=1
ask quorum=3,timeout=50ms,retries=1

# It goes on while they ask: the second half of the requests find three again.
(sleep "$(awk -v n=$requests 'BEGIN { print n / 200 }')"; kill -CONT "${pids[a]}") &
ask quorum=3,timeout=50ms,retries=1
exit "$status"
