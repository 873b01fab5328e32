#!/bin/bash
# run.sh - the rate goes up until the node can do no more: where response leaves service.
#
#	run.sh [small]
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

seconds=2
[ -z "$small" ] || seconds=0.3

# ramp RATE: the steps of a rate, one row each. The node serves one request of each of 8 connections
# at a time, and each waits 2 ms for something: so it can do 4000 a second, if its timers are exact.
# The client has 64 requests under way at most, as a program with a pool of 64: above that the next
# ones wait for their turn, and are late.
ramp()
{
	start node node -b unix:node --max-in-flight=1
	client --to=unix:node --rate="$1" --rss=$seconds -n auto --sleep=2ms --rs=64B -c 8 \
		--max-in-flight=64 --records=records.csv --quiet
	stop node
	python3 -B "$here/steps.py" $seconds records.csv
}

ramp gseq:min=500:max=8k:step=2
ramp aseq:min=3k:max=5k:step=250
exit "$status"
