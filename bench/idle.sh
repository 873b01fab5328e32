#!/bin/sh
# idle.sh - memory of an idle connection, per backend; see idle.py.
#
# SPDX-License-Identifier: Apache-2.0
exec python3 -B "$(dirname "$0")/idle.py" "${BUILD:-build}/src/cli/ringwalk" "$@"
