#!/usr/bin/env python3
"""test_net.py - nodes on machines of their own: network namespaces that are joined by a bridge.

    test_net.py RINGWALK [NAME...]

Without root everything is skipped, with the reason: netns.py.

SPDX-License-Identifier: Apache-2.0
"""
import json
import signal
import subprocess
import sys
import threading
import time

from netns import Bridge
from ringwalk import BACKENDS, RINGWALK, Node, check_counts, main

PORT = 7891


class Net(Bridge):
    """10.77.0.1, .2 ... and the nodes on them."""

    def node(self, number, *args):
        backend = BACKENDS[number % len(BACKENDS)]  # each another, so that all meet
        return Node("--insecure", "--allow-forward=10.77.0.0/24", f"--backend={backend}", *args,
                    prefix=self.inside(number), bind=(f"--bind-addr={self.host(number)}:{PORT}",))


class Load(threading.Thread):
    """A client on machine 4 against node 1; its result is there after join()."""

    def __init__(self, net, *args):
        super().__init__()
        self.process = subprocess.Popen(
            [*net.inside(4), RINGWALK, "client", "--to", f"10.77.0.1:{PORT}", "--json=-", "-q",
             *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.result = None
        self.start()

    def run(self):
        out, err = self.process.communicate(timeout=90)
        self.result = json.loads(out) if out else {"error": err}

    def counts(self):
        self.join(90)
        assert self.result and "counts" in self.result, self.result
        check_counts(self.result)
        return self.result["counts"]


def forward(*places, **options):
    """-F of a write to all of them, durable on none: 100 us of work and a small answer."""
    words = [f"10.77.0.{i}:{PORT}" for i in places]
    words += [f"{key}={value}" for key, value in options.items()]
    return ["-F", ",".join(words), "-C", "100us", "--rs=64", "--rs=128"]


def test_a_quorum_goes_on_while_replicas_pause_die_and_return():
    with Net(4) as net, net.node(1), net.node(2) as paused:
        killed = net.node(3)
        try:
            load = Load(net, "-r", "300", "--duration=6s", "--drain=30s",
                        *forward(1, 2, 3, nack=2, timeout="300ms", retries=9))
            paused.await_requests(100)
            paused.process.send_signal(signal.SIGSTOP)
            time.sleep(1)
            paused.process.send_signal(signal.SIGCONT)
            before = paused.requests()
            paused.await_requests(before + 100)
            killed.process.kill()
            killed.process.wait(timeout=10)
            time.sleep(1)
            killed.__exit__()
            killed = net.node(3)
            counts = load.counts()
            assert counts["planned"] == 1800, counts
            assert counts["done"] == 1800, counts
            _, out, _ = killed.stop()
            assert "requests " in out and "requests 0," not in out, \
                "the replica that returned got nothing: " + out
        finally:
            killed.__exit__()


def test_without_a_quorum_requests_fail_in_time_and_succeed_again():
    with Net(4) as net, net.node(1), net.node(2) as paused:
        killed = net.node(3)
        try:
            load = Load(net, "-r", "100", "--duration=8s", "--drain=30s",
                        *forward(2, 3, timeout="200ms", retries=1))
            paused.await_requests(50)
            paused.process.send_signal(signal.SIGSTOP)
            killed.process.kill()
            time.sleep(2)
            killed.__exit__()
            killed = net.node(3)
            paused.process.send_signal(signal.SIGCONT)
            counts = load.counts()
            assert counts["planned"] == 800, counts
            assert counts["unanswered"] == 0 and counts["failed"] > 50, counts
            # Two seconds of eight were lost, and a little on both sides.
            assert counts["done"] > 250, counts
        finally:
            killed.__exit__()


def test_a_client_finds_its_node_again_after_it_was_restarted():
    with Net(4) as net:
        node = net.node(1)
        try:
            load = Load(net, "-r", "200", "--duration=8s", "--drain=30s", "--retry-num=300",
                        "--retry-period=100ms", "--rs=64")
            node.await_requests(100)
            node.process.kill()
            node.process.wait(timeout=10)
            time.sleep(0.5)
            node.__exit__()
            node = net.node(1)
            counts = load.counts()
            # It was away for half a second and as long as it takes to start: of 8 s not 4.
            assert counts["planned"] == 1600 and counts["done"] > 800, counts
        finally:
            node.__exit__()


if __name__ == "__main__":
    sys.exit(main(globals()))
