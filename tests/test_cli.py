#!/usr/bin/env python3
"""test_cli.py - the program as its users type it: on loopback, for a second or two, mistakes too.

    test_cli.py RINGWALK [NAME...]

Nothing here depends on how fast the machine is: figures are checked for adding up, not for size.

SPDX-License-Identifier: Apache-2.0
"""
import contextlib
import ctypes
import json
import os
import pathlib
import re
import shlex
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

from ringwalk import (BACKENDS, RINGWALK, TOP, Node, Proxy, Skipped, check_counts, check_done,
                      load, main, run)


def test_every_backend_serves_and_loads():
    for backend in BACKENDS:
        with Node(f"--backend={backend}") as node:
            result = load(node, f"--backend={backend}", "-n", "200", "-r", "2000", "--rs=64B")
            check_counts(result)
            assert result["counts"]["done"] == 200, result["counts"]
            status, out, _ = node.stop()
            assert status == 0 and "requests 200" in out, out


def test_accept_modes_and_workers():
    for mode in ("child", "shared", "parent"):
        for wait in ("event", "blocking"):
            with Node(f"--accept-mode={mode}", f"--accept-wait={wait}", "--nt=3") as node:
                result = load(node, "-n", "60", "-r", "3000", "--connections=12")
                assert result["counts"]["done"] == 60, (mode, wait, result["counts"])


def test_sessions_follow_each_other_and_tell_when_they_end():
    with Node() as node:
        # A closed loop waits for the next session; a schedule is over at some time.
        done = run("client", "--to", node.to, "-n", "10", "--ns", "4", "--nt", "2",
                   "--outstanding=1", "--pso", "--conn-times", "--nano", "-q", "--drain=20s",
                   status=(0, 1))
        opened = re.findall(r"^conn_time: \d+ ns, thr_id: (\d), sess_id: (\d)$", done.stdout,
                            re.MULTILINE)
        rows = re.findall(r"^t: \d+ ns, elapsed: \d+ ns, req_id: (\d+), thr_id: (\d), "
                          r"sess_id: (\d)$", done.stdout, re.MULTILINE)
        assert sorted(opened) == [(t, s) for t in "01" for s in "0123"], done.stdout
        # 10 over 4 sessions are 3 each, rounded up as in DistWalk.
        assert sorted(rows) == sorted((str(i), t, str(i // 3)) for t in "01"
                                      for i in range(12)), done.stdout
        result = load(node, "--outstanding=2", "-n", "90", "-c", "3", "--session-requests=10")
        assert result["counts"]["done"] == 90, result["counts"]
        assert 9 <= result["latency"]["connect"]["count"] <= 12, result["latency"]["connect"]


def test_rows_of_sessions_leave_the_records_whole():
    with tempfile.TemporaryDirectory() as folder, Node() as node:
        rows, records = os.path.join(folder, "rows.csv"), os.path.join(folder, "records.csv")
        run("client", f"--to={node.to}", "--outstanding=1", "-n", "50", "--session-requests=10",
            "--pso", f"--output={rows}", f"--records={records}", "-q", "--drain=20s",
            status=(0, 1))
        for path in rows, records:
            with open(path, encoding="utf-8") as lines:
                found = lines.readlines()
            assert len(found) == 51, (path, found)


def test_rows_go_to_a_file_with_its_own_separator():
    with tempfile.TemporaryDirectory() as folder, Node() as node:
        path = pathlib.Path(folder, "rows.csv")
        run("client", "--to", node.to, "-n", "3", "-r", "1000", "-o", f"{path},sep=;", "-q",
            status=(0, 1))
        lines = path.read_text().splitlines()
        assert lines[0] == "t(us);elapsed(us);req_id;thr_id;sess_id" and len(lines) == 4, lines
        done = run("client", "--to", node.to, "-o", f"{path},sep=_", status=2)
        assert "cannot separate values" in done.stderr, done.stderr


def test_a_file_that_may_not_grow_is_an_error_and_not_the_end():
    with tempfile.TemporaryDirectory() as folder:
        store = pathlib.Path(folder, "store")
        with Node("--storage", f"{store},size=64m", "--storage-prealloc=4KiB",
                  prefix=("bash", "-c", 'ulimit -f 1024; exec "$@"', "-")) as node:
            result = load(node, "-n", "3", "-r", "100", "-S", "offset=[8m],size=[4096]")
            assert result["counts"]["failed_by_status"]["error"] == 3, result["counts"]
            check_done(node, 3, "-n", "3", "-r", "100", "-S", "4096")


def test_a_client_waits_for_a_node_that_starts_late():
    done = run("client", "--to", "127.0.0.1:1", "--retry-num", "2", "--retry-period", "50",
               status=3)
    assert "Connection refused" in done.stderr, done.stderr
    with tempfile.TemporaryDirectory() as folder:
        address = f"unix:{folder}/node"
        client = subprocess.Popen([RINGWALK, "client", "--to", address, "-n", "3", "-r", "1000",
                                   "--retry-num", "1000", "--retry-period", "50",
                                   "--drain=20s"], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(0.3)
        with Node(bind=(f"--bind-addr={address}",)):
            out, err = client.communicate(timeout=60)
            assert "3 done" in out, out + err


def test_options_may_stand_in_a_file():
    with tempfile.TemporaryDirectory() as folder, Node() as node:
        script = pathlib.Path(folder, "chain.dw")
        script.write_text(f"# DistWalk's form\nn 3\nC 10us  R 64\nr 100\nto {node.to}\n")
        done = run("client", "-f", str(script), "--rows", "-q", status=(0, 1))
        assert len(done.stdout.splitlines()) == 3, done.stdout
        script.write_text("n 3\nwarm 10ms\nC 10parsecs\n")
        done = run("client", "-f", str(script), status=2)
        assert f"{script}:3: comp-time: " in done.stderr, done.stderr


def test_distwalk_spelling_is_understood():
    with Node("-p", "poll", "--bl", "16", "--nd", "1", "-a", "shared", "--thread-affinity",
              "0") as node:
        done = run("client", "--to", f"tcp://{node.to}", "-n", "5", "-p", "2ms", "-C", "50", "-R",
                   "--rows", "-q", "--drain=20s", status=(0, 1))
        rows = [line for line in done.stdout.splitlines() if line.startswith("t: ")]
        assert len(rows) == 5, done.stdout
        assert re.fullmatch(r"t: \d+ us, elapsed: \d+ us, req_id: 0, thr_id: 0, sess_id: 0",
                            rows[0]), rows[0]
        assert all(int(re.search(r"elapsed: (\d+)", row)[1]) >= 50 for row in rows), rows


def test_several_addresses_of_every_family():
    with tempfile.TemporaryDirectory() as folder:
        bind = [f"--bind-addr={a}" for a in ("127.0.0.1:0", "[::1]:0", f"unix:{folder}/socket")]
        with Node(bind=bind) as node:
            assert len(node.addresses) == 3
            for address in node.addresses:
                node.to = address
                check_done(node, 10, "-n", "10", "-r", "1000")


def test_sigusr1_prints_counters_and_sigint_drains():
    with Node() as node:
        load(node, "-n", "7", "-r", "1000")
        lines = node.until(lambda lines: "requests 7," in lines[-1])
        assert lines[0].startswith("worker 0: requests 7,"), lines
        assert lines[1].startswith("all: requests 7,") and len(lines) == 2, lines
        assert node.stop(signal.SIGINT)[0] == 0


def test_node_json_has_requested_and_effective():
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/node.json"
        with Node(f"--json={path}", "--pin.cpus=0", "--sched.policy=batch") as node:
            assert node.stop()[0] == 0
        result = json.load(open(path))
        assert result["settings"]["sched.policy"] == {"value": "batch", "from": "argument"}
        verdicts = {t["name"]: t for t in result["tunables"]}
        assert verdicts["pin"]["verdict"] in ("ok", "vacuous"), verdicts
        assert "batch" in verdicts["sched"]["effective"], verdicts


def ask_store(node, size, flags=0):
    """A store of so many bytes, one behind the other, and a reply; returns the reply's status."""
    body = struct.pack("<BBHQQI", 5, flags, 24, 2**64 - 1, size, 0)
    body += struct.pack("<BBHII", 3, 0, 12, 64, 0)
    head = struct.pack("<IBBBBQII", 24 + len(body), 2, 1, 8, 0, 1, len(body), 0)
    with socket.create_connection(("127.0.0.1", node.port), timeout=10) as s:
        s.sendall(head + body)
        return s.recv(64, socket.MSG_WAITALL)[6]


def test_storage_is_in_the_report_and_behind_the_workers():
    with tempfile.TemporaryDirectory() as folder:
        with Node("-s", f"file={folder}/%d.dat,size=1m,count=2,sync=5", "-m", "2000000",
                  "--storage-mode=thread", "--wss", "--storage-keep=no", "--pin.cpus=0", "--nt=3",
                  f"--json={folder}/node.json") as node:
            for flags in (0, 1):
                assert ask_store(node, 1000, flags) == 0
            assert os.path.getsize(f"{folder}/0.dat") == 1000000
            node.process.send_signal(signal.SIGUSR1)
            lines = [node.process.stdout.readline() for _ in range(6)]
            assert lines[4].startswith(f"storage 0: {folder}/0.dat: loads 0 (0 B), stores 2"), lines
            assert node.stop()[0] == 0
        assert not os.path.exists(f"{folder}/0.dat")
        result = json.load(open(f"{folder}/node.json"))
        assert [d["stored"] for d in result["storage"]] == [2000, 0], result["storage"]
        assert result["storage"][0]["syncs"] >= 1, result["storage"]
        threads = {t["subject"] for t in result["tunables"]}
        assert {"storage 3", "storage 4"} <= threads, threads


def test_storage_that_nobody_named_is_at_home():
    with tempfile.TemporaryDirectory() as folder:
        with Node(env={**os.environ, "HOME": folder}) as node:
            assert ask_store(node, 1000, 1) == 0
            assert os.listdir(folder) == [".ringwalk_store_0"]
        with Node("--storage=none", env={**os.environ, "HOME": folder}) as node:
            try:
                ask_store(node, 1000)
            except IndexError:
                pass
            assert "not there (--storage gives devices)" in node.stop()[2]


def test_storage_mistakes_are_found_at_start():
    for args, sentence in (
            (["-s", "/tmp/x,siez=10"], 'unknown key "siez" (did you mean "size"?)'),
            (["-s", "/no/folder/x"], "/no/folder/x: cannot open it"),
            (["-s", "/dev/null", "--storage-mode=native", "-p", "epoll"], "epoll cannot read"),
            (["-s", "/dev/null", "--wss", "--storage-mode=inline"], "wait-spin is for storage th"),
            (["-m", "0"], "max-storage-size"),
            (["--storage-mode=fast"], "storage-mode")):
        done = run("node", "-b", "127.0.0.1:0", *args)
        assert done.returncode in (2, 3) and sentence in done.stderr, (args, done)


def test_files_are_written():
    with tempfile.TemporaryDirectory() as folder, Node() as node:
        run("client", f"--to={node.to}", "-n", "50", "-r", "5000", f"--hgrm={folder}/a.hgrm",
            f"--hlog={folder}/a.hlog", f"--records={folder}/a.csv", status=(0, 1))
        hgrm = open(f"{folder}/a.hgrm").read()
        assert "1/(1-Percentile)" in hgrm and "#[Mean" in hgrm
        hlog = open(f"{folder}/a.hlog").read()
        assert "Tag=response," in hlog and "Tag=lateness," in hlog
        rows = open(f"{folder}/a.csv").read().splitlines()
        assert len(rows) == 51 and rows[0].startswith("intended_ns,sent_ns"), rows[:2]


def test_who_is_refused_at_the_start_leaves_no_file_and_a_former_one_as_it_was():
    client = ["json", "hgrm", "hlog", "records"]
    with tempfile.TemporaryDirectory() as folder, Node() as node:
        for args, outputs in ((["node", "-b", "127.0.0.1:0"], ["json"]),
                              (["client", f"--to={node.to}", "-n", "1"], client),
                              (["client", "--to=127.0.0.1:1", "-n", "1"], client),
                              (["hog", "--duration=1s"], ["json"])):
            if args[1] != "--to=127.0.0.1:1":
                args = [*args, "--pin.cpus=1023"]
            for text in (None, "former"):
                paths = [pathlib.Path(folder, f"{args[0]}.{output}") for output in outputs]
                for path in paths:
                    if text:
                        path.write_text(text)
                run(*args, *(f"--{o}={p}" for o, p in zip(outputs, paths)), status=3)
                found = [path.read_text() if path.exists() else None for path in paths]
                assert found == [text] * len(paths), (args, found)
                for path in paths:
                    path.unlink(missing_ok=True)


def test_an_output_that_cannot_be_written_is_found_out_before_the_work():
    with tempfile.TemporaryDirectory() as folder:
        for path in (folder, f"{folder}/none/x"):
            done = run("hog", "--duration=1s", f"--json={path}", status=2)
            assert f"--json: {path}: " in done.stderr, done
        link = pathlib.Path(folder, "link")
        link.symlink_to(f"{folder}/target")
        run("hog", "--duration=20ms", f"--json={link}", status=0)
        assert json.loads(pathlib.Path(folder, "target").read_text())["threads"]
        run("hog", "--duration=20ms", "--json=/dev/null", status=0)


def test_a_quiet_run_still_says_why_it_is_invalid():
    with tempfile.NamedTemporaryFile("w") as secret:
        secret.write("0123456789abcdef")
        secret.flush()
        with Node(f"--secret-file={secret.name}") as node:
            done = run("client", "--to", node.to, "-n", "3", "-q", status=1)
            assert done.stdout == "", done.stdout
            assert done.stderr.startswith("ringwalk client: INVALID: "), done.stderr
            assert "asks for a secret" in done.stderr, done.stderr
            assert len(done.stderr.splitlines()) == 1, done.stderr


def test_ctrl_c_keeps_what_there_is():
    with Node() as node:
        client = subprocess.Popen([RINGWALK, "client", f"--to={node.to}", "--duration=30s",
                                   "-r", "1000", "--json=-", "-q"], text=True,
                                  stdout=subprocess.PIPE)
        node.await_requests(100)
        client.send_signal(signal.SIGINT)
        out, _ = client.communicate(timeout=20)
        assert client.returncode == 4, client.returncode
        result = json.loads(out)
        check_counts(result)
        assert 0 < result["counts"]["done"] < 30000, result["counts"]


def test_what_makes_no_difference_is_said_at_the_end():
    for option, words in ((["--epoll.trigger=edge", "--backend=poll"],
                           "epoll trigger=edge: vacuous: the backend is poll"),
                          (["--pin.spread=all"], "pin spread=all: vacuous: it asks for nothing"),
                          (["--storage.sched.policy=batch"],
                           "storage.sched: vacuous: there was no thread of kind storage"),
                          (["--acceptor.pin.cpus=0"],
                           "acceptor.pin: vacuous: there was no thread of kind acceptor")):
        with Node(*option) as node:
            status, _, err = node.stop()
            assert status == 0 and err.count(words) == 1, err
    with Node("--socket.syncnt=3", "--threads=3") as node:
        _, _, err = node.stop()
        assert err.count("socket.syncnt means nothing") == 1, err
    with Node() as node:
        assert node.stop()[2] == ""


def test_a_degraded_setting_is_said_once():
    with Node("--socket.user-timeout=1us", "--allow-degraded") as node:
        _, _, err = node.stop()
        assert err.count("asked for 1us, the kernel has 1ms") == 1, err


def test_overload_ends_on_time_and_says_invalid():
    with Node() as node:
        started = time.monotonic()
        result = load(node, "-C", "1ms", "-r", "2000", "--duration=1s", "--drain=500ms", status=1)
        took_s = time.monotonic() - started
        assert took_s < 10, took_s
        check_counts(result)
        assert result["verdict"] == "INVALID" and result["reasons"], result["verdict"]


def test_a_proxy_as_dw_proxy_was_called():
    with Node() as node, Proxy("--to", node.to, "-d", "30", "-f", "500", "--seed=7",
                               bind=("-b127.0.0.1:0",)) as proxy:
        result = load(proxy, "-n", "20", "-r", "200", "--rs=64B", "--connections=2")
        assert result["counts"]["done"] == 20, result["counts"]
        assert result["latency"]["response"]["min_ns"] >= 30e6, result["latency"]["response"]
        assert proxy.process.stdout.readline() == "seed 7\n"
        proxy.until(lambda lines: lines[0].startswith("connections accepted 2 and open "))
        status, out, err = proxy.stop()
        assert status == 0 and not err, (status, err)
        forth = r"forth: bytes 20480 in and 20480 out, pieces (\d+), delayed \1,"
        assert re.search(forth, out), out
        assert "back: bytes 1280 in and 1280 out" in out and "faults: refuse 0, " in out, out


@contextlib.contextmanager
def held(process, name):
    """One thread of a process, by its name, does not run: ptrace(2)."""
    seize, interrupt, detach, wall = 0x4206, 0x4207, 17, 0x40000000
    tasks = pathlib.Path(f"/proc/{process.pid}/task")
    thread = next(int(task.name) for task in tasks.iterdir()
                  if (task / "comm").read_text() == f"{name}\n")
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
    if ptrace(seize, thread, None, None):
        raise Skipped(f"no thread can be held here: {os.strerror(ctypes.get_errno())}")
    ptrace(interrupt, thread, None, None)
    os.waitpid(thread, wall)
    try:
        yield
    finally:
        ptrace(detach, thread, None, None)


def test_the_last_counters_of_a_proxy_are_exact_however_late_it_gets_the_cpu():
    """Its loop was waited for no longer than 100 ms."""
    with Node() as node, Proxy("--to", node.to) as proxy:
        check_done(proxy, 20, "-n", "20", "-r", "1000")
        with held(proxy.process, "rw-proxy"):
            proxy.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
        status, out, err = proxy.stop()
    assert status == 0, err
    assert out.count("forth: bytes 20480 in and 20480 out") == 1, out


def test_a_hog_takes_its_share_and_ends_by_itself():
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/hog.json"
        done = run("hog", "--duration=400ms", "--busy=50%", "--threads=2",
                   "--sched.policy=batch", f"--json={path}")
        assert done.returncode == 0 and not done.stderr, (done.returncode, done.stderr)
        assert done.stdout.startswith("busy with 2 threads\nhog 0: 0."), done.stdout
        result = json.load(open(path))
        for thread in result["threads"]:
            assert 0 < thread["cpu_ns"] <= 0.3e9 and thread["rounds"] >= 20, result["threads"]
        assert [t["subject"] for t in result["tunables"]] == ["hog 0", "hog 1"] or \
            [t["subject"] for t in result["tunables"]] == ["hog 1", "hog 0"], result["tunables"]
        assert all("batch" in t["effective"] for t in result["tunables"]), result["tunables"]


def test_a_proxy_does_wrong_on_purpose_by_its_seed():
    """Faults are drawn connection by connection, so each has one request, longer than the fault is
    late: then it does not matter who is in time for what."""
    with Node() as node:
        counts = set()
        for _ in range(2):
            with Proxy("--to", node.to, "--seed=7", "--fault", "reset,prob=50%,after=2000B",
                       "--fault=silence,prob=0%") as proxy:
                got = load(proxy, "-n", "20", "--outstanding=1", "--session-requests=1",
                           "--reply=4KiB", "--retry-num=5")["counts"]
                status, out, _ = proxy.stop(signal.SIGINT)
                assert status == 0, status
            resets = int(re.findall(r"^faults: .* reset (\d+), .*$", out, re.MULTILINE)[-1])
            assert (got["done"], got["failed"]) == (20 - resets, resets), (got, resets)
            counts.add(resets)
        assert len(counts) == 1 and 0 < resets < 20, counts


def test_a_dead_end_is_a_sentence():
    done = run("client", "--to=127.0.0.1:1", "-n", "1", status=(1, 3))
    assert "127.0.0.1:1" in done.stderr and "refused" in done.stderr, done.stderr
    done = run("client", "--to=unix:/nonexistent/x", "-n", "1", status=3)
    assert "no node has made this socket" in done.stderr, done.stderr


MISTAKES = [
    (("nod",), "did you mean node?"),
    (("client", "--rte=10"), "did you mean --rate?"),
    (("node", "--backend=epol"), "epoll"),
    (("node", "--epoll.triger=edge"), "did you mean --epoll.trigger?"),
    (("node", "--epoll.trigger=edgy"), "edge"),
    (("client", "--timeout=10"), "unit"),
    (("client", "--rate=20kk"), "20kk"),
    (("client", "--duration=1h"), "1h"),
    (("client", "--rs=64q"), "64q"),
    (("client", "--request-size=10B"), "at least"),
    (("node", "--bind-addr=tcp://127.0.0.1:99999"), "99999"),
    (("node", "--bind-addr=0.0.0.0:0"), "--insecure"),
    (("node", "somewhere"), "somewhere"),
    (("hog", "--busy=2"), "more than 1"),
    (("hog", "--backend=epoll"), "no such option"),
    (("proxy", "--to=127.0.0.1:7891"), "talk to itself"),
    (("proxy", "--bind=0.0.0.0:0"), "--insecure"),
    (("proxy", "--bind=:0", "--delay=soon"), "soon"),
    (("proxy", "--bind=:0", "--delay=1", "--delay-both=2"), "--delay-both"),
    (("proxy", "--bind=:0", "--rate=10"), "10MB/s"),
    (("proxy", "--bind=:0", "--fault=rest"), "did you mean reset?"),
    (("proxy", "--bind=:0", "--fault", "reset,afer=1s"), "did you mean after?"),
    (("proxy", "--bind=:0", "--fault=loss,prob=1%"), "datagrams"),
    (("proxy", "--bind=udp://:0"), "does not translate"),
    (("client", "--to=127.0.0.1:1", "--tls-verify"), "is not reached by TLS"),
    (("node", "--bind-addr=:0", "--allow-forward=lopback"), "write loopback"),
    (("node", "--bind-addr=tls://:0", "--tls-cert=/nonexistent/x"), "listen on tls://"),
    (("info", "knob"), "knobs"),
    (("info", "machine", "backends"), "one thing at a time"),
    (("report", "/dev/null"), "no sweep's folder"),
    (("doctor", "--root=/nonexistent"), "--root=/nonexistent: no folder"),
    (("doctor", "--cpus=1023"), "no cpu 1023 here"),
    (("tune", "plan", "/dev"), "no file of NAME = VALUE lines"),
    (("tune", "plan", RINGWALK), "bytes that are no text"),
    (("client", "--rate=10q"), "units are k, M, G"),
    (("plan", "/nowhere/x.yaml"), "/nowhere/x.yaml"),
    (("client", "--outstanding=4", "--rate=10"), "closed loop"),
    (("client", "--num-sessions=3"), "which is not given"),
    (("client", "-n", "9", "--num-sessions=3", "--session-requests=3"), "leave one out"),
    (("client", "--json=/dev/null", "--records=/dev/null"), "both name /dev/null"),
    (("client", "--rows", "--keep-records=0"), "--keep-records"),
    (("client", "--duration=9223372036s"), "too large"),
    (("node", "--json=/nonexistent/x"), "/nonexistent/x"),
    (("tune", "restore", "--force", "--forget"), "only one of them"),
    *[((role, f"--{option}="), f"--{option}: the name of the file is empty")
      for role, option in (("client", "json"), ("client", "hgrm"), ("client", "hlog"),
                           ("client", "records"), ("client", "output"), ("client", "secret-file"),
                           ("node", "json"), ("node", "secret-file"), ("hog", "json"))],
    (("client", "-o", ""), "--output: the name of the file is empty"),
    (("sweep", "/dev/null", "-o", ""), "--output: the name of the folder is empty"),
]


def test_mistakes_get_a_clear_sentence_and_status_2():
    for args, word in MISTAKES:
        done = run(*args, status=2)
        lines = done.stderr.strip().splitlines()
        assert len(lines) == 1 and word in lines[0], (args, done.stderr)
        assert done.stdout == "", (args, done.stdout)


def test_sqpoll_with_defer_taskrun_is_refused_in_words():
    done = run("node", "--backend=io_uring", "--io_uring.sqpoll=yes", status=(2, 3))
    assert "defer-taskrun" in done.stderr, done.stderr


def test_of_configurations_that_are_alike_one_is_run():
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/alike.yaml"
        with open(path, "w") as file:
            file.write("sweep: alike\nclient: {rate: 1k, duration: 200ms}\nblocks: 3\nfactors: "
                       "{node.backend: [epoll, poll], node.epoll.trigger: [level, edge]}\n")
        lines = run("plan", path, status=0).stdout.splitlines()
        alike = [lines[i - 1].split()[1:] for i, line in enumerate(lines) if "vacuous:" in line]
        assert alike == [["poll", "edge"]], alike


def test_a_plan_leaves_out_what_every_run_would_refuse():
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/refused.yaml"
        with open(path, "w") as file:
            file.write("sweep: refused\nclient: {rate: 1k, duration: 200ms}\nblocks: 3\nfactors:\n"
                       "  node.storage-mode: [thread, native]\n  client.program: "
                       "[reply 64B, 'forward :1,quorum=2']\n")
        out = run("plan", path, status=0).stdout
        assert out.count("epoll cannot read and write files by itself") == 2, out
        assert out.count("a quorum of 2 is out of reach") == 1, out


def test_a_run_that_ends_by_itself_is_given_the_time_it_takes():
    for client, took in (("rate: 100, requests: 10k", "about 15 min 01 s"),
                         ("period: 10ms, requests: 10k", "about 15 min 01 s"),
                         ('rate: "aseq:min=10:max=100:step=10", rate-step: 5s',
                          "about 7 min 31 s"),
                         ('rate: "aseq:min=10:max=100:step=10", rate-step: 5s, requests: auto',
                          "about 7 min 31 s")):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(f"client: {{{client}}}\nblocks: 3\n"
                       "factors: {node.backend: [epoll, poll]}\n")
            file.flush()
            out = run("plan", file.name).stdout
            assert took in out, (client, out)


def test_a_sweep_has_failed_only_where_no_repeat_counts():
    """Whatever this machine makes of the runs: their verdicts are written over."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "x.yaml").write_text(
            "client: {rate: 1k, duration: 50ms}\nblocks: 1\ninvalid: {repeat: 0}\n"
            "factors: {node.backend: [epoll, poll]}\n")
        run("sweep", "x.yaml", "-o", "out", cwd=path, status=(0, 1))
        files = sorted((path / "out" / "runs").glob("*/run.json"))
        assert len(files) == 3, files

        def judge(file, **changes):
            file.parent.mkdir(exist_ok=True)
            file.write_text(json.dumps({**json.loads(files[0].read_text()), **changes}))

        for file in files:
            file.write_text(json.dumps({**json.loads(file.read_text()), "verdict": "SUSPECT",
                                        "failed": False}))
        run("report", "out", cwd=path, status=0)
        judge(files[0], verdict="INVALID")
        run("report", "out", cwd=path, status=1)
        again = path / "out" / "runs" / "00004" / "run.json"
        judge(again, verdict="INVALID", run=4, attempt=1)
        run("report", "out", cwd=path, status=1)
        judge(again, verdict="VALID", run=4, attempt=1)
        out = run("report", "out", cwd=path, status=0).stdout
        assert "1 valid, 2 suspect, 1 invalid, 0 failed" in " ".join(out.split()), out
        judge(again, verdict="FAILED", failed=True, run=4, attempt=1)
        run("report", "out", cwd=path, status=1)


def test_help_lists_every_option():
    for command in ("node", "client", "proxy"):
        out = run("help", command, status=0).stdout
        assert "--io_uring.entries" in out and "--sched.policy" in out
        assert out == run(command, "--help", status=0).stdout


def test_help_of_a_part():
    part = run("node", "--help=sched").stdout
    assert part.startswith("sched: ") and "--sched.policy" in part and "--pin" not in part, part
    part = run("client", "--help=tls").stdout
    assert part.startswith("TLS:") and "--tls-cert" in part, part
    part = run("client", "--help=secret").stdout
    assert part.startswith("secret ") and "--secret-file" in part, part
    for name in ("load", "degraded", "script"):
        assert run("hog", f"--help={name}").stdout.startswith(f"{name}: "), name
    wrong = run("node", "--help=shed", status=2)
    assert "no such part; there are" in wrong.stderr and "sched" in wrong.stderr, wrong.stderr


def test_manual_pages_come_from_the_knobs():
    for role, option in (("node", "accept\\-mode"), ("client", "rate"), ("proxy", "delay\\-back")):
        page = run("info", f"man-{role}", status=0).stdout
        assert page.startswith(".TH ") and option in page, page[:300]


def test_docs_list_every_knob():
    made = run("info", "knobs", status=0).stdout
    assert made == (TOP / "docs" / "knobs.md").read_text(), \
        "docs/knobs.md is old: ringwalk info knobs > docs/knobs.md"


def test_docs_list_every_law():
    made = run("info", "values", status=0).stdout
    assert made == (TOP / "docs" / "values.md").read_text(), \
        "docs/values.md is old: ringwalk info values > docs/values.md"


def test_every_program_in_the_docs_is_understood():
    blocks = (TOP / "docs" / "programs.md").read_text().split("```")[1::2]
    lines = [line for block in blocks for line in block.splitlines()[1:] if line[:4] != "here"]
    for line in lines:
        args = shlex.split(line)[1:] if line.startswith("ringwalk ") else \
            ["client", "--program=" + line.split("   ")[0]]
        out = run(*args, "--dry-run", status=0).stdout
        assert out.startswith("program "), (line, out)
    assert len(lines) > 8


if __name__ == "__main__":
    sys.exit(main(globals()))
