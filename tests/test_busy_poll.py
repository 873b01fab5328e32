#!/usr/bin/env python3
"""test_busy_poll.py - busy polling of a device for real, and on loopback, where it does nothing.

    test_busy_poll.py RINGWALK [NAME...]

A pair of virtual Ethernet devices (veth) between two network namespaces has receive queues that can
be polled once generic receive offload is on. That needs root and ip(8); without them those tests
are skipped, with the reason. What is made has the test's process id in its name and is removed.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

from ringwalk import Node, Skipped, load, main, run

PORT = 7893
BUSY = {"epoll": "--epoll.busy-poll=50us", "io_uring": "--io_uring.napi-busy-poll=50us"}

# ethtool(8) may not be there: SIOCETHTOOL with ETHTOOL_STSO, _SGSO and _SGRO.
SET_OFFLOADS = """
import array, fcntl, socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for command, value in (0x1f, 0), (0x24, 0), (0x2c, 1):
    data = array.array("B", struct.pack("II", command, value))
    fcntl.ioctl(s, 0x8946, struct.pack("16sP", b"eth0", data.buffer_info()[0]))
"""


def ip(*args):
    subprocess.run(["ip", *args], check=True, capture_output=True, timeout=20)


class Pair:
    """Namespaces with 10.78.0.1 and 10.78.0.2 on the ends of one veth pair that runs by NAPI."""

    def __init__(self):
        self.spaces = [f"rwbp{os.getpid()}n{i}" for i in (1, 2)]

    def __enter__(self):
        if os.geteuid() or not shutil.which("ip"):
            raise Skipped("network namespaces need root and ip(8)")
        try:
            self.build()
        except subprocess.CalledProcessError as problem:
            self.remove()
            raise Skipped(f"no veth pair here: {problem.stderr.decode().strip()}") from problem
        return self

    def __exit__(self, *_):
        self.remove()

    def build(self):
        for space in self.spaces:
            ip("netns", "add", space)
        ip("-n", self.spaces[0], "link", "add", "eth0", "type", "veth", "peer", "name", "eth0",
           "netns", self.spaces[1])
        for i, space in enumerate(self.spaces, 1):
            ip("-n", space, "addr", "add", f"10.78.0.{i}/24", "dev", "eth0")
            ip("-n", space, "link", "set", "eth0", "up")
            subprocess.run([*self.inside(i), sys.executable, "-c", SET_OFFLOADS], check=True,
                           capture_output=True, timeout=20)

    def remove(self):
        for space in self.spaces:
            subprocess.run(["ip", "netns", "del", space], capture_output=True, timeout=20,
                           check=False)

    def inside(self, number):
        return ("ip", "netns", "exec", self.spaces[number - 1])


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
    with Pair() as pair, tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "node.json")
        with Node("--insecure", f"--json={path}", *busy, prefix=pair.inside(1),
                  bind=(f"--bind-addr=10.78.0.1:{PORT}",)) as node:
            result = load(node, "-n", "200", "-r", "2000", *busy,
                          prefix=pair.inside(2))
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
