#!/usr/bin/env python3
"""session.py - which suites, and as many guests as it takes until each has a result.

A guest that does not boot costs a try and blames nobody. A suite that a guest died under is tried
again in the next one, once: emulated kernels do fall over. The rest of the list goes on behind it.

SPDX-License-Identifier: Apache-2.0
"""
import dataclasses
import fnmatch
import re
import time

from markers import Result, death

TRIES = 3    # guests in all
CHANCES = 2  # beginnings that one suite gets
COUNTS = re.compile(r"^\d+ passed, \d+ failed, (\d+) skipped$", re.MULTILINE)


class Mistake(Exception):
    """Of who wrote the list or the command line: a sentence."""


@dataclasses.dataclass
class Suite:
    """One test of meson's that is to run in the guest."""
    name: str
    command: list
    folder: str = "/tmp"
    limit_s: int = 60
    must: bool = False


def read_patterns(text):
    """(pattern, must) of each line of the file `suites`."""
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    return [(line.removesuffix(" must").strip(), line.endswith(" must")) for line in lines if line]


def choose(tests, build, patterns, names=()):
    """The suites in the order of the patterns, or those named; no match is a Mistake.

    Tests are meson's, which runs them in the build folder unless they say otherwise.
    """
    suites = {}
    for pattern, must in patterns:
        found = [test for test in tests if fnmatch.fnmatchcase(test["name"], pattern)]
        if not found:
            raise Mistake(f"tests/guest/suites: no test '{pattern}'")
        for test in found:
            suites[test["name"]] = Suite(test["name"], test["cmd"], test["workdir"] or build,
                                         2 * test["timeout"], must)
    for name in names:
        if name not in suites:
            raise Mistake(f"no test '{name}' in tests/guest/suites")
    return [suite for name, suite in suites.items() if not names or name in names]


def has_skips(result):
    """Does the last line of counts have tests that were skipped?"""
    counts = COUNTS.findall(result.text)
    return bool(counts) and int(counts[-1]) > 0


class Session:
    """What is left to run, and what the others came to.

    boot(suites, end) starts a guest with them and returns it (a markers.Boot) with the end of its
    console; `end` is when all must be over, on the monotonic clock.
    """

    def __init__(self, suites, boot, end):
        self.left = list(suites)
        self.must = {suite.name for suite in suites if suite.must}
        self.boot = boot
        self.end = end
        self.results = []
        self.begun = {}      # name -> how often it began and did not end
        self.reached = None  # the last guest that booted

    def run(self):
        """A result for each suite; none at all if no guest ever booted."""
        for _ in range(TRIES):
            if self.left and not self.is_over():
                self.take(*self.boot(self.left, self.end))
        for suite in list(self.left if self.reached else ()):
            how = "began and did not end" if suite.name in self.begun else "was not reached"
            self.keep(Result(suite.name, "FAIL", f"{how} in {TRIES} guests\n"))
        return self.results

    def is_over(self):
        return time.monotonic() >= self.end

    def take(self, guest, console):
        """What one guest came to."""
        if guest.booted:
            self.reached = guest
        for result in guest.ended:
            self.keep(result)
        if guest.under_way:
            self.take_torn(guest.under_way, death(console) or "the guest said nothing more")

    def take_torn(self, result, why):
        count = self.begun[result.name] = self.begun.get(result.name, 0) + 1
        if count == CHANCES or self.is_over():
            result.text += f"began and did not end, {count} times: {why}\n"
            self.keep(result)

    def keep(self, result):
        if result.name in self.must and (result.result == "SKIP" or has_skips(result)):
            result.result = "FAIL"
            result.text += "this must be possible in the guest (tests/guest/suites)\n"
        self.results.append(result)
        self.left = [suite for suite in self.left if suite.name != result.name]
