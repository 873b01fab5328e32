#!/usr/bin/env python3
"""test_distwalk_node.py - every form of DistWalk's node and proxy is taken and does what it says.

    test_distwalk_node.py RINGWALK [NAME...]

As test_distwalk.py, which has the client: rows of options and what must be seen of them.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile

import certificates
from forms import ask, check_each, equal, need_udp
from ringwalk import Node, Proxy, Skipped, load, main, run

FOLDER = tempfile.TemporaryDirectory()
CPUS = sorted(os.sched_getaffinity(0))


class Served:
    """A node that has answered a client and ended: its report and what can be asked of it."""

    def __init__(self, form, request="-C 10"):
        path = f"{FOLDER.name}/node.json"
        started = os.times()
        with Node(*shlex.split(form), f"--json={path}") as node:
            self.answered = ask(node.to, request)
            self.process_threads = threads_of(node.process.pid)
            self.cpu_s = cpu_s_of(node.process.pid)
            status, self.out, self.err = node.stop()
            equal(status, 0)
        self.took_s = os.times().elapsed - started.elapsed
        self.report = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        equal(self.answered.result["counts"]["done"], 2)

    def setting(self, key):
        return self.report["settings"][key]["value"]

    def effective(self, name):
        """{thread: what the kernel has} of a tunable."""
        return {t["subject"]: t["effective"] for t in self.report["tunables"] if t["name"] == name}


def threads_of(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def cpu_s_of(pid):
    """User and system time so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def sets(key, value):
    return lambda served: equal(served.setting(key), value)


def workers(count):
    return lambda served: equal(len(re.findall(r"^worker \d+:", served.out, re.MULTILINE)), count)


def pinned(*cpus):
    """Worker i runs on cpus[i]."""
    return lambda served: equal(served.effective("pin"), {
        f"worker {i}": f"cpus={cpu} spread=all" for i, cpu in enumerate(cpus)})


def listens(backlog):
    return lambda served: equal(served.setting("backlog-length"), str(backlog))


# §1.3 of the reference. Scheduling policies and devices are below.
NODE = [
    ("-a child --nt 2", sets("accept-mode", "child")),
    ("-a shared --nt 2", sets("accept-mode", "shared")),
    ("--accept-mode=parent --nt 2", sets("accept-mode", "parent")),
    ("-p epoll", sets("backend", "epoll")),
    ("-p poll", sets("backend", "poll")),
    ("--poll-mode select", sets("backend", "select")),
    ("--bl 5", listens(5)),
    ("--backlog-length=7", listens(7)),
    ("--nt 3", workers(3)),
    ("--num-threads=2", workers(2)),
    ("--num-t 2", workers(2)),
    (f"-c {CPUS[-1]}", pinned(CPUS[-1])),
    (f"-c {CPUS[-1]},{CPUS[0]} --nt 2", pinned(CPUS[-1], CPUS[0])),
    (f"--thread-affinity={CPUS[0]} --nt 2", pinned(CPUS[0], CPUS[0])),
    (f"-c {CPUS[0]}-{CPUS[0]}:1", pinned(CPUS[0])),
    ("--thread-affinity auto", pinned(CPUS[0])),
    ("-c auto --nt 3", pinned(*(CPUS * 3)[:3])),
    ("--nd 0", sets("no-delay", "no")),
    ("--nd=1", sets("no-delay", "yes")),
    ("--no-delay 1", sets("no-delay", "yes")),
    ("--no-defrag", sets("no-defrag", "yes")),
    ("--ws", sets("epoll.busy-wait", "1s")),
    ("--wait-spin -p poll", sets("poll.busy-wait", "1s")),
    ("--ws -p select", sets("select.busy-wait", "1s")),
    ("--ws", lambda served: equal(served.setting("wait-spin-storage"), "no")),
    ("--wss", sets("wait-spin-storage", "yes")),
    ("--wait-spin-storage", sets("wait-spin-storage", "yes")),
    ("--loops-per-usec -1", sets("loops-per-usec", "-1")),
    ("--loops-per-usec=0", sets("loops-per-usec", "0")),
    ("--loops-per-usec 1000", sets("loops-per-usec", "1k")),
    ("--loops 1.5", sets("loops-per-usec", "1.5")),
]


def test_what_a_node_is_told_it_does():
    check_each(NODE, lambda form, effect: effect(Served(form)))


def test_spinning_burns_what_sleeping_does_not():
    request = "-n 2 -r 0.5 -C 10"  # two seconds, of which a busy machine gives it a tenth
    idle, busy = Served("", request), Served("--ws", request)
    assert busy.cpu_s > idle.cpu_s + 0.03, (idle.cpu_s, busy.cpu_s)


def test_computing_goes_by_loops_when_told():
    """Of a loop in 1000 us, 50 ms take no time; of 100,000 loops a us, 100 us take many ms."""
    with Node("--loops-per-usec=0.001") as few, Node("--loops-per-usec=100000") as many:
        quick = ask(few.to, "-n 20 -C 50ms").rows
        slow = ask(many.to, "-C 100us").rows
    assert min(row[1] for row in quick) < 50000, quick
    assert min(row[1] for row in slow) > 2000, slow


POLICIES = [
    ("other", "policy=other"),
    ("other:5", "policy=other nice=5"),
    ("rr:10", "policy=rr priority=10"),
    ("fifo:11", "policy=fifo priority=11"),
    ("dl:2000,10000", "policy=deadline runtime=2ms deadline=10ms"),
]


def test_scheduling_policies_are_applied_to_workers():
    denied = []

    def check(policy, wanted):
        path = f"{FOLDER.name}/policy.json"
        try:
            with Node("--sched-policy", policy, f"--json={path}") as node:
                equal(ask(node.to, "-C 1").result["counts"]["done"], 2)
                node.stop()
        except AssertionError as problem:
            if not re.search("not permitted|CAP_SYS_NICE|allowed|bandwidth|busy", str(problem)):
                raise
            denied.append(policy)
            return
        report = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))["tunables"]
        report = [t for t in report if t["name"] == "sched"]
        assert report[0]["subject"] == "worker 0" and report[0]["verdict"] in ("ok", "vacuous"), \
            report
        assert set(wanted.split()) <= set(report[0]["effective"].split()), report
    check_each(POLICIES, check)
    if denied:
        raise Skipped(f"{', '.join(denied)} may not be set here; the others passed")


# Devices: options, a client's form, and the size of the file that must be there afterwards.
DEVICES = [
    ("-s {f}", "-S 4k", 16 << 20),
    ("-s file={f}", "-S 4k -L 4k", 16 << 20),
    ("--storage {f},size=2m", "-S 4k", 2000000),
    ("--storage={f},size=1m,sync=5", "-S 4k", 1000000),
    ("-s {f},size=4096000,odirect", "-S 100", 4096000),
    ("-s {f},size=1m,wait-spin", "-S 4k", 1000000),
    ("-s {f} -m 3000000", "-S 1k", 3000000),
    ("-s {f} --max-storage-size=2000000", "-S 1k", 2000000),
    ("-s {f} -m 1000000 --sync 5", "-S 1k", 1000000),
    ("-s {f} -m 1000000 --sync 0", "-S 1k,nosync", 1000000),
    ("-s {f} -m 4096000 --odirect", "-S 1k", 4096000),
    ("-s {f} -m 1000000 --wss", "-S 1k", 1000000),
    ("-s {f} -m 20m", "-S offset=[17000000],size=[1000]", 17001000),
    ("-s {f} -m 1000000", "-n 40 -r 1000 -S 30k", 1000000),
]


def test_devices_are_what_their_options_say():
    def check(form, request, size):
        path = pathlib.Path(FOLDER.name, "device")
        path.unlink(missing_ok=True)
        served_size = None
        with Node(*shlex.split(form.format(f=path))) as node:
            got = ask(node.to, request)
            equal(got.result["counts"]["done"], got.result["counts"]["planned"])
            served_size = path.stat().st_size
        equal(served_size, size)
    check_each(DEVICES, check)


def test_stores_are_synced_as_they_ask():
    def syncs(*args):
        path = f"{FOLDER.name}/syncs.json"
        with Node("-s", f"{FOLDER.name}/synced", f"--json={path}", *args[:-1]) as node:
            ask(node.to, args[-1])
            node.stop()
        return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))["storage"][0]["syncs"]
    equal(syncs("-S 1k,nosync"), 0)
    for store in ("-S 1k", "-S size=1k,sync"):
        assert syncs(store) >= 1, store
    # Periodically: sync stores wait for the next one, the others go on, however far it is.
    with Node("-s", f"{FOLDER.name}/synced", "--sync", "300") as node:
        rows = ask(node.to, "-n 3 -r 10 -S 1k").rows
        assert max(row[1] for row in rows) > 50000, rows
        equal(node.stop()[0], 0)
    with Node("-s", f"{FOLDER.name}/synced", "--sync", "300000") as node:
        equal(ask(node.to, "-S 1k,nosync").result["counts"]["done"], 2)
        equal(ask(node.to, "-S 1k --drain=500ms").result["counts"]["done"], 0)


def test_count_makes_several_of_a_device():
    for name, made in (("many%d", ["many0", "many1", "many2"]),
                       ("some", ["some_0", "some_1", "some_2"])):
        with tempfile.TemporaryDirectory() as folder:
            with Node("-s", f"{folder}/{name},count=3,size=1m") as node:
                equal(ask(node.to, "-S 1k,dev=2").result["counts"]["done"], 2)
                equal(sorted(os.listdir(folder)), made)


def test_a_node_without_a_device_has_one_at_home():
    with tempfile.TemporaryDirectory() as home, Node(env={**os.environ, "HOME": home}) as node:
        equal(ask(node.to, "-S 1k").result["counts"]["done"], 2)
        equal(os.listdir(home), [".ringwalk_store_0"])


def test_a_node_listens_on_many_addresses():
    bind = [f"-b{a}" for a in ("127.0.0.1:0", "tcp://127.0.0.1:0", "tcp::0", ":0", "localhost:0")]
    with Node(bind=bind) as node:
        equal(len(node.addresses), 5)
        for address in node.addresses:
            equal(ask(address, "-C 1").result["counts"]["done"], 2)


def test_udp_and_tcp_may_be_mixed():
    need_udp()
    with Node(bind=("-b", "udp://127.0.0.1:0", "-b", "tcp://127.0.0.1:0")) as node:
        for address in (f"udp://127.0.0.1:{node.addresses[0].rsplit(':', 1)[1]}",
                        node.addresses[1]):
            equal(ask(address, "-C 1").result["counts"]["done"], 2)


def test_signals_are_distwalks():
    with Node("--nt", "2") as node:
        with socket.create_connection(("127.0.0.1", node.port), timeout=10):
            load(node, "-n", "7", "-r", "1000")
            lines = node.until(lambda lines: "open 1," in lines[2])
        assert [line.split(":")[0] for line in lines] == ["worker 0", "worker 1", "all"], lines
        assert "requests 7," in lines[2] and "open 1," in lines[2], lines
        equal(node.stop(signal.SIGINT)[0], 0)
    with Node() as node:
        equal(node.stop(signal.SIGTERM)[0], 0)


def test_what_is_not_there_is_a_sentence():
    for args, word in ((["-b", "dpdk://eth0"], "dpdk is not served"),
                       (["--accept", "shared"], "could be any of"),
                       (["--sched-policy", "rr"], "rr:PRIORITY"),
                       (["--sched-policy", "otter"], "is no policy"),
                       (["-c", "0-"], "not a list of CPUs"),
                       (["--loops-per-usec=-2"], "negative")):
        done = run("node", *args, status=2)
        assert word in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


def test_help_and_usage_of_node_and_proxy():
    for role, name in (("node", "--thread-affinity"), ("proxy", "--delay-back")):
        for option in ("-h", "--help", "--usage"):
            assert name in run(role, option, status=0).stdout, (role, option)


# §1.9: certificates, with DistWalk's names. What the client is given, and what becomes of it.
TLS = [
    ("", "", True),
    ("", "--ssl-verify --ssl-ca={cert}", True),
    ("", "--ssl-verify --ssl-ca-path={hashed}", True),
    ("", "--ssl-verify --ssl-ca={other}", False),
    ("--ssl-ciphers=ECDHE-ECDSA-AES128-GCM-SHA256", "--tls-max-version=1.2", True),
    ("", "--ssl-ciphers=ECDHE-ECDSA-AES256-GCM-SHA384 --tls-max-version=1.2", True),
    ("--ssl-verify --ssl-ca={other}", "--ssl-cert={other} --ssl-key={other_key}", True),
    ("--ssl-verify --ssl-ca={other}", "", False),
]


def tls_names():
    """Paths of two certificates and of a folder with the first as OpenSSL looks for it."""
    cert, key = certificates.make(FOLDER.name, "node")
    other, other_key = certificates.make(FOLDER.name, "other")
    hashed = pathlib.Path(FOLDER.name, "hashed")
    hashed.mkdir(exist_ok=True)
    done = subprocess.run(["openssl", "x509", "-hash", "-noout", "-in", cert], check=True,
                          capture_output=True, text=True, timeout=20)
    pathlib.Path(hashed, f"{done.stdout.strip()}.0").write_bytes(pathlib.Path(cert).read_bytes())
    return {"cert": cert, "key": key, "other": other, "other_key": other_key, "hashed": hashed}


def test_tls_options_have_distwalks_names():
    names = tls_names()

    def check(node_form, client_form, is_fine):
        args = ["--ssl-cert", names["cert"], "--ssl-key", names["key"],
                *shlex.split(node_form.format(**names))]
        with Node(*args, bind=("-b", "ssl://127.0.0.1:0")) as node:
            done = run("client", "--to", f"ssl://127.0.0.1:{node.port}", "-n", "2", "-r", "100",
                       "-C", "10", "--json=-", "-q", "--drain=20s",
                       *shlex.split(client_form.format(**names)))
            answered = json.loads(done.stdout)["counts"]["done"] if done.stdout else 0
            equal(answered, 2 if is_fine else 0)
            assert is_fine or done.returncode in (1, 3), done.returncode
    check_each([(node or client or "no options", node, client, is_fine)
                for node, client, is_fine in TLS], lambda _, *row: check(*row))


def test_forwards_go_over_tls():
    names = tls_names()
    with Node("--ssl-cert", names["cert"], "--ssl-key", names["key"],
              bind=("-b", "ssl://127.0.0.1:0")) as far, Node() as near:
        got = ask(near.to, f"-F ssl://127.0.0.1:{far.port},timeout=2s -C 1ms")
        status, _, said = near.stop()
        if got.result["counts"]["done"] == 0 and "tls" in said.lower():
            raise Skipped(f"forwards do not speak TLS in this build: {said.strip()[:120]}")
        equal((status, got.result["counts"]["done"]), (0, 2))


# §1.8: the least that a request takes, and the pieces that reach the server.
PROXIES = [
    ("--to {to} -d 30", 30000, None),
    ("--to {to} --delay 30", 30000, None),
    ("--to {to} --delay=30ms", 30000, None),
    ("--to {to} -f 100", 0, 100),
    ("--to tcp://{to} --frag=100 -d 5", 5000, 100),
]


def test_the_proxy_is_told_as_dw_proxy_was():
    with Node() as node:
        def check(form, least_us, piece):
            for bind in ("-b127.0.0.1:0", "--bind=127.0.0.1:0"):
                with Proxy(*shlex.split(form.format(to=node.to)), bind=(bind,)) as proxy:
                    got = ask(proxy.to, "-n 3 -C 10")
                    assert min(row[1] for row in got.rows) >= least_us, got.rows
                    if piece:
                        equal(smallest_piece(form), piece)
        check_each(PROXIES, check)


def smallest_piece(form):
    """Of 1000 bytes sent through a proxy with these options; who reads late finds several."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with Proxy(*shlex.split(form.format(to=f"127.0.0.1:{port}")), "--frag-gap=50ms") as proxy:
            with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as client:
                client.sendall(bytes(1000))
                upstream, _ = server.accept()
                upstream.settimeout(10)
                pieces = []
                while sum(pieces) < 1000:
                    pieces.append(len(upstream.recv(65536)))
                    assert pieces[-1], pieces
                upstream.close()
    return min(pieces)


def test_delays_do_not_add_up_and_have_a_way_back():
    """DistWalk's blocked the flow and delayed one way only; here requests pass each other."""
    with Node() as node, Proxy("--to", node.to, "-d", "50", "--delay-back=20ms") as proxy:
        got = ask(proxy.to, "-n 60 -p 10ms")
        assert all(70000 <= row[1] for row in got.rows), got.rows
        # In line, with 50 ms each, the median would be 70 ms + 30 * 40 ms.
        assert sorted(row[1] for row in got.rows)[30] < 700000, got.rows


if __name__ == "__main__":
    os.chdir(FOLDER.name)
    sys.exit(main(globals()))
