#!/usr/bin/env python3
"""test_system.py - sweeps with settings of the whole machine: however they end, all is as before.

    test_system.py RINGWALK [NAME...]

Changes vm.stat_interval, which is how often the kernel adds up its statistics, and settings of
network namespaces that sweeps make. Numbers are not judged: a busy machine makes runs INVALID.

SPDX-License-Identifier: Apache-2.0
"""
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from ringwalk import RINGWALK, Skipped, main, run

INTERVAL = pathlib.Path("/proc/sys/vm/stat_interval")
CORKING = pathlib.Path("/proc/sys/net/ipv4/tcp_autocorking")
WORKLOAD = """
client: {rate: 1k, duration: 100ms, program: ["compute 10us"]}
invalid: {repeat: 0}
blocks: 2
seed: 7
"""
# Of the machine itself: 7 or 8, neither of which anybody has by default.
INTERVALS = WORKLOAD + "factors: {system.vm.stat_interval: [7, 8]}\n"
PRIVATE = WORKLOAD + """
system: {network-namespace: yes}
factors: {system.net.ipv4.tcp_autocorking: [1, 0]}
"""


@contextlib.contextmanager
def place(text):
    """A folder with the experiment, with journals of its own; afterwards all is as before."""
    before = INTERVAL.read_text(), CORKING.read_text()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "x.yaml").write_text(text)
        os.environ["RINGWALK_STATE"] = str(path / "state")
        try:
            plan = run("plan", "x.yaml", cwd=path, status=(0, 3)).stdout
            _, refused, why = plan.partition("not possible here: ")
            if refused:
                raise Skipped(why.partition("\n")[0])
            yield path
            assert (INTERVAL.read_text(), CORKING.read_text()) == before
            assert not list(path.glob("state/*.journal")), list(path.glob("state/*"))
        finally:
            del os.environ["RINGWALK_STATE"]


@contextlib.contextmanager
def sweeping(path, *args):
    """A sweep under way; killed at the end if it still is."""
    with open(path / "said", "w", encoding="utf-8") as said:
        process = subprocess.Popen([RINGWALK, "sweep", *args], cwd=path, stdout=said, stderr=said)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=30)


def becomes(is_so, what, seconds=30):
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, what
        time.sleep(0.002)


def is_changed():
    return INTERVAL.read_text().strip() in ("7", "8")


def records(path):
    return [json.loads(file.read_text()) for file in sorted(path.glob("out/runs/*/run.json"))]


def told(record, name):
    return next(t for t in record["system"]["tunables"] if t["name"] == name)


def check_all_ran_as_asked(path, name, factor):
    """Six runs, each with what its level says."""
    runs = records(path)
    assert len(runs) == 6, [r["reasons"] for r in runs]
    for record in runs:
        setting = told(record, name)
        assert setting["verdict"] == "ok", record
        assert setting["effective"] == setting["requested"] == record["levels"][factor], record


def test_a_sweep_of_a_setting_has_it_in_every_run_and_gives_it_back():
    with place(INTERVALS) as path:
        run("sweep", "x.yaml", "-o", "out", cwd=path, status=(0, 1))
        check_all_ran_as_asked(path, "vm.stat_interval", "system.vm.stat_interval")


def test_a_b_of_a_setting_in_a_private_network_namespace():
    with place(PRIVATE) as path:
        run("sweep", "x.yaml", "-o", "out", cwd=path, status=(0, 1))
        check_all_ran_as_asked(path, "net.ipv4.tcp_autocorking", "system.net.ipv4.tcp_autocorking")
        for record in records(path):
            assert told(record, "net.ipv4.tcp_autocorking")["subject"] == "network namespace"
            assert record["system"]["network_namespace"] is True
            assert record["verdict"] != "FAILED", record["reasons"]


def test_node_and_client_are_in_the_namespace_and_the_sweep_is_not():
    with place(PRIVATE.replace("100ms", "500ms")) as path, \
            sweeping(path, "x.yaml", "-o", "out") as process:
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
        seen = set()

        def see():
            for pid in children.read_text().split():
                with contextlib.suppress(OSError):
                    command = pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")[1:2]
                    if command in (["node"], ["client"]):
                        seen.add((*command, os.readlink(f"/proc/{pid}/ns/net")))
            return {command for command, _ in seen} == {"node", "client"}

        becomes(see, "no node and client were seen")
        own = os.readlink(f"/proc/{process.pid}/ns/net")
        assert own == os.readlink("/proc/self/ns/net")
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
        assert own not in {network for _, network in seen}, seen


def test_a_killed_sweep_leaves_nothing_and_goes_on():
    before = INTERVAL.read_text()
    with place(INTERVALS.replace("100ms", "500ms")) as path:
        with sweeping(path, "x.yaml", "-o", "out") as process:
            becomes(lambda: is_changed() and records(path), "no second run began")
            process.kill()
        becomes(lambda: INTERVAL.read_text() == before, "the watcher did not take it back")
        run("sweep", "--resume", "out", cwd=path, status=(0, 1))
        check_all_ran_as_asked(path, "vm.stat_interval", "system.vm.stat_interval")


def watcher_of(process):
    for pid in pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        with contextlib.suppress(OSError):
            if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "ringwalk-undo":
                return int(pid)
    return 0


def is_stopped_when_changed(process):
    """Stops it first and then looks, for a run may end meanwhile; not so: it goes on."""
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    if is_changed() and watcher_of(process):
        return True
    process.send_signal(signal.SIGCONT)
    return False


def test_a_sweep_killed_with_its_watcher_is_taken_back_by_the_one_that_goes_on():
    before = INTERVAL.read_text()
    with place(INTERVALS.replace("100ms", "500ms")) as path:
        with sweeping(path, "x.yaml", "-o", "out") as process:
            becomes(lambda: records(path) and is_stopped_when_changed(process),
                    "no second run began")
            os.kill(watcher_of(process), signal.SIGKILL)
            process.kill()
        assert is_changed() and INTERVAL.read_text() != before, INTERVAL.read_text()
        run("sweep", "--resume", "out", cwd=path, status=(0, 1))
        assert INTERVAL.read_text() == before, INTERVAL.read_text()
        check_all_ran_as_asked(path, "vm.stat_interval", "system.vm.stat_interval")


def test_an_interrupted_sweep_takes_it_back_before_it_ends():
    before = INTERVAL.read_text()
    with place(INTERVALS.replace("100ms", "5s")) as path:
        with sweeping(path, "x.yaml", "-o", "out") as process:
            becomes(is_changed, "no run began")
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
            assert INTERVAL.read_text() == before, INTERVAL.read_text()
        assert "interrupted; 0 of 6 runs" in (path / "said").read_text()


def test_what_every_run_sets_is_no_changed_condition():
    before = INTERVAL.read_text()
    with place(INTERVALS.replace("100ms", "500ms")) as path:
        with sweeping(path, "x.yaml", "-o", "out") as process:
            becomes(lambda: records(path), "no run was completed")
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
        INTERVAL.write_text("3")
        try:
            run("sweep", "--resume", "out", cwd=path, status=(0, 1))
            assert INTERVAL.read_text().strip() == "3"
        finally:
            INTERVAL.write_text(before)
        check_all_ran_as_asked(path, "vm.stat_interval", "system.vm.stat_interval")


def test_a_plan_shows_the_settings_and_what_is_not_possible():
    text = WORKLOAD + "system: {vm.swappiness: 60}\nfactors: {system.kernel.ostype: [Linux, BSD]}\n"
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "x.yaml")
        path.write_text(text)
        out = run("plan", str(path), status=(0, 3)).stdout
        assert "system.kernel.ostype     Linux*, BSD" in out, out
        assert "  system.vm.swappiness: 60" in out, out
        assert "not possible here: system.kernel.ostype: denied: " in out, out


if __name__ == "__main__":
    sys.exit(main(globals()))
