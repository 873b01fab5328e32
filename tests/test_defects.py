#!/usr/bin/env python3
"""test_defects.py - what breaks DistWalk must not break Ringwalk: one test per defect known.

    test_defects.py RINGWALK [NAME...]

The numbers are those of the list the project began with: crashes and hangs in normal use (D1 to
D37), what a hostile peer can do, and figures that mislead. Each test does what a user did when the
defect showed. Those that need the inside (races, draws) stand in unit tests and under the
sanitizers; the list at the end of docs/distwalk.md says where.

SPDX-License-Identifier: Apache-2.0
"""
import csv
import json
import os
import pathlib
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import certificates
from ringwalk import RINGWALK, Node, Proxy, check_counts, load, main, nobody, patient, run

REPLY = 3
HEAD = struct.Struct("<IBBBBQII")


def request(body, ident=1, length=None, hops=8):
    """A request of the wire format with these operations."""
    return HEAD.pack(length or HEAD.size + len(body), 2, 1, hops, 0, ident, len(body), 0) + body


def reply_operation(size):
    return struct.pack("<BBHII", REPLY, 0, 12, size, 0)


def is_answered(node, ident=7):
    """One request on a connection of its own."""
    with socket.create_connection(("127.0.0.1", node.port), timeout=10) as peer:
        peer.sendall(request(reply_operation(64), ident))
        return struct.unpack_from("<Q", receive(peer, 64), 8)[0] == ident


def receive(peer, count):
    data = b""
    while len(data) < count:
        piece = peer.recv(count - len(data))
        assert piece, f"closed after {len(data)} of {count} bytes"
        data += piece
    return data


def client(node, *args, status=(0, 1), **how):
    return run("client", "--to", node.to, *patient(args), status=status, **how)


def rows_of(text):
    """(t, elapsed or None, request, thread, session) of DistWalk's rows, in us."""
    found = re.findall(r"^t: (\d+) us, elapsed: (\d+|-) us, req_id: (\d+), thr_id: (\d+), "
                       r"sess_id: (\d+)$", text, re.MULTILINE)
    return [(int(t), None if e == "-" else int(e), int(r), int(h), int(s))
            for t, e, r, h, s in found]


class Relay:
    """A relay to a port that keeps what it saw, for one connection."""

    def __init__(self, port):
        self.seen = b""
        self.upstream = port
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def __enter__(self):
        self.thread = threading.Thread(target=self.relay, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.thread.join(timeout=5)

    def relay(self):
        near, _ = self.socket.accept()
        with near, socket.create_connection(("127.0.0.1", self.upstream)) as far:
            other = {near: far, far: near}
            while True:
                for ready in select.select([near, far], [], [], 10)[0]:
                    try:
                        data = ready.recv(65536)
                    except ConnectionResetError:
                        return
                    if not data:
                        return
                    self.seen += data
                    other[ready].sendall(data)


def test_d01_a_client_that_is_killed_leaves_the_node_alive():
    with Node() as node:
        for _ in range(3):
            before = node.requests()
            with subprocess.Popen([RINGWALK, "client", "--to", node.to, "-n", "2000", "-p",
                                   "200us", "-C", "300us"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) as killed:
                node.await_requests(before + 100)
                killed.kill()
            assert node.is_alive() and is_answered(node)


def test_d02_more_than_a_socket_takes_is_answered_and_counted():
    with Node() as node:
        # So many are under way at once: an open loop gives up what it could not send in time.
        result = load(node, "-n", "60000", "--outstanding=20000")
        check_counts(result)
        assert result["counts"]["done"] == 60000, result["counts"]
        assert node.is_alive()


def test_d03_a_peer_that_reads_late_gets_everything():
    with Node() as node, socket.create_connection(("127.0.0.1", node.port), timeout=20) as peer:
        peer.sendall(b"".join(request(reply_operation(65536), i) for i in range(200)))
        time.sleep(1)
        for i in range(200):
            assert struct.unpack_from("<Q", receive(peer, 65536), 8)[0] == i
        assert is_answered(node)


def test_d04_a_reply_of_many_megabytes_arrives_whole():
    with Node() as node:
        for size in ("8m", "16m"):
            assert load(node, "-n", "1", f"--rs={size}")["counts"]["done"] == 1, size


def test_d05_a_session_may_receive_more_than_16_mib():
    with Node() as node:
        counts = load(node, "-n", "40000", "--outstanding=100")["counts"]
        assert counts["done"] == 40000, counts


def test_d06_no_defrag_changes_nothing():
    with Node("--no-defrag") as node:
        counts = load(node, "-n", "20000", "--outstanding=100")["counts"]
        assert counts["done"] == 20000, counts


def test_d07_a_node_may_see_more_than_8192_connections_in_its_life():
    with Node("--bl", "4096") as node:
        for _ in range(8250):
            socket.create_connection(("127.0.0.1", node.port), timeout=10).close()
        assert is_answered(node)


def test_d08_no_descriptors_left_is_no_reason_to_die():
    with Node(prefix=("bash", "-c", 'ulimit -n 40; exec "$@"', "-")) as node:
        peers = [socket.create_connection(("127.0.0.1", node.port), timeout=10)
                 for _ in range(60)]
        time.sleep(0.3)
        assert node.is_alive()
        for peer in peers:
            peer.close()
        assert is_answered(node)


def test_d09_a_forward_to_nobody_is_an_error_and_the_rest_goes_on():
    with Node() as node, nobody() as port:
        done = load(node, "-n", "3", "-r", "100", "-F", f"127.0.0.1:{port}", "-C", "10us",
                    "-R", "-C", "5us", "-R")
        assert done["counts"]["failed_by_status"]["error"] == 3, done["counts"]
        assert is_answered(node)


def test_d10_no_connection_starves_in_shared_mode():
    with Node("-a", "shared", "--nt", "4") as node:
        peers = [socket.create_connection(("127.0.0.1", node.port), timeout=10)
                 for _ in range(100)]
        for _ in range(2):
            for i, peer in enumerate(peers):
                peer.sendall(request(reply_operation(64), i))
            for i, peer in enumerate(peers):
                assert struct.unpack_from("<Q", receive(peer, 64), 8)[0] == i
        for peer in peers:
            peer.close()


def test_d11_a_forwarded_program_may_be_long():
    with Node() as far, Node() as near:
        result = load(near, "-n", "2", "-r", "100", "-F", far.to, *["-C", "1us"] * 70, "-R")
        assert result["counts"]["done"] == 2, result["counts"]


def test_d12_branches_are_all_waited_for():
    with Node() as one, Node() as two, Node() as near:
        done = client(near, "-n", "1", "-F", f"{one.to},branch", "-C", "1ms", "-R", "-F",
                      f"{two.to},branch", "-C", "200ms", "-R", "--rows", "-q")
        assert rows_of(done.stdout)[0][1] >= 200000, done.stdout


def test_d13_commas_bound_a_law_as_colons_do():
    with Node() as node:
        for law in ("exp:1000,min=900,max=2000", "exp:1000:min=900:max=2000"):
            rows = rows_of(client(node, "-n", "50", "-r", "300", "-C", law, "--rows",
                                  "-q").stdout)
            assert len(rows) == 50 and min(r[1] for r in rows) >= 900, (law, rows)
        # Bounds that hardly anything lies within end, too: this one spins for ever in DistWalk.
        rows = rows_of(client(node, "-C", "exp:10:min=20000", "-n", "1", "--rows", "-q").stdout)
        assert rows[0][1] >= 20000, rows


def test_d14_a_udp_forward_to_nobody_is_no_success():
    with Node() as node, nobody(socket.SOCK_DGRAM) as port:
        done = load(node, "-n", "3", "-r", "100", "-F",
                    f"udp://127.0.0.1:{port},timeout=200ms", "-C", "10us", "-R")
        assert done["counts"]["done"] == 0 and done["counts"]["failed"] == 3, done["counts"]


def test_d15_n_auto_adds_up_the_steps():
    with Node() as node:
        result = load(node, "-r", "gseq:min=100:max=1000:step=10", "--rss", "1", "-n", "auto")
        assert result["counts"]["planned"] == 1100, result["counts"]


def test_d16_every_thread_climbs_its_own_ramp():
    with Node() as node, tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "records.csv")
        client(node, "-r", "aseq:min=10:max=40:step=10", "--rss", "1", "--nt", "2", "-n", "100",
               f"--records={path}", "-q")
        with open(path, encoding="utf-8") as records:
            rows = list(csv.DictReader(records))
    for thread in ("0", "1"):
        seconds = [0, 0, 0, 0, 0]
        for row in rows:
            if row["thread"] == thread:  # when it was to be sent: a busy machine sends late
                seconds[min(4, int(row["intended_ns"]) // 1000000000)] += 1
        assert all(abs(got - want) <= 1 for got, want in zip(seconds, (10, 20, 30, 40))), \
            (thread, seconds)


def test_d18_sessions_print_every_row_and_begin_at_zero():
    with Node() as node:
        # A schedule would not wait for the sessions to be opened after each other.
        rows = rows_of(client(node, "-n", "1000", "--ns", "10", "--outstanding=16", "--pso",
                              "-q").stdout)
        assert sorted(r[2] for r in rows) == list(range(1000)), len(rows)
        assert {r[4] for r in rows} == set(range(10))


def test_d19_what_does_not_fit_is_refused():
    with Node() as node:
        small = client(node, "-n", "1", "--ps", "24", "-C", "1us", "-C", "1us", status=2)
        assert "at least" in small.stderr, small.stderr
        assert "24" in client(node, "-n", "1", "--rs=4", status=2).stderr


def test_d20_sendfile_without_a_size_has_the_default_size():
    with tempfile.TemporaryDirectory() as folder:
        with Node("--storage", f"{folder}/store,size=1m") as node:
            result = load(node, "-n", "3", "-r", "100", "--rs=sendfile")
            assert result["counts"]["done"] == 3, result["counts"]


def stored(folder, name, *args, size):
    """Runs a client with args against a node with a device; the device's file afterwards."""
    path = pathlib.Path(folder, name)
    with Node("--storage", f"{path},size={size}", "--max-store=1GiB") as node:
        result = load(node, *args)
        assert result["counts"]["done"] == result["counts"]["planned"], result["counts"]
    return path


def data_ranges(path):
    """Where the file is not a hole."""
    ranges, end = [], 0
    with open(path, "rb") as file:
        while True:
            try:
                start = os.lseek(file.fileno(), end, os.SEEK_DATA)
            except OSError:
                return ranges
            end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            ranges.append((start, end))


def test_d22_an_offset_beyond_32_bits_stays_what_it_is():
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        path = stored(folder, "wide", "-n", "1", "-S", "offset=[5000000000],size=[4096]",
                      size="6g")
        assert path.stat().st_size >= 5000004096, path.stat()


def test_d23_a_store_larger_than_its_device_is_refused():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "small")
        with Node("-m", "1000000", "--storage", str(path)) as node:
            result = load(node, "-n", "1", "-S", "300m")
            assert result["counts"]["done"] == 0, result["counts"]
            assert result["counts"]["failed_by_status"]["refused"] == 1, result["counts"]
            assert path.stat().st_size <= 20000000, path.stat()
            assert is_answered(node)


def test_d24_150_operations_are_150_operations():
    with Node() as node:
        done = client(node, "-n", "1", *["-C", "100us"] * 150, "--ps", "4k", "--rows", "-q")
        assert rows_of(done.stdout)[0][1] >= 15000, done.stdout


def test_d25_the_same_target_twice_counts_twice():
    with Node() as far, Node() as near:
        result = load(near, "-n", "3", "-r", "100", "-F", f"{far.to},{far.to},timeout=500ms",
                      "-C", "10us", "-R")
        assert result["counts"]["done"] == 3, result["counts"]


def test_d27_an_unknown_key_of_a_device_is_refused():
    done = run("node", "--storage", "file=/tmp/ringwalk-d27.dat,siez=10", status=2)
    assert "siez" in done.stderr and "size" in done.stderr, done.stderr
    assert not os.path.exists("/tmp/ringwalk-d27.dat,siez=10")


def test_d28_a_client_ends_when_it_is_told_to_and_when_nobody_answers():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        to = f"127.0.0.1:{silent.getsockname()[1]}"
        result = run("client", "--to", to, "-n", "2", "-r", "100", "--drain=300ms", status=1)
        assert "unanswered" in result.stdout, result.stdout
        with subprocess.Popen([RINGWALK, "client", "--to", to, "-n", "1000", "-r", "10"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            for _ in range(2):  # the one above, and this one, which has sent something then
                peer = silent.accept()[0]
                receive(peer, 64)
            process.terminate()
            assert process.wait(timeout=30) == 4


def test_d29_an_interrupted_client_keeps_its_rows():
    with Node() as node, tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "rows.csv")
        with subprocess.Popen([RINGWALK, "client", "--to", node.to, "-n", "500", "-r", "100",
                               "--output", str(path)], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            node.await_requests(50)
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 4
        lines = path.read_text().splitlines()
        assert 20 < len(lines) < 500, len(lines)


def test_d30_a_proxy_serves_more_than_16_connections_and_tells_of_refusals():
    with Node() as node, Proxy("--to", node.to) as proxy:
        for _ in range(40):
            assert is_answered(proxy)
        assert proxy.is_alive()
    with nobody() as port, Proxy("--to", f"127.0.0.1:{port}") as proxy:
        try:
            with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as peer:
                assert peer.recv(1) == b""
        except ConnectionResetError:
            pass


def tls_node(folder, *args):
    cert, key = certificates.make(folder)
    return Node(*args, "--ssl-cert", cert, "--ssl-key", key, bind=("--bind-addr=ssl://127.0.0.1:0",
                                                                  ))


def test_d31_a_large_reply_over_tls_arrives():
    with tempfile.TemporaryDirectory() as folder, tls_node(folder) as node:
        result = load(node, "-n", "1", "--rs=4m")
        assert result["counts"]["done"] == 1, result["counts"]


def test_d32_sendfile_over_tls_sends_nothing_in_clear():
    secret = b"this-must-not-be-seen" * 400
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "store")
        path.write_bytes(secret)
        with tls_node(folder, "--storage", str(path)) as node, Relay(node.port) as relay:
            done = run("client", "--to", f"ssl://127.0.0.1:{relay.port}", "-n", "2", "-r", "100",
                       "--rs=sendfile,4000", "--drain=20s", status=(0, 1))
            assert "2 done" in done.stdout, done.stdout + done.stderr
            assert len(relay.seen) > 8000 and b"must-not-be-seen" not in relay.seen


def test_d33_forwards_over_tls_reuse_their_connection():
    with tempfile.TemporaryDirectory() as folder, tls_node(folder) as far, Node() as near:
        result = load(near, "-n", "20", "-r", "100", "-F", f"ssl://127.0.0.1:{far.port}", "-C",
                      "10us", "-R")
        assert result["counts"]["done"] == 20, result["counts"]
        _, out, _ = far.stop()
        accepted = int(re.search(r"^all: .*connections accepted (\d+)", out,
                                 re.MULTILINE).group(1))
        assert accepted <= 2, out


def test_d34_an_idle_tls_client_uses_no_cpu():
    with tempfile.TemporaryDirectory() as folder, tls_node(folder) as node:
        before = os.times()
        run("client", "--to", f"ssl://127.0.0.1:{node.port}", "-n", "4", "-r", "2",
            "--wait=sleep", status=(0, 1))
        after = os.times()
        used = (after.children_user + after.children_system - before.children_user -
                before.children_system)
        assert used < 1, used


def test_d35_counts_of_connections_are_right_with_udp_beside_tcp():
    with Node(bind=("-b", "udp://127.0.0.1:0", "-b", "tcp://127.0.0.1:0")) as node:
        port = int(node.addresses[1].rsplit(":", 1)[1])
        for _ in range(5):
            socket.create_connection(("127.0.0.1", port), timeout=10).close()
        node.until(lambda lines: "accepted 5 and open 0" in lines[-1])
        _, out, _ = node.stop()
        assert re.search(r"^all: .*accepted 5 and open 0", out, re.MULTILINE), out


def test_d36_an_unknown_operation_harms_no_other_connection():
    with Node() as node:
        with socket.create_connection(("127.0.0.1", node.port), timeout=10) as bad:
            bad.sendall(request(struct.pack("<BBHQ", 99, 0, 12, 0)))
            assert bad.recv(1) == b""
        result = load(node, "-n", "70000", "--outstanding=1000")
        assert result["counts"]["done"] == 70000, result["counts"]


def test_latency_counts_from_the_planned_time():
    with Node() as node:
        with subprocess.Popen([RINGWALK, "client", "--to", node.to, "-n", "150", "-p", "20ms",
                               "--ps", "1m", "--json=-", "-q", "--drain=10s"],
                              stdout=subprocess.PIPE, text=True) as process:
            node.await_requests(20)
            node.process.send_signal(signal.SIGSTOP)
            time.sleep(1)
            node.process.send_signal(signal.SIGCONT)
            result = json.loads(process.communicate(timeout=60)[0])
        assert result["latency"]["response"]["percentiles_ns"]["p90"] > 300e6, result["latency"]


def test_a_hostile_forward_goes_nowhere():
    """Request forgery: a node forwards only to where it is allowed."""
    with Node() as node:
        done = load(node, "-n", "2", "-r", "100", "-F", "192.0.2.1:80,timeout=1s", "-C", "1us",
                    "-R")
        assert done["counts"]["failed_by_status"]["refused"] == 2, done["counts"]
        _, _, err = node.stop()
        assert "--allow-forward" in err, err


if __name__ == "__main__":
    sys.exit(main(globals()))
