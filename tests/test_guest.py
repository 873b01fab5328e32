#!/usr/bin/env python3
"""test_guest.py - the guest's harness, without a guest: every way one can end, and what it counts.

What a guest says is text, guests are scripts that say it, and apt is a script in a folder of the
test's own; so nothing is emulated or downloaded here.

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import sys
import tempfile
import time
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).parent / "guest"))

import emulator
import initramfs
import kernel
import markers
import session
from ringwalk import main

READY = "@guest ready 6.1.0-1-cloud-amd64 cpus 0-3 nodes 0-1\n"
A = "@guest begin a\nsaid by a\n2 passed, 0 failed, 0 skipped\n\n@guest end a exit 0\n"
B = "@guest begin b c\n1 passed, 1 failed, 0 skipped\n\n@guest end b c exit 1\n"
DONE = "@guest done\n"
OOPS = "[    9.1] Oops: 0000 [#1] PREEMPT SMP\n[    9.2] Kernel panic - not syncing: Fatal\n"


def suites(*names, **how):
    return [session.Suite(name, ["/bin/true"], **how) for name in names]


def outcomes(results):
    return [(result.name, result.result) for result in results]


def play(wanted, *boots, end_s=60):
    """A session over guests that said these texts (or pairs with a console), in turn."""
    left = list(boots)

    def boot(_, __):
        said = left.pop(0)
        text, console = said if isinstance(said, tuple) else (said, "")
        return markers.Boot(text), console
    work = session.Session(wanted, boot, time.monotonic() + end_s)
    work.run()
    return work, len(boots) - len(left)


def test_whole_output_is_a_result_for_each_suite():
    boot = markers.Boot(READY + A + B + DONE)
    assert boot.booted and boot.done and boot.under_way is None
    assert (boot.cpus, boot.nodes, boot.aside) == ("0-3", "0-1", "")
    assert outcomes(boot.ended) == [("a", "OK"), ("b c", "FAIL")]
    assert boot.ended[0].text == "said by a\n2 passed, 0 failed, 0 skipped\n"


def test_it_may_come_in_any_pieces():
    whole = (READY + A + B + DONE).replace("\n", "\r\n")
    for size in (1, 2, 7, 64):
        boot = markers.Boot()
        for start in range(0, len(whole), size):
            boot.feed(whole[start:start + size])
        assert outcomes(boot.ended) == [("a", "OK"), ("b c", "FAIL")] and boot.done, size


def test_every_cut_of_the_output_is_understood():
    whole = READY + A + B + DONE
    for length in range(len(whole)):
        boot = markers.Boot(whole[:length])
        assert boot.booted == (length >= len(READY)), length
        assert not boot.done
        names = [result.name for result in boot.ended]
        assert names == ["a", "b c"][:len(names)], names
        assert not boot.under_way or boot.under_way.name not in names


def test_each_end_has_its_word():
    for how, number, result, says in (("exit", 0, "OK", ""), ("exit", 77, "SKIP", ""),
                                      ("exit", 1, "FAIL", "status 1"),
                                      ("signal", 11, "FAIL", "signal 11"),
                                      ("timeout", 0, "TIMEOUT", "in its time")):
        boot = markers.Boot(f"{READY}@guest begin x\nwords\n@guest end x {how} {number}\n")
        assert boot.ended[0].result == result, how
        assert says in boot.ended[0].text, how


def test_a_mark_in_the_middle_of_a_line_or_out_of_order_is_none():
    boot = markers.Boot(READY + "@guest end a exit 0\n@guest begin a\nhe said @guest end a exit 0\n"
                        "@guest end b exit 0\n")
    assert boot.ended == [] and boot.under_way.name == "a"
    assert "he said" in boot.under_way.text


def test_what_is_said_outside_of_suites_is_kept_apart():
    boot = markers.Boot("init: no cgroup2: No such device\n" + READY + A)
    assert boot.aside == "init: no cgroup2: No such device\n"


def test_three_guests_that_do_not_boot_are_no_result_at_all():
    work, count = play(suites("a"), "", "qemu: no memory\n", "Booting\n")
    assert count == 3 and work.reached is None and work.results == []


def test_a_guest_that_does_not_boot_is_tried_again():
    work, count = play(suites("a", "b c"), "", READY + A + B + DONE)
    assert count == 2 and outcomes(work.results) == [("a", "OK"), ("b c", "FAIL")]


def test_an_oops_in_the_middle_costs_another_guest_and_no_result():
    work, count = play(suites("a", "b c"), (READY + A + "@guest begin b c\n", OOPS),
                       READY + B.replace("exit 1", "exit 0") + DONE)
    assert count == 2 and outcomes(work.results) == [("a", "OK"), ("b c", "OK")]


def test_a_suite_that_twice_takes_the_guest_with_it_has_failed_and_the_rest_goes_on():
    torn = (READY + "@guest begin a\nhalf a li", OOPS)
    work, count = play(suites("a", "b c"), torn, torn, READY + B + DONE)
    assert count == 3 and outcomes(work.results) == [("a", "FAIL"), ("b c", "FAIL")]
    assert "2 times: Oops: 0000 [#1] PREEMPT SMP" in work.results[0].text


def test_what_began_and_never_ended_has_failed_even_if_no_other_guest_boots():
    work, _ = play(suites("a", "b"), (READY + "@guest begin a\n", OOPS), "", "")
    assert outcomes(work.results) == [("a", "FAIL"), ("b", "FAIL")]
    assert "began and did not end" in work.results[0].text
    assert "not reached" in work.results[1].text


def test_a_guest_that_ends_early_is_not_taken_for_a_success():
    work, count = play(suites("a", "b c"), READY + A, READY, READY)
    assert count == 3 and outcomes(work.results) == [("a", "OK"), ("b c", "FAIL")]


def test_when_the_time_is_over_what_is_under_way_has_failed():
    work, count = play(suites("a"), (READY + "@guest begin a\n", ""), READY + A, end_s=0)
    assert count == 0 and work.results == []

    def boot(_, end):
        work.end = time.monotonic()
        return markers.Boot(READY + "@guest begin a\n"), ""
    work = session.Session(suites("a"), boot, time.monotonic() + 60)
    assert outcomes(work.run()) == [("a", "FAIL")]


def test_what_must_be_possible_and_is_skipped_has_failed():
    skipped = READY + "@guest begin a\n0 passed, 0 failed, 1 skipped\n\n@guest end a exit 77\n"
    assert outcomes(play(suites("a"), skipped)[0].results) == [("a", "SKIP")]
    work, _ = play(suites("a", must=True), skipped)
    assert outcomes(work.results) == [("a", "FAIL")] and "must be possible" in work.results[0].text
    in_part = skipped.replace("0 passed", "3 passed").replace("exit 77", "exit 0")
    assert outcomes(play(suites("a"), in_part)[0].results) == [("a", "OK")]
    work, _ = play(suites("a", must=True), in_part)
    assert outcomes(work.results) == [("a", "FAIL")] and "must be possible" in work.results[0].text
    whole = in_part.replace("1 skipped", "0 skipped")
    assert outcomes(play(suites("a", must=True), whole)[0].results) == [("a", "OK")]


def test_patterns_choose_tests_in_their_order_and_once():
    tests = [{"name": name, "cmd": ["/x", name], "workdir": None, "timeout": 30}
             for name in ("sched", "contract_b", "contract_a")]
    patterns = session.read_patterns("# words\nsched must\n\ncontract_* # more\nsched\n")
    chosen = session.choose(tests, "/b", patterns)
    assert [suite.name for suite in chosen] == ["sched", "contract_b", "contract_a"]
    assert chosen[1].command == ["/x", "contract_b"] and chosen[1].limit_s == 60
    assert chosen[1].folder == "/b"
    assert [suite.name for suite in session.choose(tests, "/b", patterns, ["contract_a"])] == [
        "contract_a"]
    for wrong, names in (("shed", []), ("sched", ["contract_a"])):
        try:
            session.choose(tests, "/b", session.read_patterns(wrong), names)
        except session.Mistake as mistake:
            assert "no test" in str(mistake)
        else:
            raise AssertionError(f"{wrong} {names} was taken")


def run_fake(script, wanted, end_s=30, record="/dev/null"):
    return emulator.run(["/bin/sh", "-c", script], wanted, time.monotonic() + end_s, record)


def test_a_guest_is_listened_to_until_it_ends():
    with tempfile.NamedTemporaryFile("r", encoding="ascii") as record:
        guest = run_fake(f"printf '%s' '{READY}{A}torn'", suites("a"), record=record.name)
        assert record.read() == READY + A + "torn"
    assert outcomes(guest.ended) == [("a", "OK")] and guest.torn == "torn"


def test_patience_with_one_that_hangs_ends_and_leaves_no_process():
    with tempfile.TemporaryDirectory() as folder, unittest.mock.patch("emulator.GRACE_S", 1):
        pid_file = pathlib.Path(folder, "pid")
        began = time.monotonic()
        guest = run_fake(f"echo $$ >{pid_file}; printf '{READY}'; exec sleep 60", suites("a"))
        took_s = time.monotonic() - began
        assert 0.9 < took_s < 20, took_s
        assert guest.booted and not guest.done
        pid = int(pid_file.read_text(encoding="ascii"))
    assert not os.path.exists(f"/proc/{pid}"), pid


def test_patience_is_of_the_step():
    wanted = suites("a", limit_s=7)
    watch = emulator.Watch(wanted, time.monotonic() + 1000)
    near = [(markers.Boot(), emulator.BOOT_S), (markers.Boot(READY), emulator.GRACE_S),
            (markers.Boot(READY + "@guest begin a\n"), 7 + emulator.GRACE_S)]
    for boot, limit_s in near:
        assert limit_s - 5 < watch.left_s(boot) <= limit_s
    watch.end = time.monotonic() - 1
    assert watch.left_s(near[0][0]) < 0


def test_qemu_is_told_of_the_shape_that_is_checked_afterwards():
    command = " ".join(emulator.qemu("6.1", "vmlinuz", pathlib.Path("/x")))
    for words in ("-smp 4,", "nodeid=0,cpus=0-1", "nodeid=1,cpus=2-3", "-accel tcg"):
        assert words in command, words
    assert (emulator.CPUS, emulator.NODES) == ("0-3", "0-1")


def members(data):
    """name -> (inode, mode, data) of an archive, by the kernel's description of the format."""
    found, at = {}, 0
    while True:
        assert data[at:at + 6] == b"070701", at
        field = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        name = data[at + 110:at + 110 + field[11] - 1].decode()
        start = at + 110 + field[11]
        start += -start % 4
        if name == "TRAILER!!!":
            return found
        found[name] = (field[0], field[1], data[start:start + field[6]])
        at = start + field[6] + -field[6] % 4


def test_the_archive_holds_files_folders_and_a_console():
    files = {"/usr/bin/x": (0o755, b"12345"), "/init": (0o700, b""), "/a/b": (0o644, b"1234")}
    found = members(initramfs.archive(files, {"/tmp", "/srv/here"}))
    assert found["usr/bin/x"][1:] == (0o100755, b"12345")
    assert found["a/b"][1:] == (0o100644, b"1234") and found["init"][1] == 0o100700
    assert found["dev/console"][1] == 0o020600
    for name in ("usr", "usr/bin", "a", "dev", "tmp", "srv", "srv/here"):
        assert found[name][1] == 0o040755, name
    assert len({inode for inode, _, _ in found.values()}) == len(found)
    names = list(found)
    assert names.index("usr") < names.index("usr/bin") < names.index("usr/bin/x")


def test_a_program_brings_its_libraries_and_the_list_has_a_line_for_it():
    suite = session.Suite("x y", ["/bin/sh", "-c", "true", "ls"], "/bin", 5)
    files = initramfs.wanted_files([suite])
    assert {"/bin/sh", "/bin/ls"} < files and any("libc.so" in path for path in files), files
    assert initramfs.list_line(suite) == "5\tx y\t/bin\t/bin/sh\t-c\ttrue\tls\n"


class Apt:
    """A PATH on which apt and dpkg-deb are scripts, for the length of a with."""

    def __init__(self, **scripts):
        self.scripts = scripts

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        for name, body in self.scripts.items():
            path = pathlib.Path(self.folder.name, name.replace("_", "-"))
            path.write_text("#!/bin/sh\n" + body, encoding="ascii")
            path.chmod(0o755)
        self.path = os.environ["PATH"]
        os.environ["PATH"] = f"{self.folder.name}:/usr/bin:/bin"
        return pathlib.Path(self.folder.name, "home")

    def __exit__(self, *_):
        os.environ["PATH"] = self.path
        self.folder.cleanup()


DEPENDS = "echo '  Depends: linux-image-6.1.0-9-cloud-amd64'"
APT_GET = """case "$*" in
*indextargets*) echo "bookworm http://mirror.example/debian/" ;;
*update*) cat "$(dirname "$0")"/home/apt-*/sources.list >"$(dirname "$0")/sources" ;;
*download*) echo package >linux.deb ;;
esac"""
DPKG_DEB = 'mkdir -p "$3/boot" && echo image >"$3/boot/vmlinuz-6.1"'


def test_a_kernel_is_fetched_once_by_apt_from_the_mirror_of_the_machine():
    with Apt(apt_get=APT_GET, apt_cache=DEPENDS, dpkg_deb=DPKG_DEB) as home:
        home.mkdir()
        image, package = kernel.fetch("6.1", home)
        assert package == "linux-image-6.1.0-9-cloud-amd64"
        assert image.read_text(encoding="ascii") == "image\n"
        assert sorted(os.listdir(home)) == ["package", "vmlinuz"]
        said = (home.parent / "sources").read_text(encoding="ascii")
        assert "http://mirror.example/debian/ bookworm main" in said, said
        assert "http://deb.debian.org/debian-security bookworm-security main" in said, said
        (home.parent / "apt-get").unlink()
        assert kernel.fetch("6.1", home) == (image, package)


def test_why_there_is_no_kernel_is_a_sentence_and_leaves_nothing():
    rows = (("6.1", "echo 'E: Failed to fetch x  Could not resolve y' >&2; exit 100", DEPENDS,
             "apt-get says: Failed to fetch x"),
            ("6.1", APT_GET, "exit 0", "apt knows no linux-image-cloud-amd64 in bookworm, "),
            ("6.12", APT_GET, DEPENDS, "bookworm-backports has Linux 6.1 now, not 6.12"))
    for version, apt_get, apt_cache, words in rows:
        with Apt(apt_get=apt_get, apt_cache=apt_cache, dpkg_deb=DPKG_DEB) as home:
            home.mkdir()
            try:
                kernel.fetch(version, home)
            except kernel.NotHere as reason:
                assert words in str(reason), reason
            else:
                raise AssertionError(f"{words} was no reason")
            assert os.listdir(home) == []


if __name__ == "__main__":
    sys.exit(main(globals()))
