#!/usr/bin/env python3
"""idle.py - what an idle connection costs a node in memory of its own.

    bench/idle.py RINGWALK [CONNECTIONS]

For each backend a fresh node; anonymous memory (RssAnon of /proc/PID/status) before, with so many
connections open, after one request on each of them, and after they are closed. select takes what
fits below FD_SETSIZE. Loopback only; both processes need as many descriptors as connections.

SPDX-License-Identifier: Apache-2.0
"""
import re
import resource
import socket
import struct
import subprocess
import sys
import time

REQUEST = struct.pack("<IBBBBQII", 64, 1, 1, 8, 0, 1, 12, 0) + struct.pack("<BBHQ", 3, 0, 12, 64)
REQUEST += bytes(64 - len(REQUEST))
WARM_UP = 64


def memory(pid):
    """RssAnon and VmSize in bytes."""
    text = open(f"/proc/{pid}/status").read()
    return [1024 * int(re.search(rf"{field}:\s+(\d+) kB", text)[1]) for field in
            ("RssAnon", "VmSize")]


def settled(pid):
    time.sleep(0.7)
    return memory(pid)


def ask(sock):
    sock.sendall(REQUEST)
    have = 0
    while have < 64:
        have += len(sock.recv(64 - have)) or sys.exit("idle.py: the node closed a connection")


def measure(program, backend, count):
    node = subprocess.Popen([program, "node", f"--backend={backend}", "--bind-addr=127.0.0.1:0"],
                            stdout=subprocess.PIPE, text=True)
    try:
        port = int(node.stdout.readline().rsplit(":", 1)[1])
        address = ("127.0.0.1", port)
        for _ in range(WARM_UP):
            with socket.create_connection(address) as sock:
                ask(sock)
        before, size = settled(node.pid)
        socks = [socket.create_connection(address) for _ in range(count)]
        idle, idle_size = settled(node.pid)
        for sock in socks:
            ask(sock)
        used, _ = settled(node.pid)
        for sock in socks:
            sock.close()
        after, _ = settled(node.pid)
    finally:
        node.terminate()
        node.wait(timeout=10)
    cells = [(idle - before) / count, (idle_size - size) / count, (used - before) / count,
             (after - before) / 1024]
    print(f"{backend:9} {count:6} " + " ".join(f"{cell:14.0f}" for cell in cells))


def main():
    program = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    count = min(count, limit - 200)
    print("bytes of the node's own memory per connection")
    print("backend    conns     idle (RSS)  idle (address)  after traffic  KiB left when closed")
    for backend in ("select", "poll", "epoll", "io_uring"):
        measure(program, backend, min(count, 1000) if backend == "select" else count)


if __name__ == "__main__":
    main()
