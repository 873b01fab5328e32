#!/usr/bin/env python3
"""test_tune_restore.py - `ringwalk tune status` and `restore`: what is left over, and what is said.

    test_tune_restore.py RINGWALK [NAME...]

SPDX-License-Identifier: Apache-2.0
"""
import contextlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from ringwalk import Skipped, main, run
from tune_world import (MIGRATE, NEW, OLD, WORDS, check_clean, enter_namespace, get, journals,
                        path_of, running, state, tune, values)


def test_a_change_by_somebody_else_is_left_alone_and_said():
    with state() as folder:
        lowat = path_of("net.ipv4.tcp_notsent_lowat")
        done = tune("run", *WORDS, "--", "sh", "-c", f"echo 777 > {lowat}", status=1)
        assert "net.ipv4.tcp_notsent_lowat is now '777', neither '16384' as it was set nor " \
            "'4294967295' as before" in done.stderr, done.stderr
        assert values() == OLD[:2] + ["777"], values()
        assert "changed by somebody else" in tune("status", status=0).stdout
        assert "'777'" in tune("restore", status=1).stderr
        done = tune("apply", WORDS[2], status=3)
        assert "was left changed by ringwalk tune run" in done.stderr, done.stderr
        tune("restore", "--force", status=0)
        check_clean(folder)
        tune("run", *WORDS, "--", "sh", "-c", f"echo 777 > {lowat}", status=1)
        done = tune("restore", "--forget", status=0)
        assert done.stdout == "net.ipv4.tcp_notsent_lowat was '4294967295' and is left as it " \
            "is\n", done.stdout
        assert not journals(folder) and get("net.ipv4.tcp_notsent_lowat") == "777"


def test_a_damaged_journal_is_undone_as_far_as_it_goes_and_said():
    with state() as folder:
        tune("apply", *WORDS, status=0)
        file = journals(folder)[0]
        lines = file.read_text().splitlines(True)
        second = next(i for i, line in enumerate(lines) if WORDS[1].split("=")[0].replace(
            ".", "/") in line)
        lines[second] = "nonsense\n"
        file.write_text("".join(lines))
        done = tune("restore", status=1)
        assert f"is damaged in line {second + 1}" in done.stderr, done.stderr
        assert values() == [OLD[0], *NEW[1:]], values()
        tune("restore", "--forget", status=(0, 1))
        assert not journals(folder), journals(folder)


def test_what_a_damaged_journal_gave_back_is_not_taken_back_twice():
    with state() as folder:
        tune("apply", *WORDS, status=0)
        file = journals(folder)[0]
        file.write_text(file.read_text().replace("kept\n", "nonsense\n"))
        tune("restore", status=1)
        assert values() == OLD, values()
        path_of(MIGRATE).write_text("1")  # by somebody else, for reasons of their own
        tune("run", WORDS[2], "--", "true", status=0)
        tune("restore", status=1)
        assert get(MIGRATE) == "1", get(MIGRATE)


def test_a_journal_of_another_boot_is_removed_and_nothing_written():
    with state() as folder:
        tune("apply", *WORDS, status=0)
        file = journals(folder)[0]
        boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        file.write_text(file.read_text().replace(boot, "00000000-" + boot[9:]))
        tune("restore", status=0)
        assert values() == NEW and not journals(folder)


def test_another_network_namespace_is_left_alone():
    with state() as folder:
        tune("apply", WORDS[0], status=0)
        done = run("tune", "restore", prefix=("unshare", "--net", "--"), status=1)
        assert "was changed in another network namespace" in done.stderr, done.stderr
        assert get(MIGRATE) == "1", get(MIGRATE)
        tune("restore", status=0)
        check_clean(folder)


def test_what_cannot_be_read_as_a_journal_is_named():
    with state() as folder:
        tune("apply", WORDS[0], status=0)
        text = journals(folder)[0].read_text()
        name = folder / "7-0.journal"
        rows = [
            ("x" + text, "its first line is damaged, so nothing in it is taken back"),
            ("no journal at all", "its first line is damaged"),
            (text.replace("journal\t1", "journal\t2"), "of another version of ringwalk"),
            (None, "it is not a file: remove it"),
        ]
        for content, why in rows:
            if content is None:
                name.unlink()
                os.mkfifo(name)
            else:
                name.write_text(content)
            done = tune("status", status=1)
            assert f"{name} cannot be read as a journal; " in done.stderr, done.stderr
            assert why in done.stderr and done.stderr.count("\n") == 1, done.stderr
            assert "ringwalk tune apply" in done.stdout, done.stdout
            done = tune("restore", status=1)
            assert why in done.stderr and done.stderr.count("\n") == 1, done.stderr
            assert values() == OLD and "'0' again" in done.stdout, done
            tune("restore", "--forget", status=1)
            tune("apply", WORDS[0], status=0)  # it keeps nobody from work
            assert name.exists()
        tune("restore", status=1)
        name.unlink()
        check_clean(folder)


def status_of_nobody(**how):
    try:
        return tune("status", user=65534, group=65534, extra_groups=[], **how)
    except (PermissionError, OSError, subprocess.SubprocessError) as error:
        raise Skipped(f"no other user can run it here: {error}") from None


def test_status_without_rights_shows_what_can_be_read():
    with state() as folder:
        folder.chmod(0o755)
        none = "no setting of this machine is changed by ringwalk\n"
        assert status_of_nobody(status=0).stdout == none
        tune("apply", WORDS[0], status=0)
        done = status_of_nobody(status=3)
        file = journals(folder)[0]
        assert done.stderr == f"ringwalk tune: what {file} says is changed cannot be read: " \
            "Permission denied\n" and done.stdout == "", done
        file.chmod(0o644)
        done = status_of_nobody(status=0)
        assert done.stdout == tune("status", status=0).stdout, done.stdout
        assert "until `ringwalk tune restore`:" in done.stdout, done.stdout
        tune("restore", status=0)
        with running(WORDS[1]) as process:
            journals(folder)[0].chmod(0o644)
            assert f"(process {process.pid}), until it ends:" in status_of_nobody(status=0).stdout
        check_clean(folder)


def test_status_changes_nothing():
    with state() as folder:
        os.environ["RINGWALK_STATE"] = str(folder / "none")
        none = "no setting of this machine is changed by ringwalk\n"
        assert tune("status", status=0).stdout == none and not list(folder.iterdir())
        os.environ["RINGWALK_STATE"] = str(folder)
        tune("apply", WORDS[0], status=0)
        file = journals(folder)[0]
        text = file.read_text()
        boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        for content in (text.replace(boot, "00000000-" + boot[9:]), "", text + "set\t/torn"):
            file.write_text(content)
            tune("status", status=0)
            assert file.read_text() == content
        tune("restore", status=0)
        assert os.access(folder / "lock", os.F_OK)
        check_clean(folder)


def test_nothing_to_restore_is_said():
    with state():
        for more in ((), ("--force",), ("--forget",)):
            done = tune("restore", *more, status=0)
            assert done.stdout == "nothing to restore\n" and not done.stderr, done
        with running(WORDS[0]):
            done = tune("restore", status=0)
            assert done.stdout == "nothing to restore; what `ringwalk tune status` lists is " \
                "taken back by its own process\n", done.stdout
            assert get(MIGRATE) == "1", get(MIGRATE)
        tune("apply", WORDS[0], status=0)
        assert tune("restore", status=0).stdout == f"{MIGRATE} is '0' again\n"
        assert tune("restore", status=0).stdout == "nothing to restore\n"


def test_what_is_so_already_leaves_no_journal():
    with state() as folder:
        done = tune("apply", f"{MIGRATE}=0", status=0)
        assert done.stdout == "nothing is changed: all of it is so already\n", done
        assert not journals(folder), journals(folder)


@contextlib.contextmanager
def namespace():
    """Another network namespace, as long as its process lives: the words that enter it, and it."""
    process = subprocess.Popen(["unshare", "--net", "--", "sh", "-c", "echo in; exec sleep 60"],
                               stdout=subprocess.PIPE, text=True)
    try:
        if process.stdout.readline() != "in\n":
            raise Skipped("no other network namespace can be made here")
        yield ("nsenter", f"--net=/proc/{process.pid}/ns/net", "--"), process
    finally:
        process.kill()
        process.communicate()


def end(process):
    process.kill()
    process.wait()


def restored_at_last(folder):
    """What `restore` says when it has removed the journal; a namespace may end a little later."""
    for _ in range(1000):
        done = tune("restore", status=(0, 1))
        if "is not certain" in done.stderr:
            raise Skipped(done.stderr.strip())
        if not journals(folder):
            return done
        assert "was changed in another network namespace" in done.stderr, done.stderr
        time.sleep(0.01)
    raise AssertionError(done)


def test_a_namespace_that_is_gone_leaves_nothing_to_restore():
    with state() as folder:
        with namespace() as (enter, process):
            run("tune", "apply", *WORDS, prefix=enter, status=0)
            assert "was changed in another network namespace" in tune("restore", status=1).stderr
            assert "' in another network namespace" in tune("status", status=0).stdout
            end(process)
            done = restored_at_last(folder)
        assert done.returncode == 0 and done.stderr == "", done
        assert re.fullmatch(r"the network namespace of ringwalk tune apply \(process \d+\) is "
                            "gone, and with it what was changed there: nothing to restore\n",
                            done.stdout), done.stdout
        check_clean(folder)


def test_a_namespace_that_a_mount_holds_is_not_gone():
    with state() as folder, tempfile.TemporaryDirectory() as place:
        name = pathlib.Path(place, "net")
        name.touch()
        with namespace() as (enter, process):
            run("tune", "apply", WORDS[0], prefix=enter, status=0)
            how = ["mount", "--bind", f"/proc/{process.pid}/ns/net", str(name)]
            if subprocess.run(how, check=False, stderr=subprocess.DEVNULL).returncode:
                raise Skipped("a namespace cannot be mounted here")
            end(process)
        time.sleep(0.1)  # a mistake would take as long as the end of a namespace
        try:
            done = tune("restore", status=1)
            assert "was changed in another network namespace" in done.stderr, done.stderr
            assert journals(folder)
            done = run("tune", "restore", prefix=("nsenter", f"--net={name}", "--"), status=0)
            assert f"{MIGRATE} is '0' again" in done.stdout, done.stdout
        finally:
            subprocess.run(["umount", str(name)], check=True)
        check_clean(folder)


def test_a_new_namespace_with_the_number_of_an_old_one_is_another():
    with state() as folder:
        with namespace() as (enter, _):
            run("tune", "apply", WORDS[0], prefix=enter, status=0)
        file = journals(folder)[0]
        boot, rest = file.read_text().split("\n", 1)
        inode, _, cookie = boot.split("\t")[5].partition(":")
        if cookie == "0":
            raise Skipped("this kernel does not number its namespaces")
        own = os.stat("/proc/self/ns/net").st_ino
        file.write_text(boot.replace(f"{inode}:{cookie}", f"{own}:{cookie}") + "\n" + rest)
        path_of(MIGRATE).write_text("1")  # here, by somebody else
        assert "is gone" in tune("restore", status=0).stdout
        assert get(MIGRATE) == "1" and not journals(folder)


if __name__ == "__main__":
    enter_namespace()
    sys.exit(main(globals()))
