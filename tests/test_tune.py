#!/usr/bin/env python3
"""test_tune.py - `ringwalk tune`: what it changes comes back, whoever is killed and whenever.

    test_tune.py RINGWALK KILL_AT_LIBRARY [NAME...]

Real settings of the kernel, but those of a network namespace of this test: it starts itself again
inside of one. Only what says so touches a setting of the whole machine, a harmless one.

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import re
import signal
import sys
import tempfile
import time

from ringwalk import TOP, Skipped, main, run
from tune_world import (MIGRATE, NEW, OLD, SETTINGS, WORDS, becomes, check_clean, enter_namespace,
                        get, journals, path_of, running, state, tune, values)

KILL_AT = os.path.abspath(sys.argv.pop(2)) if len(sys.argv) > 2 else ""
def killed(*args, owner=0, watcher=0):
    """Runs `tune` and kills it, or its watcher, at that step; True when it was killed."""
    env = dict(os.environ, LD_PRELOAD=KILL_AT, KILL_OWNER=str(owner), KILL_WATCHER=str(watcher),
               ASAN_OPTIONS="verify_asan_link_order=0")
    return tune(*args, env=env).returncode == -signal.SIGKILL


def steps(*args, watcher=0, before=lambda: None):
    """Each step at which the owner can be killed, until it gets to its end."""
    for step in range(1, 500):
        before()
        if not killed(*args, owner=step, watcher=watcher):
            assert step > 3, "no step was found: is the library preloaded?"
            return
        yield step
    raise AssertionError("it never came to its end")


def plan(*words):
    """What `tune plan` says, where this user may change anything."""
    out = tune("plan", *words, status=(0, 3)).stdout
    if "only root may" in out or "read-only" in out:
        raise Skipped("the settings cannot be written here")
    return out


def test_a_command_has_the_settings_and_afterwards_they_are_as_before():
    with state() as folder:
        files = [str(path_of(name)) for name in SETTINGS]
        done = tune("run", *WORDS, "--", "cat", *files, status=0)
        assert done.stdout.split() == NEW, done.stdout
        check_clean(folder)
        assert tune("run", *WORDS, "--", "sh", "-c", "exit 7").returncode == 7
        assert tune("run", *WORDS, "--", "sh", "-c", "kill -TERM $$").returncode == 128 + 15
        assert tune("run", *WORDS, "--", "/no/such/program").returncode == 127
        check_clean(folder)


def test_run_killed_at_each_step_its_watcher_restores():
    with state() as folder:
        count = 0
        for step in steps("run", *WORDS, "--", "true"):
            assert becomes(OLD), (step, values())
            tune("restore", status=0)
            check_clean(folder)
            count = step
        check_clean(folder)
        print(f"    {count} steps", flush=True)


def test_run_and_watcher_killed_at_each_step_the_next_start_restores():
    with state() as folder:
        # 13: more steps than the watcher has; there it is only the owner that dies.
        for watcher in range(1, 14):
            for step in steps("run", *WORDS, "--", "true", watcher=watcher):
                tune("run", f"{MIGRATE}=1", "--", "true", status=0)
                assert values() == OLD, (step, watcher, values())
                assert not journals(folder), (step, watcher)
        check_clean(folder)


def test_apply_killed_at_each_step_is_whole_or_not_at_all():
    with state() as folder:
        kept = 0
        for step in steps("apply", *WORDS):
            if "until `ringwalk tune restore`" in tune("status", status=0).stdout:
                kept += 1
                assert values() == NEW, (step, values())
            else:
                assert becomes(OLD), (step, values())
            tune("restore", status=0)
            check_clean(folder)
        assert kept > 0
        assert values() == NEW, values()
        tune("restore", status=0)
        check_clean(folder)


def test_restore_killed_at_each_step_is_finished_by_the_next():
    with state() as folder:
        for _ in steps("restore", before=lambda: tune("apply", *WORDS, status=(0, 3))):
            tune("restore", status=0)
            check_clean(folder)
        check_clean(folder)


def watcher_of(process):
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    for child in children.split():
        if pathlib.Path(f"/proc/{child}/comm").read_text() == "ringwalk-undo\n":
            return int(child)
    raise AssertionError("no watcher")


def is_there(pid):
    return os.path.exists(f"/proc/{pid}")


def test_the_command_dies_with_a_killed_ringwalk():
    with state() as folder, running(*WORDS) as process:
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        watcher = watcher_of(process)
        command = next(int(child) for child in children.split() if int(child) != watcher)
        process.kill()
        assert becomes(OLD), values()
        end = time.monotonic() + 10
        while (is_there(command) or is_there(watcher)) and time.monotonic() < end:
            time.sleep(0.001)
        assert not is_there(command) and not is_there(watcher)
        check_clean(folder)


def test_without_its_watcher_ringwalk_restores_itself():
    with state() as folder:
        with running(*WORDS) as process:
            os.kill(watcher_of(process), signal.SIGKILL)
            process.terminate()
            process.communicate(timeout=20)
            assert process.returncode == 128 + signal.SIGTERM, process.returncode
        check_clean(folder)


def test_the_watcher_survives_what_ends_its_owner():
    with state() as folder, running(*WORDS) as process:
        watcher = watcher_of(process)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
            os.kill(watcher, number)
        before = pathlib.Path(f"/proc/{watcher}/status").read_text()
        assert os.getsid(watcher) == watcher
        process.kill()
        assert becomes(OLD), values()
        tune("restore", status=0)
        check_clean(folder)
        switches = re.search(r"^voluntary_ctxt_switches:\s*(\d+)", before, re.MULTILINE)
        assert int(switches[1]) < 20, before  # it slept


def test_two_at_once_the_second_is_told_who_holds_a_setting():
    with state() as folder:
        with running(WORDS[0]) as process:
            for value in ("0", "1"):  # also what is there already: it will not stay
                done = tune("run", f"{MIGRATE}={value}", "--", "true", status=3)
                assert f"{MIGRATE}: is held by ringwalk tune run (process {process.pid})" \
                    in done.stderr, done.stderr
            assert f"ringwalk tune run (process {process.pid}), until it ends:" in \
                tune("status", status=0).stdout
            tune("run", WORDS[2], "--", "true", status=0)
        check_clean(folder)


def test_without_a_journal_a_command_is_run_only_when_that_is_allowed():
    with state() as folder:
        os.environ["RINGWALK_STATE"] = file = str(folder / "file")
        pathlib.Path(file).touch()
        args = [WORDS[0], "--", "cat", path_of(MIGRATE)]
        done = tune("run", *args, status=3)
        assert file in done.stderr and done.stdout == "", done
        done = tune("run", "--allow-degraded", *args, status=0)
        assert f"{WORDS[0].replace('=', ' = ')}: denied: there is no journal to take it back " \
            f"by: {file}: " in done.stderr, done.stderr
        assert done.stdout == "0\n", done
        assert file in tune("apply", "--allow-degraded", WORDS[0], status=(2, 3)).stderr
        check_clean(folder)


def test_what_is_refused_takes_back_what_was_applied_before():
    with state() as folder:
        done = tune("apply", WORDS[0], "net.ipv4.tcp_autocorking=7", status=3)
        assert "net.ipv4.tcp_autocorking = 7: unsupported: the kernel does not take" in \
            done.stderr, done.stderr
        check_clean(folder)
        profile = folder / "optional.conf"
        profile.write_text("-irq.9999.affinity = 0\n")
        done = tune("run", WORDS[0], str(profile), "--", "cat", path_of(MIGRATE), status=0)
        assert done.stdout == "1\n" and "(optional: left out)" in done.stderr, done
        profile.write_text("irq.9999.affinity = 0\n")
        tune("run", WORDS[0], str(profile), "--", "true", status=3)
        check_clean(folder)


def test_plan_changes_nothing_and_says_what_would_fail():
    with state() as folder:
        done = tune("plan", *WORDS, status=0)
        assert re.search(r"tcp_migrate_req +0 -> 1", done.stdout), done.stdout
        assert "3 of 3 would be written" in done.stdout, done.stdout
        assert re.search(r"tcp_migrate_req +0, as it is",
                         tune("plan", f"{MIGRATE}=0", status=0).stdout)
        done = tune("plan", "/proc/sys/net/ipv4/no_such_file=1", "irq.9999.affinity=0", status=3)
        assert "there is no such interrupt" in done.stdout, done.stdout
        check_clean(folder)


def test_mistakes_are_one_sentence_with_a_suggestion():
    rows = [
        (["aply"], "did you mean apply"),
        (["plan", "net.ipv4.tcp_fastopne=3"], "did you mean net.ipv4.tcp_fastopen?"),
        (["plan", "irq.7.afinity=1"], "did you mean irq.7.affinity?"),
        (["plan", "quite"], "did you mean quiet?"),
        (["plan", "net.ipv4.tcp_fastopen"], "to what? NAME=VALUE"),
        (["plan", "net.ipv4.tcp_fastopen="], "lacks a value"),
        (["plan"], "which settings?"),
        (["plan", "/etc/passwd=1"], "/etc/passwd is not a setting"),
        (["plan", "/sys/../etc/passwd=1"], "is not a setting"),
        (["plan", "vm.swappiness=1", "/proc/sys/vm/swappiness=2"], "vm.swappiness is set twice"),
        (["run", "vm.swappiness=1"], "which command?"),
        (["restore", "vm.swappiness"], "restore takes no names"),
        (["restore", "--forse"], "did you mean --force"),
        (["show", "vm.swapiness"], "did you mean vm.swappiness?"),
        ([], "what?"),
    ]
    for args, part in rows:
        done = tune(*args, status=2)
        assert part in done.stderr and done.stderr.count("\n") == 1, (args, done.stderr)


def test_a_profile_names_its_line():
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "mine.conf")
        file.write_text("# Mine.\n\nnet.ipv4.tcp_sack = 1  # as it is\n-vm.nothing = 1\n")
        done = tune("plan", str(file), status=2)
        assert 'no setting "vm.nothing"' in done.stderr, done.stderr
        file.write_text("# Mine.\n\nnet.ipv4.tcp_sack = 1  # as it is\n")
        tune("plan", str(file), status=0)
        file.write_text("# Mine.\nnet.ipv4.tcp_sack 1\n")
        assert f"{file}:2: " in tune("plan", str(file), status=2).stderr


def test_every_profile_is_understood_and_each_line_has_a_reason():
    listed = tune("profiles", status=0).stdout
    files = sorted((TOP / "profiles").glob("*.conf"))
    assert files
    for file in files:
        assert re.search(rf"^  {file.stem} +\w", listed, re.MULTILINE), listed
        assert tune("profiles", file.stem, status=0).stdout == file.read_text()
        tune("plan", file.stem, status=(0, 3))
        blocks = file.read_text().split("\n\n")
        assert all(block.lstrip().startswith("#") for block in blocks), file


def test_a_private_network_changes_nowhere_else():
    with state() as folder:
        done = tune("run", "--private-network", f"{MIGRATE}=1", "nic.lo.rps_cpus=1",
                    "net.core.somaxconn=99", "--", "sh", "-c",
                    f"cat {path_of(MIGRATE)} /sys/class/net/lo/queues/rx-0/rps_cpus "
                    "/proc/sys/net/core/somaxconn; ls /sys/class/net; ls -d /sys/fs/cgroup/*; "
                    "ping -c 1 127.0.0.1 >/dev/null 2>&1; ip -o link show up; "
                    f"grep -c tcp_migrate {folder}/*.journal; cat {path_of(MIGRATE)}")
        if "nic.lo.rps_cpus = 1: denied" in done.stderr:
            raise Skipped("queues of devices belong to the machine's own root")
        assert done.returncode == 0, done.stderr
        lines = done.stdout.split("\n")
        assert lines[:4] == ["1", "1", "99", "lo"], done.stdout
        assert "LOOPBACK,UP" in done.stdout, done.stdout
        assert "\n0\n1\n" in done.stdout, done.stdout  # not in the journal
        check_clean(folder)
        assert get("net.core.somaxconn") != "99", get("net.core.somaxconn")


def test_the_machines_own_settings_come_back():
    with state() as folder:
        before = get("vm.stat_interval")
        new = str(int(before) + 3)
        done = tune("run", f"vm.stat_interval={new}", "--", "cat", path_of("vm.stat_interval"))
        if "only root may" in done.stderr or "read-only" in done.stderr:
            raise Skipped(done.stderr.strip())
        assert done.stdout.strip() == new, done
        assert get("vm.stat_interval") == before, get("vm.stat_interval")
        assert not journals(folder), journals(folder)


def test_dirty_bytes_give_dirty_ratio_back():
    with state() as folder:
        before = {name: get(name) for name in ("vm.dirty_bytes", "vm.dirty_ratio")}
        if before["vm.dirty_bytes"] != "0":
            raise Skipped("vm.dirty_bytes is set on this machine")
        done = tune("run", "vm.dirty_bytes=400000000", "--", "cat", path_of("vm.dirty_ratio"))
        if "only root may" in done.stderr or "read-only" in done.stderr:
            raise Skipped(done.stderr.strip())
        assert done.stdout == "0\n", done
        assert {name: get(name) for name in before} == before
        done = tune("apply", "vm.dirty_bytes=0", "vm.dirty_ratio=21", status=(0, 3))
        tune("restore", status=0)
        assert {name: get(name) for name in before} == before
        assert not journals(folder), journals(folder)


def test_no_op_9_rt_runtime_without_limit_does_not_free_the_cpu():
    symbols = pathlib.Path("/proc/kallsyms").read_text()
    if " fair_server_init\n" not in symbols:
        raise Skipped("this kernel has no fair server")
    out = plan("kernel.sched_rt_runtime_us=-1")
    assert "vacuous: real-time threads still do not get 100 %" in out, out


def test_no_op_11_dma_latency_below_no_idle_state():
    longest = max((int(path.read_text()) for path in
                   pathlib.Path("/sys/devices/system/cpu/cpu0/cpuidle").glob("state*/latency")),
                  default=-1)
    with state():
        if not os.access("/dev/cpu_dma_latency", os.W_OK):
            raise Skipped("no /dev/cpu_dma_latency")
        done = tune("run", f"cpu.dma_latency_us={max(longest, 0) + 1}", "--", "true", status=0)
        why = "no cpuidle driver" if longest < 0 else f"no idle state takes longer than {longest}"
        assert f"vacuous: {why}" in done.stderr, done.stderr
        done = tune("apply", "cpu.dma_latency_us=1", status=3)
        assert "use `ringwalk tune run`" in done.stderr, done.stderr


def test_no_op_25_fastopen_without_the_servers_bit():
    assert "bit 2 (server) is not set" in plan("net.ipv4.tcp_fastopen=1")
    assert "bit 2" not in plan("net.ipv4.tcp_fastopen=3")


def test_a_managed_interrupt_is_named():
    for folder in sorted(pathlib.Path("/proc/irq").glob("[0-9]*")):
        now = (folder / "smp_affinity_list").read_text().strip()
        done = tune("run", f"irq.{folder.name}.affinity={'0' if now != '0' else '0-1'}", "--",
                    "true")
        if "is managed by the kernel" in done.stderr:
            assert re.search(rf"IRQ {folder.name} \(.+\) is managed by the kernel", done.stderr)
            return
        assert (folder / "smp_affinity_list").read_text().strip() == now
    raise Skipped("no interrupt here is managed by the kernel")


def test_docs_list_every_setting():
    made = run("info", "settings", status=0).stdout
    assert made == (TOP / "docs" / "settings.md").read_text(), \
        "docs/settings.md is old: ringwalk info settings > docs/settings.md"


if __name__ == "__main__":
    enter_namespace(KILL_AT)
    sys.exit(main(globals()))
