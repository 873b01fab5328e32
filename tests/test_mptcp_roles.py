#!/usr/bin/env python3
"""test_mptcp_roles.py - nodes, clients and proxies that speak MPTCP, and what they say when not.

    test_mptcp_roles.py RINGWALK [NAME...]

Where the kernel has no MPTCP, or its switch is off in this network namespace, the roles must refuse
with that reason; the rest is skipped then.

SPDX-License-Identifier: Apache-2.0
"""
import json
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile

from netns import Cable
from ringwalk import BACKENDS, Node, Proxy, Skipped, check_done, load, main, run
from test_sockets import PORT, Told, taken

MPTCP = 262  # IPPROTO_MPTCP of linux/in.h
ON = "--socket.mptcp=on"
SWITCH = "/proc/sys/net/mptcp/enabled"


def need_mptcp():
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, MPTCP).close()
    except OSError as problem:
        raise Skipped(f"no MPTCP: {problem.strerror}") from problem


def told(result, subject):
    """Verdict and effective value of one subject's socket options."""
    report = taken(result, subject)
    return report["verdict"], report["effective"]


def switch_off(net, number):
    """MPTCP, in the network of one machine alone."""
    done = subprocess.run([*net.inside(number), "sh", "-c", f"echo 0 > {SWITCH}"], timeout=20,
                          capture_output=True, check=False)
    if done.returncode:
        raise Skipped(f"no {SWITCH}")


def test_without_mptcp_a_node_does_not_start_and_says_why():
    try:
        need_mptcp()
    except Skipped:
        done = run("node", "--bind-addr=127.0.0.1:0", ON, status=3)
        assert "net.mptcp.enabled is 0" in done.stderr or "has no MPTCP" in done.stderr, done.stderr
    with Cable() as net:
        switch_off(net, 1)
        here, there = net.inside(1), net.inside(2)
        bind = f"--bind-addr={net.host(1)}:{PORT}"
        done = run("node", bind, "--insecure", ON, status=3, prefix=here)
        assert "net.mptcp.enabled is 0 in this network namespace" in done.stderr, done.stderr
        with Told("--insecure", ON, "--allow-degraded", prefix=here, bind=(bind,)) as node:
            result = load(node, "-n", "5", ON, "--allow-degraded", prefix=there)
            assert result["counts"]["done"] == 5, result["counts"]
            said, err = node.finish()
    assert taken(said, "listening socket")["verdict"] == "unsupported", said["tunables"]
    assert "net.mptcp.enabled is 0" in err, err
    assert told(said, "accepted socket") == ("vacuous", "mptcp=off"), said["tunables"]
    assert told(result, "connected socket") == ("ignored", "mptcp=off"), result["tunables"]


def test_every_backend_speaks_it_at_both_ends():
    need_mptcp()
    for backend in BACKENDS:
        with Told(f"--backend={backend}", ON) as node:
            result = load(node, "-n", "20", f"--backend={backend}", ON, "--connections=3")
            assert result["counts"]["done"] == 20, (backend, result["counts"])
            said, _ = node.finish()
        for reports, subject in ((said, "listening socket"), (said, "accepted socket"),
                                 (result, "connecting socket"), (result, "connected socket")):
            assert told(reports, subject) == ("ok", "mptcp=on"), (backend, reports["tunables"])
        assert taken(said, "accepted socket")["count"] == 3, said["tunables"]


def test_no_op_32_a_client_whose_connection_fell_back_to_tcp_says_so():
    need_mptcp()
    with Node() as node:
        done = run("client", f"--to={node.to}", "-n", "5", ON, status=3)
        assert "this connection fell back to TCP" in done.stderr, done.stderr
        result = load(node, "-n", "5", ON, "--allow-degraded")
    assert result["counts"]["done"] == 5, result["counts"]
    assert told(result, "connecting socket") == ("ok", "mptcp=on"), result["tunables"]
    assert told(result, "connected socket") == ("ignored", "mptcp=off"), result["tunables"]


def test_a_node_serves_who_speaks_tcp_alone_and_says_so():
    need_mptcp()
    with Told(ON) as node:
        check_done(node, 5, "-n", "5", "--connections=2")
        check_done(node, 5, "-n", "5", ON)
        said, err = node.finish()
    report = taken(said, "accepted socket")
    assert (report["verdict"], report["count"], report["not_ok"]) == ("vacuous", 3, 2), report
    assert "whoever connected speaks no MPTCP" in err, err


def test_what_is_no_tcp_has_no_use_for_it():
    with tempfile.TemporaryDirectory() as folder:
        for address, what in ((f"unix:{folder}/node", "a unix socket"),
                              ("udp://127.0.0.1:0", "a UDP socket")):
            with Told(ON, bind=(f"--bind-addr={address}",)) as node:
                result = load(node, "-n", "5", ON)
                assert result["counts"]["done"] == 5, result["counts"]
                said, _ = node.finish()
            for report in (*result["tunables"], *said["tunables"]):
                if report["name"] == "socket":
                    assert report["verdict"] == "vacuous" and what in report["why"], report


def test_forwards_between_nodes_speak_it():
    need_mptcp()
    with Told(ON) as other, Told(ON) as node:
        result = load(node, "-n", "10", ON, "--program", f"forward {other.to}; reply; reply")
        assert result["counts"]["done"] == 10, result["counts"]
        said, _ = node.finish()
        said_there, _ = other.finish()
    for subject in ("listening socket", "accepted socket", "connecting socket", "connected socket"):
        assert told(said, subject) == ("ok", "mptcp=on"), said["tunables"]
    assert told(said_there, "accepted socket") == ("ok", "mptcp=on"), said_there["tunables"]


def test_a_forward_that_fell_back_to_tcp_fails_and_is_said():
    need_mptcp()
    with Node() as other, Told(ON) as node:
        result = load(node, "-n", "3", ON, "--program", f"forward {other.to}; reply; reply")
        assert result["counts"]["done"] == 0, result["counts"]
        _, err = node.finish()
    assert "this connection fell back to TCP" in err, err


def test_a_proxy_speaks_it_on_both_of_its_sides():
    need_mptcp()
    for backend in BACKENDS:
        with Told(ON) as node, Proxy(ON, f"--backend={backend}", f"--to={node.to}") as proxy:
            result = load(proxy, "-n", "10", ON)
            assert result["counts"]["done"] == 10, (backend, result["counts"])
            status, _, err = proxy.stop(signal.SIGINT)
            assert (status, err) == (0, ""), (status, err)
            said, _ = node.finish()
        assert told(said, "accepted socket") == ("ok", "mptcp=on"), (backend, said["tunables"])
        assert told(result, "connected socket") == ("ok", "mptcp=on"), result["tunables"]


def test_a_proxy_whose_server_speaks_tcp_alone_says_so():
    need_mptcp()
    with Node() as node:
        with Proxy(ON, f"--to={node.to}") as proxy:
            run("client", f"--to={proxy.to}", "-n", "3", ON)  # reset early, or later
            _, out, err = proxy.stop(signal.SIGINT)
        assert "this connection fell back to TCP" in err, err
        assert "refused by the server 0" not in out and "back: bytes 0 in" in out, out
        with Proxy(ON, "--allow-degraded", f"--to={node.to}") as proxy:
            check_done(proxy, 3, "-n", "3")
            _, _, err = proxy.stop(signal.SIGINT)
        assert "this connection fell back to TCP" in err, err
        assert "whoever connected speaks no MPTCP" in err, err


def test_what_mptcp_sockets_lack_is_refused_before_anything_is_served():
    need_mptcp()
    for more, word in ((("--socket.user-timeout=5s",), "MPTCP sockets lack the option"),
                       (("--threads=2", "--accept-mode=child", "--steer.by=cpu"),
                        "MPTCP sockets take no program")):
        done = run("node", "--bind-addr=127.0.0.1:0", ON, *more, status=3)
        assert word in done.stderr, done.stderr


def test_busy_polling_finds_no_device_behind_mptcp():
    need_mptcp()
    options = (ON, "--socket.busy-poll=50us")
    with Cable() as net, \
            Told("--insecure", *options, prefix=net.inside(1),
                 bind=(f"--bind-addr={net.host(1)}:{PORT}",)) as node:
        result = load(node, "-n", "20", *options, prefix=net.inside(2))
        assert result["counts"]["done"] == 20, result["counts"]
        said, _ = node.finish()
    for report in (taken(said, "accepted socket"), taken(result, "connected socket")):
        assert report["verdict"] == "vacuous", report
        assert "of an MPTCP socket the kernel knows no NAPI device" in report["why"], report


def test_zero_copy_sends_over_mptcp_are_copied():
    need_mptcp()
    try:
        node = Told("--backend=io_uring", ON)
    except AssertionError as problem:
        raise Skipped(f"io_uring: {problem}") from problem
    with node:
        result = load(node, "-n", "20", ON, "--reply=32KiB,zero-copy")
        assert result["counts"]["done"] == 20, result["counts"]
        said, _ = node.finish()
    assert "100 % of zero-copy sends were copied" in taken(said, "worker 0", "zero-copy")["why"]


def test_it_is_a_factor_of_a_sweep():
    need_mptcp()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "mptcp.yaml").write_text(
            "sweep: mptcp\nclient: {rate: 500, duration: 200ms, connections: 2}\nblocks: 3\n"
            "invalid: {repeat: 0}\nfactors:\n  protocol:\n    tcp: {node.socket.mptcp: off}\n"
            "    mptcp: {node.socket.mptcp: on, client.socket.mptcp: on}\n", encoding="utf-8")
        run("sweep", str(path / "mptcp.yaml"), "-o", str(path / "out"), status=(0, 1), timeout=120)
        seen = set()
        for file in sorted((path / "out" / "runs").glob("*/run.json")):
            result = json.loads(file.read_text(encoding="utf-8"))
            seen |= {(report["effective"], report["verdict"]) for report in find_reports(result)}
    assert seen == {("mptcp=off", "ok"), ("mptcp=on", "ok")}, seen


def find_reports(value):
    """Every report on socket options, wherever in a run's JSON."""
    if isinstance(value, dict):
        if value.get("name") == "socket" and "verdict" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from find_reports(item)


if __name__ == "__main__":
    sys.exit(main(globals()))
