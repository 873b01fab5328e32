#!/usr/bin/env python3
"""test_refuse.py - requests that ask a node for too much, as its users see them: told by their name
everywhere, by themselves, and also through a proxy.

    test_refuse.py RINGWALK [NAME...]

SPDX-License-Identifier: Apache-2.0
"""
import csv
import json
import re
import sys
import tempfile

from ringwalk import BACKENDS, Node, Proxy, check_counts, load, main, run

# Every second of 40 requests asks for more than --max-compute.
HALF = ("-n", "40", "-r", "1000", "--connections=2", "--drain=20s", "--program",
        "skip 1,every=2; compute 11s; sleep 1ms; reply 64B")


def check_half(result):
    check_counts(result)
    counts = result["counts"]
    assert counts["done"] == 20 and counts["failed"] == 20, counts
    assert counts["failed_by_status"] == {"error": 0, "timeout": 0, "refused": 20}, counts
    assert counts["refused"] == 0, counts
    assert not any("connections were lost" in reason for reason in result["reasons"]), result


def test_what_is_refused_has_its_name_in_text_json_and_records():
    with tempfile.TemporaryDirectory() as folder, Node() as node:
        done = run("client", f"--to={node.to}", *HALF, "--rows", f"--json={folder}/result",
                   f"--records={folder}/records", status=1)
        assert "20 done, 20 failed (refused 20)" in done.stderr, done.stderr
        assert "20 requests failed on a node" in done.stderr, done.stderr
        with open(f"{folder}/result", encoding="utf-8") as file:
            check_half(json.load(file))
        with open(f"{folder}/records", encoding="utf-8") as file:
            told = [(row["outcome"], row["status"]) for row in csv.DictReader(file)]
        assert told == [("done", "ok"), ("failed", "refused")] * 20, told
        rows = re.findall(r"elapsed: (\S+) us", done.stdout)
        assert [row == "-" for row in rows] == [False, True] * 20, rows


def test_a_node_says_what_was_too_much_and_counts_it():
    with tempfile.TemporaryDirectory() as folder, \
            Node(f"--json={folder}/node", "--max-compute=10s") as node:
        check_half(load(node, *HALF))
        status, out, err = node.stop()
        assert status == 0 and "requests 20, " in out, out
        assert ", faults 0, " in out and ", requests refused 20" in out, out
        assert 1 <= err.count("asks for more time, or more bytes of storage, than the limit "
                              "(--max-compute, --max-store, --max-load): request refused") <= 2, err
        assert "connection dropped" not in err, err
        with open(f"{folder}/node", encoding="utf-8") as file:
            stats = json.load(file)["stats"]
        assert stats["refused"] == 20 and list(stats["faults"].values()) == [20], stats


def test_refusals_pass_a_proxy():
    for backend in BACKENDS:
        for scheme in "", "udp://":
            bind = f"{scheme}127.0.0.1:0"
            with Node(f"--backend={backend}", bind=(f"--bind-addr={bind}",)) as node, \
                    Proxy(f"--backend={backend}", f"--to={node.to}", "--delay-both=1ms",
                          bind=(f"--bind={bind}",)) as proxy:
                check_half(load(proxy, f"--backend={backend}", *HALF))


def test_a_law_without_a_bound_is_refused_where_it_is_too_much():
    with Node("--max-compute=1us") as node:
        counts = load(node, "-n", "200", "-r", "2000", "-C", "exp:1us")["counts"]
        refused = counts["failed_by_status"]["refused"]
        # A share of 1/e of them, +- 6 standard deviations.
        assert 33 <= refused <= 115 and counts["done"] == 200 - refused, counts


if __name__ == "__main__":
    sys.exit(main(globals()))
