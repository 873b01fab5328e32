#!/usr/bin/env python3
"""test_sockets.py - socket options of nodes and clients: what they say of what the kernel did.

    test_sockets.py RINGWALK [NAME...]

Busy polling needs a device with NAPI: a pair of virtual Ethernet devices of netns.py has it;
without root that is skipped, with the reason.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import pathlib
import signal
import sys
import tempfile

from netns import Cable
from ringwalk import BACKENDS, Node, Proxy, Skipped, check_done, load, main, run

PORT = 7891


def number(path):
    return int(pathlib.Path(path).read_text(encoding="ascii").split()[0])


def taken(result, subject, name="socket"):
    """The report on one subject."""
    found = [t for t in result["tunables"] if (t["subject"], t["name"]) == (subject, name)]
    assert len(found) == 1, (subject, name, result["tunables"])
    return found[0]


class Told:
    """A node that leaves its JSON behind: `with Told(args) as node`, then node.finish()."""

    def __init__(self, *args, **how):
        self.file = tempfile.NamedTemporaryFile(suffix=".json")
        self.node = Node(*args, f"--json={self.file.name}", **how)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.node.__exit__()
        self.file.close()

    @property
    def to(self):
        return self.node.to

    def finish(self):
        """What it says at its end: JSON, and the lines on standard error."""
        status, _, err = self.node.stop(signal.SIGINT)
        assert status == 0, err
        return json.loads(pathlib.Path(self.file.name).read_text(encoding="utf-8")), err


def test_no_op_20_a_backlog_that_is_cut_is_named():
    limit = number("/proc/sys/net/core/somaxconn")
    asked = limit + 1000
    done = run("node", "--bind-addr=127.0.0.1:0", f"--backlog-length={asked}", status=3)
    assert f"backlog cut from {asked} to net.core.somaxconn, {limit}" in done.stderr, done.stderr
    with Told(f"--backlog-length={asked}", "--allow-degraded") as node:
        report = taken(node.finish()[0], "listening socket", "backlog-length")
    assert report["verdict"] == "clamped", report
    assert (report["requested"], report["effective"]) == (str(asked), str(limit)), report


def test_no_op_24_zero_copy_sends_over_loopback_are_copied():
    if "io_uring" not in run("info", "backends").stdout:
        raise Skipped("no io_uring here")
    try:
        node = Told("--backend=io_uring")
    except AssertionError as problem:
        raise Skipped(f"io_uring: {problem}") from problem
    with node:
        result = load(node, "-n", "20", "--reply=32KiB,zero-copy")
        assert result["counts"]["done"] == 20, result["counts"]
        said, _ = node.finish()
    report = taken(said, "worker 0", "zero-copy")
    assert report["verdict"] == "vacuous", report
    assert "100 % of zero-copy sends were copied" in report["why"], report


def test_every_backend_gives_accepted_sockets_what_they_do_not_inherit():
    for backend in BACKENDS:
        with Told(f"--backend={backend}", "--socket.receive-buffer=64KiB",
                  "--socket.quickack=off") as node:
            result = load(node, "-n", "20", f"--backend={backend}", "--socket.syncnt=3",
                          "--socket.user-timeout=5s")
            assert result["counts"]["done"] == 20, result["counts"]
            said, _ = node.finish()
        assert taken(said, "listening socket")["effective"] == "receive-buffer=64KiB"
        accepted = taken(said, "accepted socket")
        assert accepted["effective"] == "receive-buffer=64KiB quickack=off", accepted
        assert (accepted["verdict"], accepted["count"]) == ("ok", 1), accepted
        assert taken(result, "connecting socket")["effective"] == "user-timeout=5s syncnt=3"
        assert taken(result, "connected socket")["effective"] == "user-timeout=5s"


def test_a_connection_that_is_not_as_asked_ends_alone_and_is_said():
    with Told("--socket.timestamping=hardware") as node:
        result = load(node, "-n", "5", status=(0, 1))
        assert result["counts"]["done"] == 0, result["counts"]
        said, err = node.finish()
    assert "lo cannot stamp packets" in err and "connection dropped" in err, err
    assert said["stats"]["accept_errors"] >= 1, said["stats"]
    with Told("--socket.timestamping=hardware", "--allow-degraded") as node:
        check_done(node, 5, "-n", "5")
        assert taken(node.finish()[0], "accepted socket")["verdict"] == "ignored"


def test_a_client_whose_connection_is_not_as_asked_says_why():
    with Node() as node:
        done = run("client", f"--to={node.to}", "-n", "5", "--socket.timestamping=hardware",
                   status=3)
    assert "lo cannot stamp packets" in done.stderr, done.stderr


def test_a_proxy_drops_what_it_accepts_and_is_not_as_asked():
    with Node() as node:
        with Proxy("--socket.timestamping=hardware", f"--to={node.to}") as proxy:
            run("client", f"--to={proxy.to}", "-n", "5")  # dropped early, or later
            _, out, err = proxy.stop(signal.SIGINT)
        assert "accept: accepted socket: socket.timestamping: lo cannot stamp packets" in err, err
        assert "connection dropped" in err and "connections accepted 0 " in out, (out, err)
        with Proxy("--socket.timestamping=hardware", "--allow-degraded",
                   f"--to={node.to}") as proxy:
            check_done(proxy, 5, "-n", "5")


def test_a_proxy_gives_its_connections_to_the_server_what_is_asked_for():
    with Node() as node, Proxy("--socket.congestion=nosuchthing", "--allow-degraded",
                               f"--to={node.to}") as proxy:
        check_done(proxy, 5, "-n", "5")
        _, _, err = proxy.stop(signal.SIGINT)
    for subject in ("listening", "accepted", "connecting", "connected"):
        assert f"{subject} socket: socket unsupported, and goes on all the same" in err, err


def test_options_that_mean_nothing_to_udp_and_unix_are_said_to():
    with tempfile.TemporaryDirectory() as folder:
        for address, what in ((f"unix:{folder}/node", "a unix socket"),
                              ("udp://127.0.0.1:0", "a UDP socket")):
            with Told("--socket.quickack=on", bind=(f"--bind-addr={address}",)) as node:
                result = load(node, "-n", "5", "--socket.quickack=on")
                assert result["counts"]["done"] == 5, result["counts"]
                reports = [t for t in [*result["tunables"], *node.finish()[0]["tunables"]]
                           if t["name"] == "socket"]
            assert reports, result["tunables"]
            for report in reports:
                assert report["verdict"] == "vacuous", report
                assert what in report["why"], report


def test_connections_are_steered_to_the_worker_of_their_cpu():
    cpus = sorted(os.sched_getaffinity(0))[:2]
    if len(cpus) < 2:
        raise Skipped("one CPU")
    with Told("--threads=2", f"--pin.cpus={cpus[0]},{cpus[1]}", "--steer.by=cpu") as node:
        for cpu in cpus:
            check_done(node, 8, "-n", "8", "--connections=8", f"--pin.cpus={cpu}")
        said, _ = node.finish()
    assert "tried: 32 of 32 connections" in taken(said, "shared port", "steer")["why"]
    report = taken(said, "accepted socket", "steer")
    assert (report["count"], report["not_ok"]) == (16, 0), report


def test_no_delay_and_udp_buffers_are_read_back():
    with Told("--no-delay=no") as node:
        result = load(node, "-n", "5", "--no-delay=yes")
        said, _ = node.finish()
    assert taken(said, "listening socket", "no-delay")["effective"] == "no"
    assert taken(result, "connecting socket", "no-delay")["effective"] == "yes"
    with Told("--udp.receive-buffer=64KiB", bind=("--bind-addr=udp://127.0.0.1:0",)) as node:
        result = load(node, "-n", "5", "--udp.send-buffer=32KiB")
        said, _ = node.finish()
    assert taken(said, "datagram socket", "udp")["effective"] == "receive-buffer=64KiB"
    assert taken(result, "datagram socket", "udp")["effective"] == "send-buffer=32KiB"


def test_steering_without_sockets_to_choose_from_is_vacuous():
    with Told("--steer.by=cpu") as node:
        report = taken(node.finish()[0], "sockets", "steer")
    assert report["verdict"] == "vacuous", report


def test_no_op_23_busy_polling_works_through_napi_and_does_nothing_on_loopback():
    with Told("--socket.busy-poll=50us") as node:
        result = load(node, "-n", "5", "--socket.busy-poll=50us")
        said, _ = node.finish()
    for report in (taken(said, "accepted socket"), taken(result, "connected socket")):
        assert report["verdict"] == "vacuous", report
        assert "no NAPI device on this path (lo)" in report["why"], report
    with Cable() as net, \
            Told("--insecure", "--socket.busy-poll=50us", prefix=net.inside(1),
                 bind=(f"--bind-addr={net.host(1)}:{PORT}",)) as node:
        result = load(node, "-n", "20", "--socket.busy-poll=50us", prefix=net.inside(2))
        assert result["counts"]["done"] == 20, result["counts"]
        said, _ = node.finish()
    for report in (taken(said, "accepted socket"), taken(result, "connected socket")):
        assert (report["verdict"], report["effective"]) == ("ok", "busy-poll=50us"), report


if __name__ == "__main__":
    sys.exit(main(globals()))
