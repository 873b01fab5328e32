#!/bin/bash
# run.sh - which policy of load balancing keeps the slowest requests short?
#
#	run.sh [small] [DIR]
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

# A server takes up so many requests at a time; more wait in its socket. d is the slow one.
for server in a b c; do
	start $server node -b unix:$server --max-in-flight=2
done
start d node -b unix:d --max-in-flight=1

sweep exponential
sweep bimodal
exit "$status"
