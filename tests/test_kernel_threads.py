#!/usr/bin/env python3
"""test_kernel_threads.py - the kernel's own threads behind a ring: found, placed, and told.

    test_kernel_threads.py RINGWALK [NAME...]

io_uring's polling threads (iou-sqp-TID) and those for work that blocks (iou-wrk-TID), as a node has
them that its user sets up by options.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import pathlib
import sys
import tempfile
import time

from ringwalk import Node, Skipped, load, main, run

SQPOLL = ("--backend=io_uring", "--io_uring.sqpoll", "--io_uring.defer-taskrun=no",
          "--io_uring.coop-taskrun=no")


def needs_io_uring():
    done = run("node", "--bind-addr=127.0.0.1:1", "--backend=io_uring", "--pin.cpus=1023")
    if "--backend=io_uring" in done.stderr:
        raise Skipped(done.stderr.strip())


def some_cpu():
    return min(os.sched_getaffinity(0))


def other_cpu():
    if len(os.sched_getaffinity(0)) < 2:
        raise Skipped("one CPU only")
    return max(os.sched_getaffinity(0))


def threads_of(process, head):
    """{thread: its CPUs} of those whose name begins so."""
    found = {}
    for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
        try:
            if (task / "comm").read_text().startswith(head):
                found[int(task.name)] = os.sched_getaffinity(int(task.name))
        except OSError:
            continue  # it has ended
    return found


def until(what):
    """They are looked for now and then."""
    end = time.monotonic() + 10
    while not what():
        assert time.monotonic() < end, "not in ten seconds"
        time.sleep(0.01)


class Told:
    """A node whose JSON is read at its end: what became of its settings."""

    def __init__(self, *args):
        needs_io_uring()
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "node.json")
        self.node = Node(f"--json={self.path}", *args)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.node.__exit__()
        self.folder.cleanup()

    def end(self, name):
        """Its reports of this name."""
        status, _, err = self.node.stop()
        assert status == 0, err
        with open(self.path, encoding="utf-8") as file:
            return [t for t in json.load(file)["tunables"] if t["name"] == name]


def test_polling_threads_get_a_cpu_and_a_policy_of_their_own():
    cpu = other_cpu()
    with Told(*SQPOLL, "--threads=2", f"--pin.cpus={some_cpu()}", f"--sqpoll.pin.cpus={cpu}",
              "--sqpoll.sched.policy=batch") as told:
        threads = threads_of(told.node.process, "iou-sqp-")
        assert len(threads) == 2, threads
        for tid, cpus in threads.items():
            assert cpus == {cpu}, threads
            assert os.sched_getscheduler(tid) == os.SCHED_BATCH
        pins = told.end("sqpoll.pin")
    assert sorted(p["subject"] for p in pins) == ["sqpoll 0", "sqpoll 1"], pins
    assert all(p["verdict"] == "ok" and f"cpus={cpu}" in p["effective"] for p in pins), pins


SHARED = (*SQPOLL, "--io_uring.sqpoll-share", "--threads=2", "--accept-mode=parent")


def test_workers_that_share_a_polling_thread_have_one_and_all_answer():
    with Told(*SHARED, "--pin.spread=all", f"--pin.cpus={some_cpu()},{other_cpu()}") as told:
        assert len(threads_of(told.node.process, "iou-sqp-")) == 1
        result = load(told.node, "-n", "400", "-r", "2k", "--connections=8")
        assert result["counts"]["done"] == 400, result["counts"]
        assert len(threads_of(told.node.process, "iou-sqp-")) == 1
        reports = told.end("io_uring")
    assert sorted(r["subject"] for r in reports) == ["worker 0", "worker 1"], reports
    for report in reports:
        assert report["verdict"] == "ok" and "sqpoll-share=yes" in report["effective"], report


def test_a_shared_polling_thread_is_placed_once():
    cpu = other_cpu()
    with Told(*SHARED, f"--pin.cpus={some_cpu()},{cpu}", f"--sqpoll.pin.cpus={cpu}",
              "--sqpoll.sched.policy=batch") as told:
        threads = threads_of(told.node.process, "iou-sqp-")
        assert list(threads.values()) == [{cpu}], threads
        assert os.sched_getscheduler(next(iter(threads))) == os.SCHED_BATCH
        pins = told.end("sqpoll.pin")
    assert [p["subject"] for p in pins] == ["sqpoll 0"] and pins[0]["count"] == 1, pins
    assert pins[0]["verdict"] == "ok" and f"cpus={cpu}" in pins[0]["effective"], pins


def test_what_a_shared_polling_thread_inherits_is_told():
    cpu = some_cpu()
    with Told(*SHARED, f"--pin.cpus={cpu}") as told:
        assert list(threads_of(told.node.process, "iou-sqp-").values()) == [{cpu}]
        pins = told.end("sqpoll.pin")
    assert len(pins) == 1 and pins[0]["subject"] == "sqpoll 0", pins
    assert "inherited from the first worker" in pins[0]["why"], pins


def test_a_shared_polling_thread_is_not_given_several_places():
    needs_io_uring()
    cpus = f"{some_cpu()},{other_cpu()}"
    for args, words in (
            ((f"--pin.cpus={cpus}",), "say where it runs (sqpoll.pin.cpus, io_uring.sqpoll-cpu)"),
            ((f"--sqpoll.pin.cpus={cpus}",), "ask for the same for all (sqpoll.pin.spread=all)"),
            ((f"--iowq.pin.cpus={cpus}",), "ask for the same for all (iowq.pin.spread=all)")):
        done = run("node", "--bind-addr=127.0.0.1:0", *SHARED, *args, status=2)
        assert words in done.stderr, done.stderr
    with Told(*SHARED, f"--pin.cpus={cpus}", f"--io_uring.sqpoll-cpu={other_cpu()}") as told:
        threads = threads_of(told.node.process, "iou-sqp-")
        assert list(threads.values()) == [{other_cpu()}], threads


def test_a_plan_knows_that_a_shared_polling_thread_has_one_place():
    needs_io_uring()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "experiment.yaml")
        path.write_text(f"""
sweep: workers apart
node:
  backend: io_uring
  threads: 2
  io_uring: {{sqpoll: yes, defer-taskrun: no, coop-taskrun: no}}
client: {{rate: 1k, duration: 100ms, program: [reply 64B]}}
factors:
  node.pin.cpus: ["{some_cpu()}", "{some_cpu()},{other_cpu()}"]
  node.io_uring.sqpoll-share: [yes, no]
blocks: 1
""", encoding="utf-8")
        text = run("plan", str(path), status=0).stdout
    assert "3 configurations (4 combinations, 0 excluded, 1 not possible here)" in text, text
    assert "vacuous" not in text, text
    assert "say where it runs (sqpoll.pin.cpus, io_uring.sqpoll-cpu)" in text, text


def test_a_shared_real_time_polling_thread_on_one_of_its_workers_cpus_is_refused():
    needs_io_uring()
    cpu = other_cpu()
    done = run("node", "--bind-addr=127.0.0.1:0", *SHARED, f"--pin.cpus={some_cpu()},{cpu}",
               f"--sqpoll.pin.cpus={cpu}", "--sqpoll.sched.policy=fifo")
    if "CAP_SYS_NICE" in done.stderr:
        raise Skipped(done.stderr.strip())
    assert done.returncode == 3, done
    assert "on the one CPU of worker 1" in done.stderr, done.stderr


def test_sharing_with_nobody_is_vacuous():
    for args, words in ((("--io_uring.sqpoll-share", "--backend=io_uring"), "sqpoll=yes makes"),
                        ((*SQPOLL, "--io_uring.sqpoll-share"), "there was one ring only")):
        with Told(*args) as told:
            reports = told.end("io_uring")
        assert len(reports) == 1 and reports[0]["verdict"] == "vacuous", reports
        assert words in reports[0]["why"], reports


def test_clients_threads_share_a_polling_thread_too():
    needs_io_uring()
    uring = [arg for arg in SQPOLL if arg != "--backend=io_uring"]
    with Node() as node:
        result = load(node, "--backend=io_uring", *uring, "--io_uring.sqpoll-share", "--threads=2",
                      "-n", "200", "-r", "1k", "--connections=4")
    assert result["counts"]["done"] == 400, result["counts"]  # so many each
    reports = [t for t in result["tunables"] if t["name"] == "io_uring"]
    assert [r["verdict"] for r in reports] == ["ok", "ok"], reports


def test_no_op_29_a_polling_thread_that_inherits_is_told():
    cpu = some_cpu()
    with Told(*SQPOLL, f"--pin.cpus={cpu}") as told:
        assert list(threads_of(told.node.process, "iou-sqp-").values()) == [{cpu}]
        pins = told.end("sqpoll.pin")
    assert len(pins) == 1 and not pins[0]["requested"], pins
    assert f"cpus={cpu}" in pins[0]["effective"], pins
    assert "inherited from worker 0" in pins[0]["why"], pins


def test_a_real_time_polling_thread_on_its_workers_one_cpu_is_refused():
    needs_io_uring()
    cpu = some_cpu()
    done = run("node", "--bind-addr=127.0.0.1:0", *SQPOLL, f"--pin.cpus={cpu}",
               "--sqpoll.sched.policy=fifo")
    if "CAP_SYS_NICE" in done.stderr:
        raise Skipped(done.stderr.strip())
    assert done.returncode == 3, done
    assert "on the one CPU of worker 0" in done.stderr, done.stderr


def test_threads_for_blocking_work_are_found_and_placed():
    cpu = some_cpu()
    with tempfile.TemporaryDirectory() as folder:
        with Told("--backend=io_uring", "--storage-mode=native", f"--iowq.pin.cpus={cpu}",
                  "--iowq.sched.policy=batch",
                  f"--storage={folder}/device,size=1m") as told:
            load(told.node, "-n", "100", "-r", "500", "-S", "4KiB")
            assert threads_of(told.node.process, "iou-wrk-"), \
                "stores that are synced are work that blocks"
            until(lambda: set(map(frozenset, threads_of(told.node.process, "iou-wrk-").values()))
                  <= {frozenset({cpu})})
            reports = told.end("iowq.pin")
    assert len(reports) == 1 and reports[0]["subject"] == "iowq 0", reports
    assert reports[0]["count"] >= 1, reports
    assert reports[0]["verdict"] in ("ok", "vacuous"), reports


def test_settings_for_kernel_threads_there_are_none_of_are_vacuous():
    with Told("--backend=io_uring", "--sqpoll.sched.policy=batch") as told:
        reports = told.end("sqpoll.sched")
    assert len(reports) == 1 and reports[0]["verdict"] == "vacuous", reports
    assert "no thread of kind sqpoll" in reports[0]["why"], reports


def test_no_op_28_cpus_of_io_wq_that_are_not_there_end_the_start():
    needs_io_uring()
    done = run("node", "--bind-addr=127.0.0.1:0", "--backend=io_uring",
               f"--io_uring.iowq-cpus={some_cpu()},1023")
    assert done.returncode == 3, done
    assert "was accepted without a look" in done.stderr, done.stderr


if __name__ == "__main__":
    sys.exit(main(globals()))
