#!/usr/bin/env python3
"""initramfs.py - the guest's files: programs where they lie here, their libraries, init, a list.

Paths in the guest are those of this machine, so a test's command is the same in both. The archive
is cpio's "newc" (the kernel's Documentation/driver-api/early-userspace/buffer-format.rst), written
here: it takes no program, no rights, and nothing but what the list needs gets into it.

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import re
import stat
import subprocess

INIT_LIST = "/guest/list"
# glibc loads it by name when a thread is cancelled; ldd does not see that.
UNSEEN = "/lib/x86_64-linux-gnu/libgcc_s.so.1"
LDD_PATH = re.compile(r"(?:=> )?(/\S+) \(0x")


def entry(name, mode, data=b"", device=(0, 0)):
    """One member: a header of thirteen fields of eight digits, the name, the data, padded."""
    encoded = name.encode() + b"\0"
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(encoded), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def folders_of(paths):
    """Every folder above the paths, the outer ones first."""
    found = {str(parent) for path in paths for parent in pathlib.PurePath(path).parents}
    return sorted(found - {"/", "."})


CONSOLE = "/dev/console"  # what init has for standard output until it opens another


def archive(files, folders=()):
    """Bytes of an archive of {path: (mode, data)}, with folders, those above them, a console."""
    below = [*files, CONSOLE, *(os.path.join(name, "x") for name in folders)]
    members = [entry(path.lstrip("/"), stat.S_IFDIR | 0o755) for path in folders_of(below)]
    members.append(entry(CONSOLE.lstrip("/"), stat.S_IFCHR | 0o600, device=(5, 1)))
    members += [entry(path.lstrip("/"), stat.S_IFREG | mode, data)
                for path, (mode, data) in sorted(files.items())]
    numbered = [renumber(member, i) for i, member in enumerate(members, 1)]
    return b"".join(numbered) + entry("TRAILER!!!", 0)


def renumber(member, number):
    """With an inode of its own, lest two files are taken for links of one."""
    return member[:6] + b"%08X" % number + member[14:]


def is_program(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def libraries(program):
    """The paths of all that the loader would load."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True, timeout=30,
                          check=False).stdout
    return LDD_PATH.findall(said)


def read(path):
    with open(path, "rb") as file:
        return stat.S_IMODE(os.fstat(file.fileno()).st_mode), file.read()


def wanted_files(suites):
    """What the commands name, programs with their libraries."""
    words = {os.path.join(suite.folder, word) for suite in suites for word in suite.command}
    named = set(filter(os.path.isfile, words))
    loaded = {path for word in named if is_program(word) for path in libraries(word)}
    return named | loaded | {UNSEEN} & set(filter(os.path.exists, [UNSEEN]))


def list_line(suite):
    return "\t".join([str(suite.limit_s), suite.name, suite.folder, *suite.command]) + "\n"


def build(init, suites):
    """The archive for a list of suites (name, command, folder, limit_s)."""
    files = {path: read(path) for path in wanted_files(suites)}
    files |= {path: read(path) for path in libraries(init)}
    files["/init"] = read(init)
    files[INIT_LIST] = (0o644, "".join(map(list_line, suites)).encode())
    return archive(files, {"/proc", "/sys", "/run", "/tmp", *(s.folder for s in suites)})
