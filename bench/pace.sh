#!/bin/sh
# pace.sh - lateness of the client and its honesty under overload; see pace.py.
#
# SPDX-License-Identifier: Apache-2.0
exec python3 -B "$(dirname "$0")/pace.py" "${BUILD:-build}/src/cli/ringwalk" "$@"
