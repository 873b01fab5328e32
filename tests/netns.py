"""netns.py - network namespaces for a test: machines of their own, on a bridge or on one cable.

    with Cable() as net, Node("--insecure", prefix=net.inside(1), bind=(f"-b={net.host(1)}:7891",)):
        load(node, ..., prefix=net.inside(2))

That needs root, ip(8) and a kernel with such devices; where one is missing, Skipped is raised with
the reason. What is made has the test's process id in its name, so that suites do not meet, and is
removed at the end, whatever happens.

SPDX-License-Identifier: Apache-2.0
"""
import os
import shutil
import subprocess
import sys

from ringwalk import Skipped

# What `ethtool -K eth0 tso off gso off gro on` does, for ethtool(8) is not everywhere:
# ETHTOOL_STSO, SGSO and SGRO of linux/ethtool.h, by SIOCETHTOOL.
SET_OFFLOADS = """
import array, fcntl, socket, struct
s = socket.socket()
for command, value in (0x1f, 0), (0x24, 0), (0x2c, 1):
    data = array.array("B", struct.pack("II", command, value))
    fcntl.ioctl(s, 0x8946, struct.pack("16sP24x", b"eth0", data.buffer_info()[0]))
"""


def command(*words):
    subprocess.run(words, check=True, capture_output=True, timeout=60)


def ip(*args):
    command("ip", *args)


class Spaces:
    """Machines 1, 2 ... of a network, each with its address on eth0; what joins them, a subclass
    says in build()."""

    network = None  # the first three numbers of every address

    def __init__(self, count):
        self.spaces = [f"rw{os.getpid()}n{i + 1}" for i in range(count)]

    def __enter__(self):
        if os.geteuid() or not shutil.which("ip"):
            raise Skipped("network namespaces need root and ip(8)")
        try:
            self.build()
        except subprocess.CalledProcessError as problem:
            self.remove()
            raise Skipped(f"no such network here: {problem.stderr.decode().strip()}") from problem
        except subprocess.TimeoutExpired:
            self.remove()
            raise
        return self

    def __exit__(self, *_):
        self.remove()

    def build(self):
        raise NotImplementedError

    def remove(self):
        for space in self.spaces:
            subprocess.run(["ip", "netns", "del", space], capture_output=True, timeout=60,
                           check=False)

    def add_spaces(self):
        for space in self.spaces:
            ip("netns", "add", space)

    def start_device(self, number):
        """eth0 of the machine, which is there, gets its address and is up."""
        space = self.spaces[number - 1]
        ip("-n", space, "addr", "add", f"{self.host(number)}/24", "dev", "eth0")
        ip("-n", space, "link", "set", "eth0", "up")

    def host(self, number):
        return f"{self.network}.{number}"

    def inside(self, number):
        """What to put in front of a command for the machine."""
        return ("ip", "netns", "exec", self.spaces[number - 1])


class Cable(Spaces):
    """Two machines on the ends of one veth pair that runs by NAPI, as receive offload makes it, so
    that its receive queues can be polled."""

    network = "10.78.0"

    def __init__(self):
        super().__init__(2)

    def build(self):
        self.add_spaces()
        ip("-n", self.spaces[0], "link", "add", "eth0", "type", "veth", "peer", "name", "eth0",
           "netns", self.spaces[1])
        for number in (1, 2):
            self.start_device(number)
            command(*self.inside(number), sys.executable, "-c", SET_OFFLOADS)


class Bridge(Spaces):
    """As many machines as one likes on one bridge, which is in a namespace, too."""

    network = "10.77.0"

    def __init__(self, count):
        super().__init__(count)
        self.hub = f"rw{os.getpid()}hub"

    def build(self):
        self.add_spaces()
        ip("netns", "add", self.hub)
        ip("-n", self.hub, "link", "add", "br0", "type", "bridge")
        ip("-n", self.hub, "link", "set", "br0", "up")
        for number, space in enumerate(self.spaces, 1):
            ip("-n", space, "link", "set", "lo", "up")
            ip("-n", space, "link", "add", "eth0", "type", "veth", "peer", "name", f"v{number}",
               "netns", self.hub)
            ip("-n", self.hub, "link", "set", f"v{number}", "master", "br0", "up")
            self.start_device(number)

    def remove(self):
        super().remove()
        subprocess.run(["ip", "netns", "del", self.hub], capture_output=True, timeout=60,
                       check=False)
