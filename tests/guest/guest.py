#!/usr/bin/env python3
"""guest.py - runs suites under another Linux: Debian's kernel in QEMU, 4 CPUs on 2 NUMA nodes.

    guest.py [--kernel=6.1|6.12] BUILD HOME [NAME...]

BUILD is meson's build folder, HOME where kernels and logs are kept, NAME a test of the list in
tests/guest/suites (default: all of them). The CPUs are emulated, so the guest says what is right
and never what is fast: no time is taken from it.

Three answers are told apart. A guest that could not be had, or did not reach its mark "ready" three
times, is one skipped test, with the end of its console in a file. A suite that ran is what it
says. A suite that began and never ended has failed. HOME/KERNEL/testlog.json has all they said,
in the form of meson's log, for counts.py. The status is 1 when anything failed.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import time

import emulator
import kernel
import session
from markers import Result

ALL_S = 280
FAILED = ("FAIL", "TIMEOUT")


def introspect(build, what):
    """What meson knows of its build folder."""
    done = subprocess.run(["meson", "introspect", f"--{what}", build], capture_output=True,
                          text=True, timeout=60, check=True)
    return json.loads(done.stdout)


def choose_suites(build, names):
    patterns = (pathlib.Path(__file__).parent / "suites").read_text(encoding="utf-8")
    return session.choose(introspect(build, "tests"), os.path.abspath(build),
                          session.read_patterns(patterns), names)


def find_init(build):
    return next(target["filename"][0] for target in introspect(build, "targets")
                if target["name"] == "guest_init")


def check_guest(guest):
    """A test of its own: on one node, or without a group, suites would quietly do nothing."""
    right = (guest.cpus, guest.nodes, guest.aside) == (emulator.CPUS, emulator.NODES, "")
    return Result("the guest itself", "OK" if right else "FAIL",
                  f"cpus {guest.cpus} ({emulator.CPUS} were made), nodes {guest.nodes} "
                  f"({emulator.NODES} were made)\n{guest.aside}")


def show(result):
    """A line; all that a failure said; of the others what was not possible even here."""
    print(f"  {result.result:<8} {result.name}")
    for line in result.text.splitlines():
        if result.result in FAILED or "skipped: " in line or "not tried: " in line:
            print(f"             {line.strip()}")


def write_log(path, results):
    with open(path, "w", encoding="utf-8") as log:
        for result in results:
            json.dump({"name": result.name, "result": result.result, "stdout": result.text}, log)
            log.write("\n")


def run_suites(version, build, home, names):
    """Their results, or the one that says why there are none."""
    suites = choose_suites(build, names)
    if not shutil.which("qemu-system-x86_64"):
        raise kernel.NotHere("there is no qemu-system-x86_64 here")
    if platform.machine() != "x86_64":
        raise kernel.NotHere(f"the guest is x86_64, the programs here are {platform.machine()}")
    image, package = kernel.fetch(version, home)
    print(f"guest: {package}, emulated: 4 CPUs on 2 nodes, {len(suites)} suites; no time is "
          "taken from it", flush=True)
    machine = emulator.Emulator(version, image, find_init(build), home)
    patience = emulator.PATIENCE[version]
    for suite in suites:
        suite.limit_s *= patience
    work = session.Session(suites, machine.boot, time.monotonic() + ALL_S * patience)
    results = work.run()
    if not work.reached:
        raise kernel.NotHere(f"{package} did not boot; its last words: {home}/did-not-boot.txt")
    return [check_guest(work.reached), *results]


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernel", default="6.1")
    parser.add_argument("build")
    parser.add_argument("home", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    if args.kernel not in kernel.SUITES:
        raise session.Mistake(f"no kernel '{args.kernel}'; there are {', '.join(kernel.SUITES)}")
    return args


def main():
    args = read_arguments()
    home = args.home.resolve() / args.kernel
    home.mkdir(parents=True, exist_ok=True)
    try:
        results = run_suites(args.kernel, args.build, home, args.names)
    except kernel.NotHere as reason:
        results = [Result("guest", "SKIP", f"skipped: {reason}\n")]
    for result in results:
        show(result)
    write_log(home / "testlog.json", results)
    return int(any(result.result in FAILED for result in results))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except session.Mistake as wrong:
        print(f"guest: {wrong}", file=sys.stderr)
        sys.exit(2)
