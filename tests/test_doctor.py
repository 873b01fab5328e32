#!/usr/bin/env python3
"""test_doctor.py - `ringwalk doctor` and `ringwalk info`: what they print, and their status.

SPDX-License-Identifier: Apache-2.0
"""
import json
import pathlib
import sys
import tempfile
import time

from ringwalk import TOP, main, run


def tree(folder, listing):
    """The files of a listing (tests/tree.h) below the folder."""
    path = None
    for line in (TOP / "tests/fixtures/doctor" / listing).read_text().splitlines(keepends=True):
        if line.startswith("== "):
            path = pathlib.Path(folder + line[3:].strip())
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
        else:
            with path.open("a") as file:
                file.write(line)
    return folder


def test_a_good_machine_is_status_0_and_a_bad_one_status_1():
    with tempfile.TemporaryDirectory() as good, tempfile.TemporaryDirectory() as bad:
        done = run("doctor", f"--root={tree(good, 'good.txt')}", "--window=50ms", status=0)
        assert "\n0 bad, 0 to be warned of" in done.stdout, done.stdout
        done = run("doctor", f"--root={tree(bad, 'bad.txt')}", "--window=50ms", status=1)
    assert done.stdout.startswith("bad   "), done.stdout
    assert "do: clocksource=tsc at boot" in done.stdout, done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100, done.stdout


def test_json_has_every_finding_with_its_cause_and_remedy():
    with tempfile.TemporaryDirectory() as bad:
        done = run("doctor", f"--root={tree(bad, 'bad.txt')}", "--json", "--cpus=1", status=1)
    report = json.loads(done.stdout)
    assert report["worst"] == "bad"
    found = {f["id"]: f for f in report["findings"]}
    assert found["clock"] == {
        "id": "clock", "severity": "bad", "unknown": False, "seen": "hpet",
        "why": "a clock that must be asked in the kernel costs microseconds a request",
        "do": "clocksource=tsc at boot"}, found["clock"]
    assert found["gaps"]["unknown"] and found["gaps"]["seen"].startswith("unknown: "), found


def test_this_machine_is_looked_at_in_bounded_time():
    begin = time.monotonic()
    done = run("doctor", "--json", "--window=100ms", "--cpus=0", status=(0, 1))
    took = time.monotonic() - begin
    report = json.loads(done.stdout)
    assert done.returncode == (report["worst"] == "bad"), report["worst"]
    assert not {f["id"]: f for f in report["findings"]}["gaps"]["unknown"]
    # Under 2 s when it gets the CPU; a busy machine may give it a fifth of one.
    assert took < 10, took


def test_wrong_options_are_wrong_usage():
    assert "option" in run("doctor", "yes", status=2).stderr
    assert run("doctor", "--window=1us", status=2).stderr
    assert "--root=DIR" in run("doctor", "--help", status=0).stdout


if __name__ == "__main__":
    sys.exit(main(globals()))
