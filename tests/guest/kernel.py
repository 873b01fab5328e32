#!/usr/bin/env python3
"""kernel.py - one of Debian's kernels, fetched and verified by apt into a folder of the checkout.

apt gets a list of sources, an index and a cache of its own in that folder, so that nothing of the
machine changes, no rights are needed, and kernels of a suite that the machine does not follow
(backports) can be had. The mirror is the machine's own. The cloud flavour has all that the suites
need built in (NUMA, cpusets, both serial lines, debugfs), so there are no modules to carry.

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
META = "linux-image-cloud-amd64"  # depends on the newest kernel of its suite
# Version -> the suites that have it, each with the mirror to take when the machine has none.
SUITES = {
    "6.1": {"bookworm": "http://deb.debian.org/debian",
            "bookworm-security": "http://deb.debian.org/debian-security"},
    "6.12": {"bookworm-backports": "http://deb.debian.org/debian"},
}
UPDATE_S, DOWNLOAD_S, QUERY_S = 120, 180, 30


class NotHere(Exception):
    """Why the guest cannot be had on this machine: a sentence."""


def call(*command, limit_s, **how):
    """What it printed; a failure of any kind is NotHere with its last line."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s,
                              check=False, env={**os.environ, "LC_ALL": "C"}, **how)
    except FileNotFoundError:
        raise NotHere(f"there is no {command[0]} here to get Debian's kernel") from None
    except subprocess.TimeoutExpired:
        raise NotHere(f"{command[0]} did not get Debian's kernel in {limit_s} s") from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("E: ")]
        raise NotHere(f"Debian's kernel cannot be had: {command[0]} says: "
                      f"{said[0][3:] if said else done.stderr.strip()}")
    return done.stdout


def own_mirrors():
    """Suite -> mirror, as this machine's apt has them."""
    lines = call("apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)",
                 "Created-By: Packages", limit_s=QUERY_S).splitlines()
    return dict(line.split()[:2] for line in lines if len(line.split()) >= 2)


def sources(version, mirrors):
    """The lines of a sources.list for that version; backports lie beside bookworm."""
    lines = []
    for suite, usual in SUITES[version].items():
        mirror = mirrors.get(suite) or mirrors.get(suite.removesuffix("-backports")) or usual
        lines.append(f"deb [signed-by={KEYRING} arch=amd64] {mirror} {suite} main\n")
    return "".join(lines)


def apt_options(folder):
    """Everything apt reads and writes lies in the folder, but the keyring."""
    own = {"Dir::Etc::sourcelist": folder / "sources.list", "Dir::Etc::sourceparts": "-",
           "Dir::Etc::preferences": "/dev/null", "Dir::Etc::preferencesparts": "-",
           "Dir::State::lists": folder / "lists", "Dir::Cache": folder / "cache",
           "Acquire::Languages": "none", "Acquire::Retries": "2", "Acquire::http::Timeout": "30",
           "APT::Update::Error-Mode": "any", "APT::Architecture": "amd64",
           "APT::Sandbox::User": "root"}
    return [word for key, value in own.items() for word in ("-o", f"{key}={value}")]


def newest(version, options):
    """The name of the package that the suite's meta package stands for."""
    said = call("apt-cache", *options, "depends", META, limit_s=QUERY_S)
    match = re.search(r"Depends: (linux-image-(\d+\.\d+)\S*-cloud-amd64)", said)
    if not match:
        raise NotHere(f"apt knows no {META} in {', '.join(SUITES[version])}")
    if match[2] != version:
        raise NotHere(f"{', '.join(SUITES[version])} has Linux {match[2]} now, not {version}")
    return match[1]


def unpack(package, folder):
    """vmlinuz of a package file, put at its place in one step."""
    call("dpkg-deb", "-x", package, folder, limit_s=DOWNLOAD_S)
    found = sorted(pathlib.Path(folder, "boot").glob("vmlinuz-*"))
    if not found:
        raise NotHere(f"{package.name} has no boot/vmlinuz")
    return found[0]


def download(version, home, scratch):
    """Fetches and unpacks; home/vmlinuz is there afterwards, and home/package names it."""
    (scratch / "lists").mkdir()
    (scratch / "cache").mkdir()
    (scratch / "sources.list").write_text(sources(version, own_mirrors()), encoding="ascii")
    options = apt_options(scratch)
    call("apt-get", *options, "-qq", "update", limit_s=UPDATE_S)
    package = newest(version, options)
    call("apt-get", *options, "-qq", "download", package, limit_s=DOWNLOAD_S, cwd=scratch)
    image = unpack(next(scratch.glob("*.deb")), scratch / "root")
    (home / "package").write_text(package + "\n", encoding="ascii")
    os.replace(image, home / "vmlinuz")


def fetch(version, home):
    """The path of the image and the name of its package; apt is asked only the first time."""
    if not (home / "vmlinuz").exists():
        scratch = pathlib.Path(tempfile.mkdtemp(prefix="apt-", dir=home))
        try:
            download(version, home, scratch)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return home / "vmlinuz", (home / "package").read_text(encoding="ascii").strip()
