#!/usr/bin/env python3
"""markers.py - what a guest said, read by init's marks: what began, what ended and how.

Pure text to results, so that every way a guest can end is a row of a test. The marks (init.c):

    @guest ready RELEASE cpus LIST nodes LIST
    @guest begin NAME
    @guest end NAME exit|signal|timeout NUMBER
    @guest done

Without "ready" the guest did not boot, which is nobody's failure here. With it, a suite that has
begun and did not end was cut short; one with another end is passed, failed or skipped.

SPDX-License-Identifier: Apache-2.0
"""
import dataclasses
import re

READY = re.compile(r"@guest ready (?P<release>\S+) cpus (?P<cpus>\S+) nodes (?P<nodes>\S+)")
BEGIN = re.compile(r"@guest begin (?P<name>.+)")
END = re.compile(r"@guest end (?P<name>.+) (?P<how>exit|signal|timeout) (?P<number>\d+)")
DONE = "@guest done"
# What the kernel says on the console when it is the kernel that fell over.
DEATH = re.compile(r"Kernel panic - not syncing.*|Oops: .*|BUG: .*|watchdog: .* lockup.*")
SKIPPED = 77  # the status of a suite that is not possible


@dataclasses.dataclass
class Result:
    """One suite; result is in the words of meson's log, which counts.py reads."""
    name: str
    result: str
    text: str = ""


def outcome(how, number):
    """OK, SKIP, TIMEOUT or FAIL, and why, if it needs saying."""
    if how == "timeout":
        return "TIMEOUT", "did not end in its time\n"
    if how == "signal":
        return "FAIL", f"ended by signal {number}\n"
    if number in (0, SKIPPED):
        return ("SKIP" if number else "OK"), ""
    return "FAIL", f"ended with status {number}\n"


class Boot:
    """One start of the guest, as far as it got; fed with what it says, in any pieces."""

    def __init__(self, text=""):
        self.release = self.cpus = self.nodes = ""
        self.done = False
        self.ended = []
        self.under_way = None
        self.aside = ""  # what was said outside of suites: init's troubles, or QEMU's
        self.torn = ""
        self.feed(text)

    @property
    def booted(self):
        return bool(self.release)

    def feed(self, text):
        """Whole lines count; what stands behind the last waits for the rest."""
        *lines, self.torn = (self.torn + text).replace("\r", "").split("\n")
        for line in lines:
            self.take(line)

    def take(self, line):
        if not line.startswith("@guest "):
            if self.under_way:
                self.under_way.text += line + "\n"
            elif line:
                self.aside += line + "\n"
        elif match := READY.fullmatch(line):
            self.release, self.cpus, self.nodes = match["release"], match["cpus"], match["nodes"]
        elif match := BEGIN.fullmatch(line):
            self.under_way = Result(match["name"], "FAIL")
        elif match := END.fullmatch(line):
            self.take_end(match)
        elif line == DONE:
            self.done = True

    def take_end(self, mark):
        """An end without its beginning is torn, and counts for nothing."""
        suite = self.under_way
        if suite and suite.name == mark["name"]:
            suite.result, why = outcome(mark["how"], int(mark["number"]))
            suite.text = suite.text.rstrip("\n") + "\n" + why
            self.ended.append(suite)
            self.under_way = None


def death(console):
    """The line with which the kernel fell over, or ""."""
    match = DEATH.search(console)
    return match[0].strip() if match else ""
