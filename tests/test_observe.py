#!/usr/bin/env python3
"""test_observe.py - what the programs themselves say was observed beside a run.

    test_observe.py RINGWALK [NAME...]

SPDX-License-Identifier: Apache-2.0
"""
import contextlib
import ctypes
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from ringwalk import Node, Skipped, load, main, run

COUNTERS = ("cpu_ns", "run_delay_ns", "voluntary_switches", "involuntary_switches", "migrations",
            "minor_faults", "major_faults")


def check_sums(observed):
    """Totals are the sum of the threads; an unknown one is unknown in all."""
    for name in COUNTERS:
        parts = [thread[name] for thread in observed["threads"]]
        total = observed["process"][name]
        assert total == (None if None in parts else sum(parts)), (name, total, parts)


def test_node_and_client_tell_what_was_observed_of_them():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "node.json")
        with Node("--threads=2", f"--json={path}") as node:
            # The machine's shares are counted at ticks: what comes in step with them is never seen.
            client = load(node, "--rate=2k", "--duration=300ms", "--arrivals=exponential",
                          "--program=compute:cpu 200us; reply 64B")
            status, text, _ = node.stop()
        assert status == 0
        served = json.loads(path.read_text(encoding="utf-8"))
    for observed in (served["observed"], client["observed"]):
        check_sums(observed)
        assert observed["process"]["window_ns"] > 250e6, observed["process"]
        assert observed["machine"]["shares"]["busy"] > 0, observed["machine"]["shares"]
        assert sum(observed["machine"]["shares"].values()) > 0.99
    names = [thread["name"] for thread in served["observed"]["threads"]]
    assert "rw-worker-0" in names and "rw-worker-1" in names, names
    assert [t["name"] for t in client["observed"]["threads"]] == ["rw-client-0"]
    # 200 us each
    least_ns = 180e3 * client["counts"]["done"]
    assert served["observed"]["process"]["cpu_ns"] > least_ns > 0, (
        least_ns, served["observed"]["process"])
    assert "\nobserved: run delay/request" in text, text


def test_a_node_that_served_nothing_has_nothing_to_tell():
    with Node() as node:
        node.counters()
        _, text, _ = node.stop()
    assert "observed" not in text, text


def sweep(folder, text):
    """Runs of an experiment as their run.json, and what the command printed."""
    path = pathlib.Path(folder, "experiment.yaml")
    path.write_text(text, encoding="utf-8")
    done = run("sweep", str(path), "-o", f"{folder}/out", timeout=120)
    runs = [json.loads(file.read_text(encoding="utf-8"))
            for file in sorted(pathlib.Path(folder, "out").glob("runs/*/run.json"))]
    assert runs, done.stderr
    return runs, done.stdout


SQPOLL = """
sweep: threads of the kernel
node:
  backend: io_uring
  io_uring: {sqpoll: yes, defer-taskrun: no, coop-taskrun: no}
client: {rate: 1k, duration: 500ms, program: [reply 64B]}
factors: {node.threads: [1, 2]}
blocks: 1
invalid: {repeat: 0}
"""


def need_polling_thread():
    """Asked of the kernel: io_uring_setup(2) with IORING_SETUP_SQPOLL."""
    params = (ctypes.c_uint32 * 30)(0, 0, 2)
    ring = ctypes.CDLL(None, use_errno=True).syscall(425, 4, params)
    if ring < 0:
        raise Skipped(f"no polled ring: {os.strerror(ctypes.get_errno())}")
    os.close(ring)


def check_clock(one):
    """The node's threads used what its clock says; it is read a moment before or after them, in
    which they go on. Were one counted twice or not at all, half of it would be too much."""
    own, clock = one["observed"]["process"]["cpu_ns"], one["node_cpu_ns"]
    if own is not None and not one["observed"]["process"]["threads_ended"]:
        assert abs(own - clock) < 0.35 * own + 2e6, (own, clock)


def test_the_kernels_threads_behind_a_ring_are_the_nodes():
    need_polling_thread()
    with tempfile.TemporaryDirectory() as folder:
        runs, _ = sweep(folder, SQPOLL)
    for one in runs:
        assert not one["failed"], one["reasons"]
        threads = {t["name"]: t for t in one["observed"]["threads"]}
        polling = [t for name, t in threads.items() if name.startswith("iou-sqp")]
        assert polling, threads.keys()
        check_sums(one["observed"])
        # They are in CPU per request: the process's clock knows them, too.
        check_clock(one)
        assert sum(t["cpu_ns"] or 0 for t in polling) > 1e6, polling


SHARED = SQPOLL.replace("sqpoll: yes", "sqpoll: yes, sqpoll-share: yes")


def test_a_polling_thread_that_is_shared_is_counted_once():
    need_polling_thread()
    with tempfile.TemporaryDirectory() as folder:
        runs, _ = sweep(folder, SHARED)
    for one in runs:
        assert not one["failed"], one["reasons"]
        observed = one["observed"]
        polling = [t for t in observed["threads"] if t["name"].startswith("iou-sqp")]
        assert len(polling) == 1, observed["threads"]
        check_sums(observed)
        check_clock(one)


HOG = """
sweep: a hog on its CPU
node: {threads: 1, pin.cpus: "0"}
client: {rate: 200, duration: 300ms, program: [compute 300us, reply 64B]}
hog: {pin.cpus: "0"}
factors: {hog.threads: [0, 2]}
blocks: 3
primary: run-delay
invalid: {repeat: 0}
observe: {hardware: yes, runq-latency: yes}
"""


def test_a_hog_beside_the_node_shows_as_run_delay():
    with tempfile.TemporaryDirectory() as folder:
        runs, text = sweep(folder, HOG)
        head = pathlib.Path(folder, "out", "runs.csv").read_text(encoding="utf-8")
        verdict = json.loads(pathlib.Path(folder, "out", "verdict.json").read_text("utf-8"))
    assert ",run-delay_ns," in head and verdict["primary"] == "run-delay", (head, text)
    alone = [r["metrics"]["run-delay"] for r in runs if r["levels"]["hog.threads"] == "0"]
    beside = [r["metrics"]["run-delay"] for r in runs if r["levels"]["hog.threads"] == "2"]
    if None in alone + beside:
        raise Skipped("this kernel does not count run delay, or a run failed")
    # What was asked for is there, or there is a reason.
    for one in runs:
        observed = one["observed"]
        for name in ("cycles", "instructions", "cache_misses", "branch_misses"):
            assert observed["hardware"][name] is not None or observed["not_known"][name]
        assert observed["run_queue"] or len(observed["not_known"]["run_queue"]) > 20
    # On a machine full of others everybody waits, hog or not.
    others = statistics.median(r["metrics"]["others"] or 0 for r in runs
                               if r["levels"]["hog.threads"] == "0")
    if others > 20:
        raise Skipped(f"others used {others:.0f} % of the node's CPU")
    assert statistics.median(beside) > 3 * statistics.median(alone) + 1e3, (alone, beside)


NEIGHBOUR = """
sweep: somebody else
node: {threads: 1, pin.cpus: "0"}
client: {rate: 200, duration: 500ms, program: [compute 300us, reply 64B], pin.cpus: "0"}
hog: {pin.cpus: "0"}
factors: {hog.threads: [0, 1]}
blocks: 2
invalid: {repeat: 0}
"""


@contextlib.contextmanager
def neighbour(cpu):
    """A shell that does nothing, without an end, on one CPU."""
    with subprocess.Popen(["timeout", "60", "sh", "-c", "while :; do :; done"],
                          preexec_fn=lambda: os.sched_setaffinity(0, {cpu})) as shell:
        try:
            yield
        finally:
            shell.terminate()


def test_a_neighbour_makes_runs_suspect_and_a_hog_is_none():
    with tempfile.TemporaryDirectory() as folder, neighbour(0):
        runs, text = sweep(folder, NEIGHBOUR)
        head = pathlib.Path(folder, "out", "runs.csv").read_text(encoding="utf-8")
    for one in runs:
        assert not one["failed"], one["reasons"]
        foreign = one["observed"]["foreign"]
        assert foreign["cpus"] == "0" and foreign["whose"] == "node and client", foreign
        assert foreign["share"] > foreign["limit"], foreign
        assert one["verdict"] in ("SUSPECT", "INVALID"), one["verdict"]
        assert "others used the CPUs of node and client: " in one["reasons"], one["reasons"]
        # What the hog used is not in it: together they have one CPU, as long as it is there.
        hog = sum(t["cpu_ns"] for t in one.get("hog", {}).get("threads", []))
        assert foreign["share"] + hog / (one["times"]["took_s"] * 1e9) < 1.15, (foreign, hog)
    assert "others used the CPUs of" in head, head
    if any(one["verdict"] == "SUSPECT" for one in runs):
        assert "\nothers   in " in text, text


if __name__ == "__main__":
    sys.exit(main(dict(globals())))
