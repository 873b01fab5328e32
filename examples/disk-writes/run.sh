#!/bin/bash
# run.sh - writes to a disk: pattern, durability, page cache, and who carries them out.
#
#	[TMPDIR=FOLDER] run.sh [small] [DIR]
#
# The file lies in TMPDIR (else /tmp): name a folder on the disk that is asked about.
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

df --output=fstype,source . | tail -n 1
sweep patterns
sweep modes
exit "$status"
