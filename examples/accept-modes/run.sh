#!/bin/bash
# run.sh - how connections find a worker, and what it costs when they come and go.
#
#	run.sh [small] [DIR]
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

sweep accept
exit "$status"
