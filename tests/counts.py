#!/usr/bin/env python3
"""counts.py - one line from all tests: "N passed, N failed, N skipped".

Usage: counts.py TESTLOG.json...

Reads what `meson test` logged (one JSON object a line) and adds up the counts that each program
printed as its last line of that form. A program that failed without counting a failure itself (it
crashed, hung, or left a sanitizer's report) counts as one failed test; one that prints no counts
is one test. The status is 1 when anything failed or when nothing ran.

Before that line each reason for skipping is one, with the test or with how many of which program;
a program that counts more of them than it gives reasons for is named, too. Behind "failed:" stands
what each failed test said, or the end of what its program said, so that the end of a long log is
enough to see what went wrong.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import re
import sys

TITLE = re.compile(r"  (?:Test: )?(?P<title>.+?) \.\.\.(?: |$)")
SKIPPED = re.compile(r"(?:^| )skipped: (?P<why>.+)$")
COUNTS = re.compile(r"(\d+) passed, (\d+) failed, (\d+) skipped")
FAILED = re.compile(r" FAILED(?:$|:)", re.MULTILINE)
GOOD = ("OK", "EXPECTEDFAIL")
MOST_LINES = 30  # of what one program said


def name_of(test):
    return test.get("name", "?").split(" / ")[-1]


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


def skips(test):
    """(title, why) of each test that was skipped in one program; "" is the program as a whole."""
    found, title = [], ""
    for line in test.get("stdout", "").splitlines():
        begun = TITLE.match(line)
        title = begun["title"] if begun else title
        skipped = SKIPPED.search(line)
        if skipped:
            found.append((title, skipped["why"]))
    count = test_counts(test)[2]
    return found[:count] + [("", "no reason was given")] * (count - len(found))


def show_skips(tests):
    """A line for each reason: which test, or how many of which programs."""
    reasons = {}
    for test in tests:
        for title, why in skips(test):
            reasons.setdefault(why, []).append((name_of(test), title))
    if reasons:
        print("skipped, and why:")
    for why, places in sorted(reasons.items()):
        programs = [name for name, _ in places]
        if len(places) == 1 and places[0][1]:
            where = ": ".join(places[0])
        else:
            where = ", ".join(f"{name} ({programs.count(name)})" if programs.count(name) > 1
                              else name for name in dict.fromkeys(programs))
        print(f"  {where}: {why}")


def failed_tests(text):
    """What each failed test of a program printed, its title first."""
    blocks = []
    for line in text.splitlines():
        if TITLE.match(line) or COUNTS.fullmatch(line.strip()):
            blocks.append([])
        if blocks:
            blocks[-1].append(line)
    return [line for block in blocks if FAILED.search("\n".join(block)) for line in block]


def show_failures(tests):
    """Under the name of each failed program: what its failed tests said, else its last words."""
    failures = [test for test in tests if test_counts(test)[1]]
    if failures:
        print("failed:")
    for test in failures:
        said = failed_tests(test.get("stdout", ""))[:MOST_LINES]
        if not said:
            said = (test.get("stdout", "") + test.get("stderr", "")).splitlines()[-MOST_LINES:]
        print(f"  {name_of(test)}: {test['result']}, status {test.get('returncode', 'unknown')}")
        print("".join(f"    {line[:1000]}\n" for line in said), end="")


def main(paths):
    tests = []
    for path in filter(os.path.exists, paths):
        with open(path, encoding="utf-8", errors="replace") as log:
            tests += [json.loads(line) for line in log]
    total = [sum(column) for column in zip(*map(test_counts, tests))] or [0, 0, 0]
    show_skips(tests)
    show_failures(tests)
    print("%d passed, %d failed, %d skipped" % tuple(total))
    return 1 if total[1] or not any(total) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
