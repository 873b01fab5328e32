"""tune_world.py - settings of a network namespace of the test's own, and a folder of journals.

A test starts itself again inside of such a namespace: enter_namespace().

SPDX-License-Identifier: Apache-2.0
"""
import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from ringwalk import RINGWALK, Skipped, run

INSIDE = "RINGWALK_TEST_NETNS"
# Three settings of the namespace: what they are at first, and what they are set to.
SETTINGS = {"net.ipv4.tcp_migrate_req": ("0", "1"), "net.ipv4.tcp_autocorking": ("1", "0"),
            "net.ipv4.tcp_notsent_lowat": ("4294967295", "16384")}
WORDS = [f"{name}={new}" for name, (_, new) in SETTINGS.items()]
OLD = [old for old, _ in SETTINGS.values()]
NEW = [new for _, new in SETTINGS.values()]
MIGRATE = "net.ipv4.tcp_migrate_req"


def path_of(name):
    return pathlib.Path("/proc/sys", *name.split("."))


def get(name):
    return path_of(name).read_text().strip()


def put(name, value):
    path_of(name).write_text(value)


def values():
    return [get(name) for name in SETTINGS]


@contextlib.contextmanager
def state():
    """A folder of journals of its own; afterwards everything is as before."""
    if os.environ.get(INSIDE) != "yes":
        raise Skipped("no network namespace can be made here")
    assert values() == OLD, values()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RINGWALK_STATE"] = folder
        try:
            yield pathlib.Path(folder)
        finally:
            del os.environ["RINGWALK_STATE"]
            for name, (old, _) in SETTINGS.items():
                put(name, old)


def journals(folder):
    return sorted(folder.glob("*.journal"))


def tune(*args, **how):
    return run("tune", *args, **how)


def becomes(wanted, seconds=10):
    end = time.monotonic() + seconds
    while values() != wanted and time.monotonic() < end:
        time.sleep(0.001)
    return values() == wanted


def check_clean(folder):
    assert values() == OLD, values()
    assert not journals(folder), journals(folder)


@contextlib.contextmanager
def running(*words):
    """`tune run` with a command that waits; ends both."""
    process = subprocess.Popen([RINGWALK, "tune", "run", *words, "--", "sh", "-c",
                                "echo ready; exec sleep 60"], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout.readline() == "ready\n", process.stderr.read()
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=20)


def enter_namespace(*args):
    """Starts the test again in a network namespace of its own, where one can be made."""
    if INSIDE in os.environ:
        return
    os.environ[INSIDE] = "no"
    for how in (["unshare", "--net", "--"], ["unshare", "--map-root-user", "--net", "--"]):
        if shutil.which("unshare") and subprocess.run(
                [*how, "true"], check=False, stderr=subprocess.DEVNULL).returncode == 0:
            os.environ[INSIDE] = "yes"
            os.execvp(how[0], [*how, sys.executable, "-B", sys.argv[0], RINGWALK, *args,
                               *sys.argv[2:]])
