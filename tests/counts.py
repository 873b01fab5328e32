#!/usr/bin/env python3
"""counts.py - one line from all tests: "N passed, N failed, N skipped".

Usage: counts.py TESTLOG.json...

Reads what `meson test` logged (one JSON object a line) and adds up the counts that each program
printed as its last line of that form. A program that failed without counting a failure itself (it
crashed, hung, or left a sanitizer's report) counts as one failed test; one that prints no counts
is one test. The status is 1 when anything failed or when nothing ran.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import re
import sys

COUNTS = re.compile(r"(\d+) passed, (\d+) failed, (\d+) skipped")
GOOD = ("OK", "EXPECTEDFAIL")


def printed_counts(text):
    """The last line of the form, as a tuple, or None."""
    for line in reversed(text.splitlines()):
        match = COUNTS.fullmatch(line.strip())
        if match:
            return tuple(int(n) for n in match.groups())
    return None


def test_counts(test):
    """passed, failed, skipped of one program."""
    result = test["result"]
    counts = printed_counts(test.get("stdout", ""))
    if result == "SKIP":
        return counts if counts and any(counts) else (0, 0, 1)
    if result in GOOD:
        return counts or (1, 0, 0)
    passed, failed, skipped = counts or (0, 0, 0)
    return passed, failed or 1, skipped


def main(paths):
    total = [0, 0, 0]
    for path in filter(os.path.exists, paths):
        with open(path, encoding="utf-8", errors="replace") as log:
            for line in log:
                total = [a + b for a, b in zip(total, test_counts(json.loads(line)))]
    print("%d passed, %d failed, %d skipped" % tuple(total))
    return 1 if total[1] or not any(total) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
