"""ringwalk.py - the program as a test's user starts it: nodes, clients, proxies, and what they say.

Every process is bounded in time and ended by who started it.

SPDX-License-Identifier: Apache-2.0
"""
import contextlib
import json
import linecache
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import traceback

RINGWALK = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "build/src/cli/ringwalk"
TOP = pathlib.Path(__file__).resolve().parent.parent
BACKENDS = ["select", "poll", "epoll", "io_uring"]


class Skipped(Exception):
    """What a test raises when this machine cannot run it: the reason."""


def run(*args, status=None, timeout=120, prefix=(), **how):
    """Runs ringwalk to its end; status: the exit codes that are right (None: any)."""
    done = subprocess.run([*prefix, RINGWALK, *args], capture_output=True, text=True,
                          timeout=timeout, check=False, **how)
    if status is not None:
        wanted = status if isinstance(status, tuple) else (status,)
        assert done.returncode in wanted, f"{args}: status {done.returncode}: {done.stderr}"
    return done


class Server:
    """A process that says "listening on ADDRESS" for each address, for the length of a with."""

    command = "node"
    last_counters = "all: "  # how their last line begins (then come a node's devices)

    def __init__(self, *args, bind=("--bind-addr=127.0.0.1:0",), prefix=(), **how):
        self.process = subprocess.Popen([*prefix, RINGWALK, self.command, *bind, *args], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how)
        self.addresses = []
        wanted = max(1, sum(arg.startswith(("-b", "--bind")) for arg in bind))
        while len(self.addresses) < wanted:
            line = self.process.stdout.readline()
            assert line, self.process.stderr.read()
            if line.startswith("listening on "):
                self.addresses.append(line.split()[2])
        self.to = self.addresses[0]

    @property
    def port(self):
        """Of its first address, as a number."""
        return int(self.to.rsplit(":", 1)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def is_alive(self):
        return self.process.poll() is None

    def counters(self):
        """The lines that SIGUSR1 has it print."""
        self.process.send_signal(signal.SIGUSR1)
        lines = []
        while not lines or not lines[-1].startswith(self.last_counters):
            lines.append(self.process.stdout.readline())
            assert lines[-1], "it has ended: " + self.process.stderr.read()
        return lines

    def until(self, is_so, seconds=30):
        """Its counters, which are asked for until is_so(their lines): they may be of before."""
        end = time.monotonic() + seconds
        while not is_so(lines := self.counters()):
            assert time.monotonic() < end, lines
            time.sleep(0.01)
        return lines

    def stop(self, number=signal.SIGTERM):
        """Its exit status and all it said."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


class Node(Server):
    """A node on port 0."""

    def requests(self):
        return requests_in(self.counters())

    def await_requests(self, count):
        """Until so many have come: a client that was started is at work then."""
        self.until(lambda lines: requests_in(lines) >= count)


class Proxy(Server):
    """A proxy on port 0."""

    command = "proxy"
    last_counters = "faults: "


def requests_in(lines):
    return int(re.search(r"requests (\d+)", lines[-1])[1])


@contextlib.contextmanager
def nobody(kind=socket.SOCK_STREAM):
    """A port where nobody listens, and where nobody else can as long as this holds it."""
    with socket.socket(type=kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_DGRAM:
            taken.connect(("127.0.0.1", 9))  # what comes from others is refused by the kernel
        yield taken.getsockname()[1]


def patient(args):
    """With time for answers on a busy machine, unless they say how much: it is seldom used."""
    return args if any(arg.startswith("--drain") for arg in args) else ("--drain=20s", *args)


def load(node, *args, status=(0, 1), **how):
    """A client's result as JSON."""
    return json.loads(run("client", f"--to={node.to}", "--quiet", "--json=-", *patient(args),
                          status=status, **how).stdout)


def check_done(node, count, *args, **how):
    """Loads it; so many are done."""
    counts = load(node, *args, **how)["counts"]
    assert counts["done"] == count, counts


def check_counts(result):
    """Whatever happened, nothing is lost from the books."""
    counts = result["counts"]
    assert counts["planned"] == counts["sent"] + counts["censored"], counts
    assert counts["sent"] == (counts["done"] + counts["failed"] + counts["timed_out"] +
                              counts["unanswered"]), counts


def where(problem):
    """The way through the tests to it, as "test_x.py:12, ringwalk.py:30: the line itself"."""
    frames = [frame for frame in traceback.extract_tb(problem.__traceback__)[1:]
              if pathlib.Path(frame.filename).resolve().parent == TOP / "tests"]
    places = ", ".join(f"{os.path.basename(frame.filename)}:{frame.lineno}" for frame in frames)
    return f"{places}: {frames[-1].line}" if frames else "an unknown place"


def known(problem):
    """Of an assertion that says nothing: what the names in its line stand for."""
    at = [(frame, line) for frame, line in traceback.walk_tb(problem.__traceback__)
          if pathlib.Path(frame.f_code.co_filename).resolve().parent == TOP / "tests"]
    if problem.args or not isinstance(problem, AssertionError) or not at:
        return ""
    frame, line = at[-1]
    words = re.findall(r"[a-z_]\w*", linecache.getline(frame.f_code.co_filename, line))
    return "".join(f"; {word} is {frame.f_locals[word]!r:.500}"
                   for word in dict.fromkeys(words) if word in frame.f_locals)


def run_one(name, test):
    """"passed", "failed" or "skipped", which it prints."""
    title = name[5:].replace("_", " ")
    try:
        test()
    except Skipped as reason:
        print(f"  {title} ... skipped: {reason}", flush=True)
        return "skipped"
    except (AssertionError, OSError, subprocess.SubprocessError, LookupError, TypeError,
            ValueError) as problem:
        print(f"  {title} ... FAILED: {problem!r} at {where(problem)}{known(problem)}", flush=True)
        return "failed"
    print(f"  {title} ... passed", flush=True)
    return "passed"


def main(tests):
    """Runs every test_ of a module, or those named behind the program."""
    wanted = sys.argv[2:]
    unknown = [name for name in wanted if name not in tests]
    if unknown:
        print("no such test:", *unknown)
        return 2
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for name, test in sorted(tests.items()):
        if name.startswith("test_") and (not wanted or name in wanted):
            counts[run_one(name, test)] += 1
    print(", ".join(f"{count} {what}" for what, count in counts.items()))
    if counts["skipped"] and not counts["failed"] and not counts["passed"]:
        return 77  # not possible here, as meson has it
    return 1 if counts["failed"] or not sum(counts.values()) else 0
