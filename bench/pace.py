#!/usr/bin/env python3
"""pace.py - does the client send on time, and does it say so when it cannot?

    bench/pace.py RINGWALK [RUNS]

First: one client thread, 16 connections, 64-byte requests at 10 to 150 thousand a second, node and
client on a CPU each; lateness is intended to sent. Then: a node whose requests compute for 100 us
is offered twice what it can do; the client must end on time, say INVALID and lose no count. Medians
over RUNS interleaved runs. Loopback only.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import statistics
import subprocess
import sys
import time

RATES = (10000, 50000, 100000, 150000)
BACKENDS = ("epoll", "io_uring")


def run(program, backend, *args):
    """One fresh node and client; the client's JSON and how long it took."""
    two = len(os.sched_getaffinity(0)) > 1
    node = subprocess.Popen([program, "node", f"--backend={backend}", "--bind-addr=127.0.0.1:0",
                             "--pin.cpus=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            text=True)
    try:
        to = node.stdout.readline().split()[2]
        started = time.monotonic()
        done = subprocess.run([program, "client", f"--to={to}", f"--backend={backend}", "--quiet",
                               "--json=-", f"--pin.cpus={int(two)}", "--connections=16",
                               "--request-size=64B", *args], capture_output=True, text=True,
                              timeout=60)
        took = time.monotonic() - started
    finally:
        node.terminate()
        node.wait(timeout=10)
    return json.loads(done.stdout), took, done.returncode


def pace(program, runs):
    results = {}
    for _ in range(runs):
        for backend in BACKENDS:
            for rate in RATES:
                result, _, _ = run(program, backend, f"--rate={rate}", "--duration=1s",
                                   "--warm-up=200ms", "--rs=64B")
                results.setdefault((backend, rate), []).append(result)
    print("lateness of one client thread, us: median of the runs [least, most]")
    print("backend    offered/s   sent/s        p50                  p99                  verdicts")
    for (backend, rate), list_ in results.items():
        late = {p: sorted(r["latency"]["lateness"]["percentiles_ns"][p] / 1000 for r in list_)
                for p in ("p50", "p99")}
        cells = [f"{statistics.median(v):8.2f} [{v[0]:.2f}, {v[-1]:.1f}]" for v in late.values()]
        sent = statistics.median(r["rates_per_s"]["sent"] for r in list_)
        verdicts = " ".join(sorted(r["verdict"] for r in list_))
        print(f"{backend:9} {rate:10} {sent:8.0f}  {cells[0]:20} {cells[1]:24} {verdicts}")


def overload(program):
    for backend in BACKENDS:
        result, took, status = run(program, backend, "--rate=20k", "--duration=2s",
                                   "--drain=500ms", "-C", "100us", "--rs=64B")
        counts = result["counts"]
        exact = (counts["sent"] + counts["censored"] == counts["planned"] and counts["sent"] ==
                 counts["done"] + counts["failed"] + counts["timed_out"] + counts["unanswered"])
        print(f"{backend}: offered 20 k/s of 100 us each for 2 s: {result['verdict']}, status "
              f"{status}, ended after {took:.2f} s, counts "
              f"{'add up' if exact else 'DO NOT ADD UP'}: {counts}")
        for reason in result["reasons"]:
            print(f"    {reason}")


if __name__ == "__main__":
    pace(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3)
    print()
    overload(sys.argv[1])
