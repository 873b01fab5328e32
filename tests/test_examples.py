#!/usr/bin/env python3
"""test_examples.py - every example runs, small, adds up, and leaves nothing behind.

    test_examples.py RINGWALK [NAME...]

What comes out is not judged: on a busy machine runs are INVALID, and that is an answer, too.

SPDX-License-Identifier: Apache-2.0
"""
import csv
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

from ringwalk import RINGWALK, TOP, Skipped, check_counts, main, run

EXAMPLES = TOP / "examples"
IMPOSSIBLE = 3
LIMIT_S = 150


class Example:
    """examples/NAME/run.sh in folders of its own: one where it may leave files, one where not."""

    def __init__(self, name, folder, *args):
        self.temporary = pathlib.Path(folder, "temporary")
        self.temporary.mkdir()
        self.kept = pathlib.Path(folder, "kept")
        self.process = subprocess.Popen(
            ["bash", str(EXAMPLES / name / "run.sh"), *args], text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder,
            env={**os.environ, "RINGWALK": RINGWALK, "TMPDIR": str(self.temporary)})

    def wait(self, seconds):
        """Its status and what it said; one that takes longer is told to end, and is a failure."""
        try:
            out, err = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            out, err = self.process.communicate(timeout=20)
            raise AssertionError(f"more than {seconds} s: {out}{err}") from None
        return self.process.returncode, out, err

    def check_left_nothing(self):
        """Neither files nor processes."""
        assert not os.listdir(self.temporary), os.listdir(self.temporary)
        assert not processes_below(self.temporary), processes_below(self.temporary)


def processes_below(folder):
    """Command lines of the processes that work in there."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "cwd").startswith(str(folder)):
                found.append((process / "cmdline").read_bytes())
        except OSError:
            pass
    return found


def check_sweep(folder):
    """The report is there, every run is in it, and no run lost a request from the books."""
    verdict = json.loads((folder / "verdict.json").read_text())
    with open(folder / "runs.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert (folder / "report.html").stat().st_size > 1000, folder
    assert len(rows) == verdict["runs"]["all"] >= 3, verdict["runs"]
    failed = [row for row in rows if row["status"] not in ("valid", "suspect", "invalid")]
    assert not failed, failed
    for row in rows:
        check_counts(json.loads((folder / row["directory"] / "client.json").read_text()))


def check_clients(out):
    """What clients print for people adds up as well; how many there were."""
    lines = re.findall(r"^requests    (.*)$", out, re.MULTILINE)
    for line in lines:
        plain = re.sub(r" \([^)]*\)", "", line)
        counts = {what: int(count) for count, what in re.findall(r"(\d+) ([a-z ]+)", plain)}
        answered = sum(counts.get(what, 0) for what in ("done", "failed", "timed out",
                                                         "unanswered"))
        assert counts["planned"] == counts["sent"] + counts.get("never sent", 0), line
        assert counts["sent"] == answered > 0, line
    return len(lines)


def try_example(name):
    """Small; its output."""
    with tempfile.TemporaryDirectory() as folder:
        example = Example(name, folder, "small", str(pathlib.Path(folder, "kept")))
        status, out, err = example.wait(LIMIT_S)
        if status == IMPOSSIBLE:
            raise Skipped(err.strip().splitlines()[-1])
        assert status in (0, 1), (status, out, err)
        example.check_left_nothing()
        sweeps = sorted(path.stem for path in (EXAMPLES / name).glob("*.yaml"))
        assert sorted(path.name for path in example.kept.iterdir()) == sweeps, sweeps
        for sweep in sweeps:
            check_sweep(example.kept / sweep)
        # INVALID is the only reason not to end with 0.
        assert status == 0 or "INVALID" in err, (out, err)
        return out


def test_accept_modes():
    try_example("accept-modes")


def test_cross_forward():
    assert check_clients(try_example("cross-forward")) == 8


def test_disk_writes():
    try_example("disk-writes")


def test_load_balancing():
    try_example("load-balancing")


def test_noisy_neighbour():
    try_example("noisy-neighbour")


def test_offload():
    try_example("offload")


def test_quorum_goes_on_without_one_replica():
    out = try_example("quorum")
    assert check_clients(out) == 3, out
    two, three, again = re.findall(r"^requests    200 planned, 200 sent, (\d+) done", out,
                                   re.MULTILINE)
    assert (two, three) == ("200", "0") and "200 failed (timeout 200)" in out, (two, three, out)
    assert 0 < int(again) < 200, (again, out)


def test_ramp_up():
    out = try_example("ramp-up")
    assert len(re.findall(r"^ +\d+ +\d+ +\d+ ", out, re.MULTILINE)) == 5 + 9, out


def test_tls():
    try_example("tls")


def test_experiments_can_be_planned_as_they_stand():
    files = sorted(EXAMPLES.glob("*/*.yaml"))
    assert files
    for file in files:
        run("plan", str(file), status=0)


def test_an_example_ends_when_it_is_told_to():
    with tempfile.TemporaryDirectory() as folder:
        example = Example("quorum", folder)
        until = time.monotonic() + 30
        while not any(b"\0sweep\0" in line for line in processes_below(example.temporary)):
            assert time.monotonic() < until, processes_below(example.temporary)
            time.sleep(0.1)
        example.process.send_signal(signal.SIGTERM)
        status, out, err = example.wait(30)
        assert status == 4, (status, out, err)
        example.check_left_nothing()


def test_wrong_use_is_said():
    with tempfile.TemporaryDirectory() as folder:
        status, _, err = Example("tls", folder, "small", "x", "y").wait(10)
        assert status == 2 and "usage" in err, (status, err)


def test_every_example_is_tested_listed_and_explained():
    names = {path.parent.name for path in EXAMPLES.glob("*/run.sh")}
    listed = set(re.findall(r"^\| \[([a-z-]+)\]\(\1/README.md\) ",
                            (EXAMPLES / "README.md").read_text(), re.MULTILINE))
    assert listed == names, listed ^ names
    tested = pathlib.Path(__file__).read_text(encoding="utf-8")
    for name in names:
        assert f'try_example("{name}")' in tested, name
        lines = (EXAMPLES / name / "README.md").read_text().splitlines()
        assert 20 <= len(lines) <= 60, (name, len(lines))


if __name__ == "__main__":
    sys.exit(main(globals()))
