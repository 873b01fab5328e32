#!/usr/bin/env python3
"""emulator.py - one guest in QEMU from start to end, listened to, with patience for each step.

No KVM even where there is one: the guest is the same on every machine. What it says comes over two
serial lines: the kernel's into console.txt, init's and the suites' to us and into output.txt. It
has no network, no disk and no window, and dies with this process.

SPDX-License-Identifier: Apache-2.0
"""
import codecs
import ctypes
import os
import select
import signal
import subprocess
import time

import initramfs
import markers

CPUS, NODES = "0-3", "0-1"  # what qemu() makes, as the guest's kernel should see it
BOOT_S, GRACE_S = 90, 20
TAIL_LINES = 40
PR_SET_PDEATHSIG = 1
# With a thread for each CPU this emulation made 6.12 fall over in two boots of three. One thread
# for all of them is slower, so there everything gets more time.
THREADS = {"6.1": "multi", "6.12": "single"}
PATIENCE = {"6.1": 1, "6.12": 4}
# Nor is its cmpxchg16b to be trusted, which the kernel's allocator takes where a CPU has it.
CPU = "max,cx16=off"


def qemu(version, image, home):
    """The command: two nodes of two CPUs."""
    return ["qemu-system-x86_64", "-no-user-config", "-nodefaults", "-display", "none",
            "-no-reboot", "-accel", f"tcg,thread={THREADS[version]}", "-cpu", CPU, "-m", "1G",
            "-smp", "4,sockets=2,cores=2",
            "-object", "memory-backend-ram,id=m0,size=512M",
            "-object", "memory-backend-ram,id=m1,size=512M",
            "-numa", "node,nodeid=0,cpus=0-1,memdev=m0",
            "-numa", "node,nodeid=1,cpus=2-3,memdev=m1", "-numa", "dist,src=0,dst=1,val=20",
            "-kernel", str(image), "-initrd", str(home / "initramfs"),
            "-append", "console=ttyS0 panic=-1 oops=panic mitigations=off",
            "-serial", f"file:{home / 'console.txt'}",
            "-chardev", "stdio,id=line,signal=off", "-serial", "chardev:line"]


class Watch:
    """How long the guest may still take for what it is doing: booting, one suite, all of it."""

    def __init__(self, suites, end):
        self.limits = {suite.name: suite.limit_s + GRACE_S for suite in suites}
        self.end = end
        self.step = None
        self.since = time.monotonic()

    def left_s(self, boot):
        step = (boot.booted, len(boot.ended), boot.under_way is not None)
        now = time.monotonic()
        if step != self.step:
            self.step, self.since = step, now
        limit = GRACE_S if boot.booted else BOOT_S
        if boot.under_way:
            limit = self.limits.get(boot.under_way.name, GRACE_S)
        return min(self.since + limit, self.end) - now


def listen(process, watch, copy):
    """Takes in what it says, with a copy to a file, until it ends or patience does."""
    boot = markers.Boot()
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    pipe = process.stdout.fileno()
    while (left := watch.left_s(boot)) > 0:
        if select.select([pipe], [], [], left)[0]:
            said = os.read(pipe, 65536)
            if not said:
                break
            copy.write(said)
            boot.feed(decoder.decode(said))
    return boot


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def run(command, suites, end, record):
    """One guest, as far as it got; all it said is in `record`. Nothing of it is left running."""
    with open(record, "wb", buffering=0) as copy, subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, preexec_fn=die_with_parent) as process:
        try:
            return listen(process, Watch(suites, end), copy)
        finally:
            process.kill()


class Emulator:
    """Starts guests of one kernel; HOME keeps the archive and the logs of the last one."""

    def __init__(self, version, image, init, home):
        self.command = qemu(version, image, home)
        self.init = init
        self.home = home

    def boot(self, suites, end):
        """A guest that runs the suites, until `end` at the latest, and the end of its console."""
        console, words = self.home / "console.txt", self.home / "did-not-boot.txt"
        for old in (console, words):
            old.unlink(missing_ok=True)
        (self.home / "initramfs").write_bytes(initramfs.build(self.init, suites))
        guest = run(self.command, suites, end, self.home / "output.txt")
        said = tail(console)
        if not guest.booted:
            words.write_text(said + guest.aside + guest.torn, encoding="utf-8")
        return guest, said


def tail(path):
    """Its last lines; none if it never came to be."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    return "".join(line + "\n" for line in lines[-TAIL_LINES:])
