#!/usr/bin/env python3
"""test_distwalk.py - every form that DistWalk's client documents is taken and does what it says.

    test_distwalk.py RINGWALK [NAME...]

Tables: a command line as DistWalk's users write it, and what must be seen of it from outside. What
differs on purpose is in docs/distwalk.md; those rows say so. The node and the proxy:
test_distwalk_node.py.

SPDX-License-Identifier: Apache-2.0
"""
import contextlib
import os
import pathlib
import re
import shlex
import socket
import sys
import tempfile
import threading
import time

from forms import ask, check_each, equal, need_udp, rows_of
from ringwalk import Node, Skipped, check_counts, main, nobody, run

FOLDER = tempfile.TemporaryDirectory()
COLUMN = f"{FOLDER.name}/times.csv"
pathlib.Path(COLUMN).write_text("name;us\na;2000\nb;none\nc;3000\n", encoding="ascii")


@contextlib.contextmanager
def stored():
    """A node with two devices."""
    with Node("-s", f"{FOLDER.name}/device%d,size=4m,count=2") as node:
        yield node


def planned(count):
    return lambda got: equal(got.result["counts"]["planned"], count)


def apart(ns):
    """The planned gaps."""
    return lambda got: equal(set(gaps(got)), {ns})


def sends(count):
    return lambda got: equal(got.result["loop"]["bytes_out"], count)


def receives(count):
    return lambda got: equal(got.result["loop"]["bytes_in"], count)


def takes(least_us):
    """Every answer takes so long."""
    return lambda got: equal([row for row in got.rows if row[1] < least_us], [])


def sets(key, value):
    return lambda got: equal(got.setting(key), value)


def sessions(count):
    return lambda got: equal({row[4] for row in got.rows}, set(range(count)))


def threads(count):
    return lambda got: equal({row[3] for row in got.rows}, set(range(count)))


def says(pattern, count):
    return lambda got: equal(len(re.findall(pattern, got.out, re.MULTILINE)), count)


def rows(count):
    return lambda got: equal(len(got.rows), count)


# §1.2 of the reference, in its order; then what else can be seen of values and commands. Sessions
# are opened after each other, and a schedule does not wait for that, so those rows have none.
CLIENT = [
    ("-n 3", planned(3)),
    ("-n 1.5k -r 2000", planned(1500)),
    ("-n 1k -r 2000", planned(1000)),
    ("--num-pkts 3", planned(3)),
    ("--num-p=3", planned(3)),
    ("-n auto -r aseq:min=10:max=20:step=10 --rss 1", planned(30)),
    ("-n auto -r gseq:min=10:max=20 --rate-step-secs 1", planned(30)),
    (f"-n auto -r file:{FOLDER.name}/rates:col=0 --rss 1", planned(30)),
    ("-n 40 -r unif:min=100:max=200 --rss 1", planned(40)),
    ("", apart(5e6)),
    ("-p 20ms", apart(20e6)),
    ("-p 5000", apart(5e6)),
    ("-p 5k", apart(5e6)),
    ("--period=5ms", apart(5e6)),
    ("-p exp:1000 -n 20 --seed 3", planned(20)),
    ("-p unif:min=1ms:max=2ms -n 20", lambda got: equal(
        [gap for gap in gaps(got) if not 1e6 <= gap <= 2e6], [])),
    (f"-p file:{COLUMN},sep=semicolon,col=1 -n 5", lambda got: equal(
        gaps(got), [2e6, 3e6, 2e6, 3e6])),
    ("-r 100", apart(10e6)),
    ("--rate 100", apart(10e6)),
    ("-r 0.5k", apart(2e6)),
    ("-r 0.5", apart(2e9)),
    ("-p 1s -r 200", apart(5e6)),
    ("-r 1 -p 5ms", apart(5e6)),
    ("--ns 3 -n 4 --outstanding=1", planned(6)),
    ("--ns 3 -n 3 --outstanding=1", sessions(3)),
    ("--num-sessions=2 --outstanding=1", sessions(2)),
    ("--nt 2", planned(4)),
    ("--nt 2", threads(2)),
    ("--num-threads 3", threads(3)),
    ("--ps 2000", sends(4000)),
    ("--ps 2k", sends(4000)),
    ("--ps 2kb", sends(4000)),
    ("--ps=unif:min=500:max=500", sends(1000)),
    ("", sends(2048)),
    ("", receives(1024)),
    ("-R", receives(1024)),
    ("-R600", receives(1200)),
    ("--rs=600", receives(1200)),
    ("--rs=1k", receives(2000)),
    ("-R100 -R200", receives(400)),
    ("--rs=sendfile,600", receives(1200)),
    ("-S 4k --rs=sendfile,600", receives(1200)),
    ("-S 4k,dev=1 -Rdev=1,sendfile,700", receives(1400)),
    ("-S 4k --rs=sendfile", receives(1024)),
    ("-C 2000", takes(2000)),
    ("-C 2ms", takes(2000)),
    ("--comp-time=2ms", takes(2000)),
    ("-C 1ms -C 1ms", takes(2000)),
    ("-L 100", None),
    ("-S 100 -L 100,dev=0", None),
    ("-S 100 --load-data=100", None),
    ("-F {to} -C 2ms", takes(2000)),
    ("-F {to},timeout=1s,retry=1 -C 2ms -R", takes(2000)),
    ("-F tcp://{to},retries=1 -C 1ms -R -C 1ms", takes(2000)),
    ("--forward={to},{to},nack=1 -C 2ms", takes(2000)),
    ("-F {to},{to},nack=0 -C 2ms", takes(2000)),
    ("-F {to},{to},nack=9 -C 2ms", takes(2000)),
    ("-F {to},branch -C 1 -R -F {to},branch -C 2ms -R", takes(2000)),
    ("-F {to} -C 1ms -F {to} -C 1ms", takes(2000)),
    ("-s 1 -C 100ms -C 1ms", lambda got: equal(skipped(got), 2)),
    ("--skip 1,prob=0 -C 1ms", takes(1000)),
    ("-s 2,prob=1,every=2 -C 1 -C 1", lambda got: equal(skipped(got), 2)),
    ("-s 1,every=2 -C 1", lambda got: equal(skipped(got), 1)),
    ("-s 1 -F {to} -C 100ms -R -C 1ms", lambda got: equal(skipped(got), 2)),
    ("--retry-num 3 --retry-period 200", planned(2)),
    ("--conn-times --ns 2 --outstanding=1",
     says(r"^conn_time: \d+ us, thr_id: 0, sess_id: \d$", 2)),
    ("--non-block", planned(2)),
    ("--nd 0", sets("no-delay", "no")),
    ("--nd=1", sets("no-delay", "yes")),
    ("--no-delay 0", sets("no-delay", "no")),
    ("--ws", sets("wait", "spin")),
    ("--wait-spin", sets("wait", "spin")),
    ("--stag-send --nt 2 -n 1 -r 10", lambda got: equal(
        max(got.intended_ns) - min(got.intended_ns), 50e6)),
    ("--pso --ns 2 --outstanding=1", rows(2)),
    ("--per-session-output --ns 2 --outstanding=1", rows(2)),
    ("-i --ns 2 --outstanding=1", rows(2)),
    ("--i --ns 2 --outstanding=1", rows(2)),
    ("--interactive-pso --ns 2 --outstanding=1", rows(2)),
    ("--nano", lambda got: equal(len(rows_of(got.out, "ns")), 2)),
    ("--seed 7", lambda got: equal(got.result["seed"], 7)),
    ("--seed=-7", lambda got: equal(got.result["seed"], -7)),
    ("--seed -7", lambda got: equal(got.result["seed"], -7)),
    ("-b 127.0.0.1", planned(2)),
    ("-b :0", planned(2)),
    ("--bind-addr 127.0.0.1:0", planned(2)),
    ("--stag --conn-t --interactive -n2", rows(2)),
    (f"-C file:{COLUMN}:sep=;:col=1", takes(2000)),
    ("-C aseq:min=1000:max=3000:step=1000 -n 4", lambda got: at_least(
        got, [1000, 2000, 3000, 3000])),
    ("-C aseq:min=1000:max=3000:step=-1000 -n 4", lambda got: at_least(
        got, [3000, 2000, 1000, 1000])),
    ("-C gseq:min=1000:max=4000 -n 4", lambda got: at_least(got, [1000, 2000, 4000, 4000])),
    ("-C unif:min=1500:max=1600", takes(1500)),
    ("-C exp:10:min=1500", takes(1500)),
    ("-C norm:10:std=1000:min=1500", takes(1500)),
]
pathlib.Path(f"{FOLDER.name}/rates").write_text("10\n20\n", encoding="ascii")


def gaps(got):
    return [b - a for a, b in zip(got.intended_ns, got.intended_ns[1:])]


def skipped(got):
    return got.result["counts"]["skipped_operations"]


def at_least(got, wanted):
    """Requests one after the other take so long, in us."""
    equal([row[1] >= want for row, want in zip(got.rows, wanted)], [True] * len(wanted))


def test_what_a_client_is_told_it_does():
    with stored() as node:
        def check(form, effect):
            got = ask(node.to, form.format(to=node.to))
            check_counts(got.result)
            equal(got.result["counts"]["done"], got.result["counts"]["planned"])
            if effect:
                effect(got)
        check_each(CLIENT, check)
        assert node.is_alive()


# §1.4 and §1.5: how a program and its values are understood, with units in place.
PROGRAMS = [
    ("-C 10m", "compute 10s"),
    ("-C 1k", "compute 1ms"),
    ("-C .5ms", "compute 500us"),
    ("-C 500ns", "compute 500ns"),
    ("-C 1s", "compute 1s"),
    ("-C 5us", "compute 5us"),
    ("-C unif:min=1:max=10", "compute unif:min=1us:max=10us"),
    ("-C unif:min=1,max=10", "compute unif:min=1us:max=10us"),
    ("-C exp:10", "compute exp:10us"),
    ("-C exp:10:min=5:max=2k", "compute exp:10us:min=5us:max=2ms"),
    ("-C exp:1000,min=500,max=2000", "compute exp:1ms:min=500us:max=2ms"),
    ("-C norm:100:std=10", "compute norm:100us:std=10us"),
    ("-C norm:100:std=10:min=1:max=200", "compute norm:100us:std=10us:min=1us:max=200us"),
    ("-C lognorm:100:std=10", "compute lognorm:100us:std=10us"),
    ("-C lognorm:xavg=4:xstd=1", "compute lognorm:xavg=4:xstd=1:one=1us"),
    ("-C lognorm:xval=4:xstd=1", "compute lognorm:xavg=4:xstd=1:one=1us"),
    ("-C gamma:100:std=50", "compute gamma:100us:std=50us"),
    ("-C gamma:k=2:scale=50", "compute gamma:k=2:scale=50us"),
    ("-C aseq:min=1:max=10", "compute aseq:min=1us:max=10us"),
    ("-C aseq:min=1:max=10:step=-3", "compute aseq:min=1us:max=10us:step=-3us"),
    ("-C gseq:min=1:max=10", "compute gseq:min=1us:max=10us"),
    ("-C gseq:min=1:max=10:step=3", "compute gseq:min=1us:max=10us:step=3"),
    (f"-C file:{COLUMN}:sep=;:col=1:unit=ms", f"compute file:{COLUMN}:sep=semicolon:col=1:unit=ms"),
    ("-S 4096", "store 4"),
    ("-S 4k", "store 4kB"),
    ("-S 4kb", "store 4kB"),
    ("-S 1m", "store 1MB"),
    ("-S 1g", "store 1GB"),
    ("--store-data=10", "store 10B"),
    ("-S offset=[4096],size=[100]", "store 100B,offset=4"),
    ("-S offset=[5000000000],sync,size=[100],dev=1", "store 100B,offset=5GB,device=1"),
    ("-S offset=10,nosync,size=1k", "store 1kB,offset=10B,nosync"),
    ("-S offset=[unif:min=0:max=1m],size=[exp:4k:min=1]", "store exp:4kB:min=1B,offset=unif"),
    ("-S size=[exp:4k,min=1]", "store exp:4kB:min=1B"),
    ("--store-offset 10 -S 20", "store 20B,offset=10B"),
    ("--store-offset -1 -S 20", "store 20B"),
    ("--store-offset=unif:min=0:max=1m -S 20", "store 20B,offset=unif:min=0B:max=1MB"),
    ("-L 100", "load 100B"),
    ("-L offset=[10],size=[100],dev=0", "load 100B,offset=10B"),
    ("-L size=100,dev=3", "load 100B,device=3"),
    ("--load-offset 7 -L 10", "load 10B,offset=7B"),
    ("--load-offset -1 -L 10", "load 10B"),
    ("-F :1", "forward :1"),
    ("-F localhost:1", "forward localhost:1"),
    ("-F ssl://:1", "forward ssl://:1"),
    ("-F :1,:2,timeout=5,retry=2,nack=1", "forward :1,:2,timeout=5us,retries=2,nack=1"),
    ("-F :1,timeout=1s,retries=2", "forward :1,timeout=1s,retries=2"),
    ("-F :1,branch,timeout=5ms", "forward :1,timeout=5ms,branch"),
    ("-s 2", "skip 2"),
    ("-s 2,prob=0.5,every=3", "skip 2,prob=50%,every=3"),
    ("-R", "reply"),
    ("-Rdev=1,sendfile,2k", "reply 2kB,sendfile,device=1"),
    ("--rs=unif:min=100:max=200", "reply unif:min=100B:max=200B"),
]


def test_programs_are_understood_as_distwalk_documents_them():
    def check(form, line):
        tail = " -C 1 -C 1" if form.startswith("-s") else ""
        done = run("client", "--dry-run", *shlex.split(form + tail), status=0)
        operation = done.stdout.splitlines()[1].strip()
        assert operation.startswith(line), f"{operation}, not {line}"
    check_each(PROGRAMS, check)


def test_forwards_nest_and_close_as_in_distwalk():
    done = run("client", "--dry-run", *shlex.split(
        "-F :1 -C 1 -F :2 -C 2 -R -C 3 -R -C 4 -R64 -R100"), status=0)
    equal(done.stdout.splitlines()[1:], [
        "  forward :1", "    compute 1us", "    forward :2", "      compute 2us", "      reply",
        "    compute 3us", "    reply", "  compute 4us", "  reply 64B", "  reply 100B"])
    done = run("client", "--dry-run", *shlex.split("-F :1 -C 1 -F :2 -C 2"), status=0)
    equal([line.split()[0] for line in done.stdout.splitlines()[1:]],
          ["forward", "compute", "forward", "compute", "reply", "reply", "reply"])


# What DistWalk took without a word and then did not do. docs/distwalk.md has the reasons.
REFUSED = [
    ("-C 10x", "10x"),
    ("-C exp:10:min=100:max=1", "min"),
    ("-R100 -C 1", "must come last"),
    ("-s 1 -R", "skip"),
    ("--ps exp:1000", "at least 24B"),
    ("--ps 24 -C 1", "at least 48"),
    ("--rs=4", "24"),
    ("-o /tmp/x.csv,sep=_", "cannot separate"),
    ("-o /tmp/x.txt,sep=:", "cannot separate"),
    ("-o /tmp/x.dat", "must end in .csv or .txt"),
    ("--to dpdk://00:11:22:33:44:55", "dpdk is not served"),
    ("-b dpdk://eth0", "dpdk is not served"),
    ("-F dpdk://00:11:22:33:44:55", "dpdk is not served"),
    ("--dpdk-rx-cpu 0", "no such option"),
    ("--dpdk-tx-cpu 0", "no such option"),
    ("--num 3", "could be any of"),
    ("-R 100", "is not an option"),
]


def test_what_cannot_be_done_is_a_sentence():
    def check(form, word):
        done = run("client", *shlex.split(form), "-n", "1", status=2)
        assert word in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    check_each(REFUSED, check)


def test_help_and_usage_end_well():
    for option in ("-h", "--help", "--usage"):
        out = run("client", option, status=0).stdout
        for name in ("--to=", "-n, --requests", "-C, --comp-time", "-f, --script-filename"):
            assert name in out, (option, name)
    assert run("--version", status=0).stdout.startswith("ringwalk ")


def test_parts_of_an_address_may_be_left_out():
    with Node() as node:
        for to in (f":{node.port}", f"tcp::{node.port}", f"tcp://:{node.port}",
                   f"tcp:127.0.0.1:{node.port}", f"tcp://{node.to}", f"localhost:{node.port}"):
            equal(ask("", f"--to {to}").result["counts"]["done"], 2)


def test_the_default_address_is_distwalks():
    """Both sides; where somebody else listens there, only that it is meant."""
    bind = ("--bind-addr=tcp:",)
    try:
        with Node("-a", "shared", bind=bind) as node:
            equal(node.to, "127.0.0.1:7891")
            for form in ("--to tcp:", "--to tcp://", "--to 127.0.0.1", "--to tcp:127.0.0.1"):
                equal(ask("", form).result["counts"]["done"], 2)
            done = run("client", "-n", "1", status=(0, 1))
            assert "127.0.0.1:7891" in done.stdout, done.stdout
    except AssertionError as problem:
        if "in use" not in str(problem):
            raise
        assert "127.0.0.1:7891" in str(problem), problem
        raise Skipped("port 7891 is taken") from problem


def test_a_client_speaks_from_where_it_is_bound():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peers = []
        thread = threading.Thread(target=lambda: peers.append(listener.accept()[1]))
        thread.start()
        with nobody() as port:  # on another address
            run("client", "--to", f":{listener.getsockname()[1]}", "-b", f"127.0.0.2:{port}",
                "-n", "1", "--drain=100ms", "-q")
        thread.join(timeout=10)
        equal(peers, [("127.0.0.2", port)])


def test_connecting_is_tried_again():
    start = time.monotonic()
    with nobody() as port:
        run("client", "--to", f":{port}", "--retry-num", "2", "--retry-period", "200", status=3)
    took_s = time.monotonic() - start
    assert took_s >= 0.4, took_s


def test_seeds_draw_the_same_again():
    with Node() as node:
        drawn = [ask(node.to, f"-p exp:1ms -n 20 --seed {seed}").intended_ns
                 for seed in (5, 5, -5, -5, 6)]
    assert drawn[0] == drawn[1] != drawn[2] == drawn[3] != drawn[4] != drawn[0]


def test_sessions_and_threads_draw_numbers_of_their_own():
    """D17: there each session began anew, and thread 1 of seed 5 was thread 0 of seed 6."""
    with Node() as node:
        drawn = gaps(ask(node.to, "-p exp:1ms --ns 2 -n 8 --seed 5"))
        assert drawn[:3] != drawn[4:], drawn
        both = ask(node.to, "-p exp:1ms --nt 2 -n 4 --seed 5").records
        other = ask(node.to, "-p exp:1ms -n 4 --seed 6")
    second = [int(row["intended_ns"]) for row in both if row["thread"] == "1"]
    assert [b - a for a, b in zip(second, second[1:])] != gaps(other), (second, other.records)


def test_udp_has_the_same_forms():
    need_udp()
    with Node(bind=("-b", "udp://127.0.0.1:0")) as node:
        port = int(node.to.rsplit(":", 1)[1])
        for to in (f"udp://127.0.0.1:{port}", f"udp::{port}", f"udp://:{port}"):
            equal(ask("", f"--to {to} -C 1ms").result["counts"]["done"], 2)
        with Node() as near:
            far = f"udp://127.0.0.1:{port}"
            equal(ask(near.to, f"-F {far},timeout=1s -C 1ms").result["counts"]["done"], 2)


# §1.6: files of options.
SCRIPTS = [
    ("-n 3\n-r 200\n-C 1ms\n", 3),
    ("n 3\nr 200\nC 1ms\nR 64\n", 3),
    ("# a comment\n-n 3 # another\nrate 200   C 1ms\n", 3),
    ("num-pkts 3\ncomp-time 10ms\n--rate 200\n", 3),
    ("num-p 3\n--peri 5ms\nskip 1,prob=0.5\ncomp 1\nforward {to}\nC 1ms\n", 3),
    ("--num-pkts=3\nperiod 5000\nstore-offset -1\nS 100\nL 100\n", 3),
    ("n 3\nr 200\nF \"{to}\",timeout=1s\nC 5\n", 3),
]


def test_scripts_are_read_as_in_distwalk():
    with stored() as node:
        def check(text, count):
            path = pathlib.Path(FOLDER.name, "script-with-dashes.dw")
            path.write_text(text.format(to=node.to), encoding="ascii")
            for option in ("-f", "--script-filename", "--script"):
                done = run("client", "--to", node.to, option, str(path), "--rows", "-q",
                           "--drain=20s", status=(0, 1))
                equal(len(rows_of(done.stdout)), count)
        check_each(SCRIPTS, check)


def test_a_script_that_is_not_understood_is_refused_by_line():
    path = pathlib.Path(FOLDER.name, "wrong.dw")
    path.write_text("n 3\nnumber-of-things 4\n", encoding="ascii")
    done = run("client", "-f", str(path), status=2)
    assert f"{path}:2:" in done.stderr, done.stderr


# §1.7: the file that -o names, its first line and one of its rows.
OUTPUTS = [
    ("rows.csv", r"t\(us\),elapsed\(us\),req_id,thr_id,sess_id", r"\d+,\d+,0,0,0", 4),
    ("rows.csv,sep=;", r"t\(us\);elapsed\(us\);req_id;thr_id;sess_id", r"\d+;\d+;0;0;0", 4),
    ("rows.csv,header=0", r"\d+,\d+,0,0,0", r"\d+,\d+,1,0,0", 3),
    ("rows.csv,header=false,sep=|", r"\d+\|\d+\|0\|0\|0", r"\d+\|\d+\|1\|0\|0", 3),
    ("rows.csv,header=true", r"t\(us\),elapsed\(us\),.*", r"\d+,\d+,0,0,0", 4),
    ("rows.csv,sep=,,header=1", r"t\(us\),elapsed\(us\),.*", r"\d+,\d+,0,0,0", 4),
    ("rows.txt", r"t:\d+,elapsed:\d+,req_id:0,thr_id:0,sess_id:0", r"t:\d+,.*req_id:1,.*", 3),
    ("rows.txt,sep=;,header=0", r"t:\d+;elapsed:\d+;req_id:0;thr_id:0;sess_id:0", r"t:.*", 3),
]


def test_output_files_have_distwalks_columns():
    with Node() as node:
        def check(form, first, second, count):
            path = pathlib.Path(FOLDER.name, form.split(",")[0])
            for option in ("-o", "--output", "--output-file"):
                run("client", "--to", node.to, "-n", "3", "-r", "200", option,
                    f"{FOLDER.name}/{form}", "-q", "--drain=20s", status=(0, 1))
                lines = path.read_text(encoding="ascii").splitlines()
                equal(len(lines), count)
                assert re.fullmatch(first, lines[0]) and re.fullmatch(second, lines[1]), lines
        check_each(OUTPUTS, check)
        run("client", "--to", node.to, "-n", "3", "-r", "200", "--nano", "-q", "-o",
            f"{FOLDER.name}/rows.csv", status=(0, 1))
        first = pathlib.Path(FOLDER.name, "rows.csv").read_text(encoding="ascii").split("\n")[0]
        equal(first, "t(ns),elapsed(ns),req_id,thr_id,sess_id")


def test_what_was_lost_has_a_row_and_no_number():
    with Node() as node, nobody() as port:
        got = ask(node.to, f"-F :{port} -C 1ms", status=1)
        equal([row[1] for row in got.rows], [None, None])
        equal(got.result["counts"]["failed"], 2)
        got = ask(node.to, f"-F {node.to},timeout=20ms -C 100ms", status=1)
        equal([row[1] for row in got.rows], [None, None])
        # There the table had no such line; its counts stand in every result.
        done = run("client", "--to", node.to, "-n", "2", "-r", "200", "--drain=20s",
                   status=(0, 1))
        assert "2 planned, 2 sent, 2 done" in done.stdout, done.stdout


if __name__ == "__main__":
    os.chdir(FOLDER.name)
    sys.exit(main(globals()))
