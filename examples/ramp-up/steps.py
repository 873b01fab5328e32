#!/usr/bin/env python3
"""steps.py - the records of a ramp, a row for each step of the rate.

    steps.py SECONDS-OF-A-STEP RECORDS.csv

Response counts from when a request was due, service from when it was sent. A request that was never
sent counts in response with the time it had waited by the end: see docs/METHOD.md.

SPDX-License-Identifier: Apache-2.0
"""
import csv
import math
import sys


def percentile_ms(times, share):
    """Nearest rank; a dash when fewer than 10 lie beyond it."""
    if len(times) * (1 - share) < 10:
        return "-"
    return f"{sorted(times)[math.ceil(len(times) * share) - 1] / 1e6:.2f}"


def read(path, step_ns):
    """Step -> its requests, as (intended, sent or None, end or None)."""
    steps = {}
    with open(path, encoding="utf-8") as file:
        for row in csv.DictReader(file):
            times = [int(row[key]) if row[key] else None
                     for key in ("intended_ns", "sent_ns", "end_ns")]
            steps.setdefault(times[0] // step_ns, []).append(times)
    return steps


def main(seconds, path):
    steps = read(path, seconds * 1e9)
    last = max(time for rows in steps.values() for row in rows for time in row if time is not None)
    print(f"{'offered/s':>9} {'sent/s':>7} {'unsent':>6}   {'response p50':>12} {'p99':>8} ms"
          f"   {'service p50':>11} {'p99':>8} ms")
    for _, rows in sorted(steps.items()):
        response = [(end or last) - intended for intended, _, end in rows]
        service = [end - sent for _, sent, end in rows if sent is not None and end is not None]
        print(f"{len(rows) / seconds:>9.0f} {len(service) / seconds:>7.0f} "
              f"{len(rows) - len(service):>6}   {percentile_ms(response, 0.5):>12} "
              f"{percentile_ms(response, 0.99):>8}      {percentile_ms(service, 0.5):>11} "
              f"{percentile_ms(service, 0.99):>8}")


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2])
