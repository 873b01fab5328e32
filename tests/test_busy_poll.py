#!/usr/bin/env python3
"""test_busy_poll.py - busy polling of a device for real, and on loopback, where it does nothing.

    test_busy_poll.py RINGWALK [NAME...]

What can be polled is a pair of virtual Ethernet devices (veth) between two network namespaces, of
netns.py; without root those tests are skipped, with the reason.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import sys
import tempfile

from netns import Cable
from ringwalk import Node, Skipped, load, main, run

PORT = 7893
BUSY = {"epoll": "--epoll.busy-poll=50us", "io_uring": "--io_uring.napi-busy-poll=50us"}

def of_backend(result, subject):
    """What the kernel made of the backend's settings."""
    found = [t for t in result["tunables"] if t["subject"] == subject and t["name"] in BUSY]
    assert len(found) == 1, result["tunables"]
    return found[0]


def polled_by(backend):
    """The options, or Skipped when this kernel refuses them."""
    option = BUSY[backend]
    tried = run("client", "--to=127.0.0.1:1", "-n", "1", f"--backend={backend}", option)
    if "is needed" in tried.stderr:
        raise Skipped(tried.stderr.strip())
    return [f"--backend={backend}", option]


def check_pair(backend):
    busy = polled_by(backend)
    with Cable() as net, tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "node.json")
        with Node("--insecure", f"--json={path}", *busy, prefix=net.inside(1),
                  bind=(f"--bind-addr={net.host(1)}:{PORT}",)) as node:
            result = load(node, "-n", "200", "-r", "2000", *busy,
                          prefix=net.inside(2))
            assert result["counts"]["done"] == 200, result["counts"]
            status, _, err = node.stop()
            assert status == 0, err
        with open(path, encoding="utf-8") as file:
            ends = of_backend(json.load(file), "worker 0"), of_backend(result, "client 0")
        for end in ends:
            assert end["verdict"] == "ok" and not end["why"], end


def test_epoll_polls_a_veth_pair_and_says_ok():
    check_pair("epoll")


def test_io_uring_polls_a_veth_pair_and_says_ok():
    check_pair("io_uring")


def check_loopback(backend):
    busy = polled_by(backend)
    with Node() as node:
        result = load(node, "-n", "20", "-r", "2000", *busy)
    end = of_backend(result, "client 0")
    assert end["verdict"] == "vacuous", end
    assert "loopback" in end["why"], end


def test_no_op_23_on_loopback_epolls_polling_is_vacuous():
    check_loopback("epoll")


def test_no_op_23_on_loopback_io_urings_polling_is_vacuous():
    check_loopback("io_uring")


if __name__ == "__main__":
    sys.exit(main(globals()))
