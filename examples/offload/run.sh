#!/bin/bash
# run.sh - how much of its work an edge node should send to the cloud.
#
#	run.sh [small] [DIR]
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

start edge node -b unix:edge --max-in-flight=1
start cloud node -b unix:far
start proxy proxy -b unix:cloud --to=unix:far --delay-both=20ms

sweep offload
exit "$status"
