#!/usr/bin/env python3
"""test_groups.py - a node in a control group of its own, with reservations, limits: as a user sees.

What cannot be had on this machine (no root, no groups, other cpusets in the way) is skipped with
the reason that ringwalk gives.

SPDX-License-Identifier: Apache-2.0
"""
import glob
import json
import os
import signal
import sys
import tempfile
import time

from ringwalk import Node, Skipped, main, run

BALANCE = [line.split()[4] + "/cpuset.sched_load_balance"
           for line in open("/proc/self/mountinfo", encoding="utf-8")
           if " - cgroup " in line and line.split()[-1].split(",").count("cpuset")]


def start(*args, **how):
    """A node, or Skipped when what is asked for cannot be had here."""
    try:
        return Node(*args, **how)
    except AssertionError as error:
        if any(word in str(error) for word in ("refused", "mounted", "has processes", "denied",
                                              "may not be made", "another user")):
            raise Skipped(str(error).strip()) from None
        raise


def reports(*args, requests=200):
    """Of a node that was started with these, loaded and ended: {(subject, name): report}."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "node.json")
        with start(f"--json={path}", *args) as node:
            run("client", f"--to={node.to}", f"--requests={requests}", "--rate=2000", "--quiet",
                status=(0, 1))
            status, _, said = node.stop()
        assert status == 0, said
        with open(path, encoding="utf-8") as file:
            return {(r["subject"], r["name"]): r for r in json.load(file)["tunables"]}


def groups_of(pid):
    return glob.glob(f"/sys/fs/cgroup/**/ringwalk-{pid}*", recursive=True)


def balance():
    return [open(path, encoding="utf-8").read() for path in BALANCE]


def wait_until(is_so, what):
    end = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def test_a_quota_is_reported_with_how_often_it_was_used_up():
    found = reports("--cgroup.cpu-quota=1ms", "--cgroup.cpu-period=100ms")["process", "cgroup"]
    assert found["verdict"] == "ok", found
    assert found["effective"] == "cpu-quota=1ms cpu-period=100ms", found
    assert "periods because its quota was used up" in found["why"], found


def test_a_group_is_gone_after_the_end_and_after_a_kill():
    for how in (signal.SIGINT, signal.SIGKILL):
        before = balance()
        with start("--cgroup.cpu-weight=200", "--cgroup.cpus=0") as node:
            pid = node.process.pid
            assert groups_of(pid), "no group was made"
            node.process.send_signal(how)
            node.process.wait(10)
            wait_until(lambda pid=pid: not groups_of(pid), "the group is there still")
        assert balance() == before, (balance(), before)


def test_a_pinned_reservation_and_its_root_domain_go_with_the_process():
    before = balance()
    for cpu in sorted(os.sched_getaffinity(0)):
        try:
            node = start(f"--cgroup.cpus={cpu}", "--cgroup.partition=root", "--cgroup.parent=/",
                         "--sched.policy=deadline", "--sched.runtime=1ms",
                         "--sched.deadline=10ms", "--sched.reclaim")
            break
        except Skipped as error:
            why = error
    else:
        raise why
    with node:
        done = run("client", f"--to={node.to}", "--requests=100", "--quiet", status=(0, 1))
        assert "Connection refused" not in done.stderr, done
        tasks = os.listdir(f"/proc/{node.process.pid}/task")
        policies = [os.sched_getscheduler(int(t)) & ~0x40000000 for t in tasks]
        assert 6 in policies, policies
        node.process.kill()
        node.process.wait(10)
        wait_until(lambda: not groups_of(node.process.pid), "the group is there still")
        wait_until(lambda: balance() == before, "balancing is not as before")


def refusal(*args, **how):
    """What a node says that does not start with these; "" when it does."""
    try:
        with Node(*args, **how):
            return ""
    except AssertionError as error:
        return str(error)


def test_fifo_in_a_group_without_a_budget_names_the_group():
    said = refusal("--cgroup.cpu-weight=100", "--sched.policy=fifo")
    if "cpu.rt_runtime_us=0" not in said:
        raise Skipped("groups have no real-time budget here: " + said.strip())
    assert "/ringwalk-" in said and "cgroup.rt-runtime" in said, said


def as_a_user(state, *args):
    """What a node says that has no rights and its journals there."""
    user = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    try:
        return run("node", "--bind-addr=127.0.0.1:0", *args, status=3, cwd="/",
                   env={**os.environ, "RINGWALK_STATE": state}, **user).stderr
    except PermissionError as error:
        raise Skipped(f"nobody may not run it: {error}") from None


def test_who_may_make_no_group_is_told_which_option_needs_one():
    if not BALANCE:
        raise Skipped("no cpuset of version 1: who may make a group there is another question")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        own, other = os.path.join(folder, "own"), os.path.join(folder, "other")
        os.mkdir(other, 0o700)
        for option in ("cpu-weight=50", "cpu-quota=5ms", "cpus=0", "mems=0"):
            said = as_a_user(own, "--cgroup." + option)
            assert f"cgroup.{option.split('=')[0]}: a group below /" in said, said
            assert "may not be made: needs root, or a group that is this user's" in said, said
        if os.geteuid() == 0:
            said = as_a_user(other, "--cgroup.cpu-weight=50", "--cgroup.cpus=0")
            assert "cgroup.cpu-weight: " in said and "belongs to another user" in said, said


def test_without_a_journal_a_group_is_denied_and_the_rest_can_be_had():
    args = ("--cgroup.cpu-weight=200", "--timer.slack=20us")
    with tempfile.TemporaryDirectory() as folder:
        state = os.path.join(folder, "state")
        with open(state, "w", encoding="utf-8"):
            pass
        env = dict(os.environ, RINGWALK_STATE=state)
        said = refusal(*args, env=env)
        assert f"cgroup.cpu-weight: there is no journal to take it back by: {state}: " in said, said
        path = os.path.join(folder, "node.json")
        with start(f"--json={path}", "--allow-degraded", *args, env=env) as node:
            assert not groups_of(node.process.pid)
            status, _, said = node.stop()
        assert status == 0 and "process: cgroup denied, and goes on all the same" in said, said
        with open(path, encoding="utf-8") as file:
            found = {r["name"]: r["verdict"] for r in json.load(file)["tunables"]}
        assert found["cgroup"] == "denied" and found["timer"] == "ok", found


def test_a_hard_limit_in_the_way_is_named():
    with start("--limits.nofile=256") as node:
        with open(f"/proc/{node.process.pid}/limits", encoding="utf-8") as file:
            line = next(line for line in file if line.startswith("Max open files"))
        assert line.split()[3] == "256", line
    done = run("node", "--bind-addr=127.0.0.1:0", "--limits.nofile=2", status=2)
    assert "limits.nofile" in done.stderr, done


def test_timer_slack_of_a_real_time_thread_ends_the_start():
    said = refusal("--sched.policy=fifo", "--timer.slack=1ms")
    if "needs CAP_SYS_NICE" in said:
        raise Skipped(said.strip())
    assert "timer slack does not count for SCHED_FIFO" in said, said


def test_node_and_client_say_in_which_session_they_are():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "node.json")
        with start(f"--json={path}", start_new_session=True) as node:
            done = run("client", f"--to={node.to}", "--requests=10", "--quiet", "--json=-",
                       status=(0, 1))
            node.stop()
        with open(path, encoding="utf-8") as file:
            found = [json.load(file)["autogroup"], json.loads(done.stdout)["autogroup"]]
    if found == [None, None]:
        raise Skipped("autogroups do not count here")
    assert all(name.startswith("/autogroup-") for name in found), found
    assert found[0] != found[1], found


def test_client_threads_sleep_exactly_unless_told_otherwise():
    with start() as node:
        for args, wanted in (((), None), (("--timer.slack=20us",), "slack=20us")):
            done = run("client", f"--to={node.to}", "--requests=10", "--quiet", "--json=-", *args,
                       status=(0, 1))
            found = [r for r in json.loads(done.stdout)["tunables"] if r["name"] == "timer"]
            assert [r["effective"] for r in found] == ([wanted] if wanted else []), found


if __name__ == "__main__":
    sys.exit(main(globals()))
