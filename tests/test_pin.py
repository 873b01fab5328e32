#!/usr/bin/env python3
"""test_pin.py - where each kind of thread runs, by place and by strategy, as its report says.

hwloc takes HWLOC_SYNTHETIC for a machine's topology, so two CPUs can stand for two packages, or for
the siblings of one core, whatever they are here.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import sys
import tempfile

from ringwalk import Node, Skipped, main, run

CPUS = sorted(os.sched_getaffinity(0))
PACKAGES = "pack:2 [numa] l3:1 core:1 pu:1"
SIBLINGS = "pack:1 [numa] l3:1 core:1 pu:2"


def need_two():
    if CPUS[:2] != [0, 1] or len(CPUS) != 2:
        raise Skipped("needs the CPUs 0 and 1, and no others")


def reports(*args, topology=None):
    """Of a node that was started with these and ended: {(subject, name): report}."""
    env = dict(os.environ)
    env.update({"HWLOC_SYNTHETIC": topology} if topology else {})
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "node.json")
        with Node(f"--json={path}", *args, env=env) as node:
            status, _, said = node.stop()
        assert status == 0, said
        with open(path, encoding="utf-8") as file:
            return {(r["subject"], r["name"]): r for r in json.load(file)["tunables"]}


def check(report, requested, effective, verdicts=("ok", "vacuous")):
    assert report["requested"] == requested, report
    assert report["effective"] == effective, report
    assert report["verdict"] in verdicts, report


def test_each_role_is_pinned_by_its_own_group():
    need_two()
    with tempfile.TemporaryDirectory() as folder:
        found = reports("--pin.at=pu:0", "--storage.pin.strategy=away", "--storage.pin.avoid=0",
                        "--acceptor.pin.cpus=1", "--accept-mode=parent",
                        "--accept-wait=blocking", "--nt=2",
                        "-s", f"file={folder}/%d.dat,size=1m,count=2", "--storage-mode=thread")
    check(found["worker 0", "pin"], "at=pu:0 -> cpus=0", "cpus=0")
    check(found["worker 1", "pin"], "at=pu:0 -> cpus=0", "cpus=0")
    check(found["acceptor 0", "acceptor.pin"], "cpus=1 spread=all", "cpus=1 spread=all")
    for thread in ("storage 2", "storage 3"):
        check(found[thread, "storage.pin"], "strategy=away avoid=0 -> cpus=1", "cpus=1")


def test_workers_are_scattered_over_packages_and_kept_off_a_client():
    need_two()
    found = reports("--nt=2", "--pin.strategy=scatter", topology=PACKAGES)
    check(found["worker 0", "pin"], "strategy=scatter -> cpus=0", "cpus=0", ("ok",))
    check(found["worker 1", "pin"], "strategy=scatter -> cpus=1", "cpus=1", ("ok",))
    assert "HWLOC_SYNTHETIC" in found["worker 0", "pin"]["why"], found
    found = reports("--pin.strategy=other-node", "--pin.avoid=0", topology=PACKAGES)
    check(found["worker 0", "pin"], "strategy=other-node avoid=0 -> cpus=1", "cpus=1", ("ok",))
    found = reports("--pin.strategy=same-core", "--pin.avoid=0", topology=SIBLINGS)
    check(found["worker 0", "pin"], "strategy=same-core avoid=0 -> cpus=1", "cpus=1", ("ok",))


def test_tsloads_strand_is_a_place():
    need_two()
    found = reports("--pin.at=strand:1:1:1", topology="pack:2 core:1 pu:1")
    check(found["worker 0", "pin"], "at=strand:1:1:1 -> cpus=1", "cpus=1", ("ok",))


def test_a_place_that_does_not_exist_ends_the_start_and_says_what_does():
    done = run("node", "--bind-addr=127.0.0.1:0", "--pin.at=core:999", status=3)
    wanted = "worker 0: pin: there is no core:999 on this machine, which has core:0"
    assert wanted in done.stderr, done
    done = run("node", "--bind-addr=127.0.0.1:0", "--pin.at=cor:1", status=2)
    assert 'did you mean core?' in done.stderr, done


def test_a_cpu_that_this_machine_lacks_is_not_possible_here_whoever_names_it():
    uring = ("--backend=io_uring",)
    sqpoll = (*uring, "--io_uring.sqpoll", "--io_uring.defer-taskrun=no",
              "--io_uring.coop-taskrun=no")
    for args in (("--pin.cpus=1023",), ("--pin.cpus=1023", "--pin.spread=all"),
                 ("--pin.cpus=0,1023", "--pin.spread=all"), ("--pin.at=pu:1023",),
                 ("--socket.incoming-cpu=1023",), ("--cgroup.cpus=1023",),
                 (*uring, "--io_uring.iowq-cpus=1023"), (*sqpoll, "--io_uring.sqpoll-cpu=1023")):
        done = run("node", "--bind-addr=127.0.0.1:0", *args, status=3)
        assert done.stderr, args
    done = run("hog", "--duration=100ms", "--pin.cpus=1023", status=3)
    assert "pin: cpu 1023 does not exist (online " in done.stderr, done


def test_a_client_is_pinned_by_the_same_words():
    need_two()
    with Node() as node:
        done = run("client", f"--to={node.to}", "--requests=10", "--quiet", "--json=-",
                   "--pin.at=pu:1", status=(0, 1))
    found = {r["subject"]: r for r in json.loads(done.stdout)["tunables"]}
    check(found["client 0"], "at=pu:1 -> cpus=1", "cpus=1")


if __name__ == "__main__":
    sys.exit(main(globals()))
