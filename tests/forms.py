"""forms.py - a table of command lines, each run and its effect looked at; for test_distwalk*.py.

SPDX-License-Identifier: Apache-2.0
"""
import csv
import json
import pathlib
import re
import shlex
import subprocess
import tempfile

from ringwalk import Skipped, patient, run


class Answered:
    """What a client did: its result, DistWalk's rows, the records, and what it said."""

    def __init__(self, done, folder):
        self.out, self.err, self.status = done.stdout, done.stderr, done.returncode
        self.result = json.loads(pathlib.Path(folder, "result.json").read_text())
        with open(f"{folder}/records.csv", encoding="ascii") as file:
            self.records = list(csv.DictReader(file))
        self.rows = rows_of(done.stdout)

    def setting(self, key):
        return self.result["settings"][key]["value"]

    @property
    def intended_ns(self):
        return [int(row["intended_ns"]) for row in self.records]


def rows_of(text, unit="us"):
    """(t, elapsed or None, request, thread, session) of the rows on standard output."""
    found = re.findall(rf"^t: (\d+) {unit}, elapsed: (\d+|-) {unit}, req_id: (\d+), "
                       r"thr_id: (\d+), sess_id: (\d+)$", text, re.MULTILINE)
    return [(int(t), None if e == "-" else int(e), int(r), int(h), int(s))
            for t, e, r, h, s in found]


def ask(to, form, status=(0, 1), timeout=60):
    """A client with the form's options; two requests 5 ms apart unless it says something else."""
    args = shlex.split(form)
    if not any(arg.startswith(("-n", "--num-p", "--nu=")) for arg in args):
        args = ["-n", "2", *args]
    if not any(arg.startswith(("-r", "-p", "--rate", "--per", "--outst")) for arg in args):
        args = ["-r", "200", *args]
    if "--to" not in args:
        args = ["--to", to, *args]
    with tempfile.TemporaryDirectory() as folder:
        done = run("client", *patient(args), "--rows", "-q", f"--json={folder}/result.json",
                   f"--records={folder}/records.csv", status=status, timeout=timeout)
        return Answered(done, folder)


def check_each(rows, check):
    """Runs check(*row) for all rows and then tells of each that failed, by its first column."""
    wrong = []
    for row in rows:
        try:
            check(*row)
        except (AssertionError, OSError, subprocess.SubprocessError, LookupError,
                ValueError) as problem:
            wrong.append(f"{row[0]}: {problem!r}"[:600])
    assert not wrong, "\n    " + "\n    ".join(wrong)


def equal(got, want):
    assert got == want, f"{got}, not {want}"


def need_udp():
    """Skips the test where udp:// is refused."""
    done = run("client", "--to=udp://127.0.0.1:9", "-n", "1", "--drain=50ms", "-q")
    if "udp is not served" in done.stderr:
        raise Skipped("udp:// is not served in this build")
