#!/bin/bash
# run.sh - a hog on the node's CPU: what each way of scheduling the node is worth.
#
#	run.sh [small] [DIR]
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

sweep neighbour
exit "$status"
