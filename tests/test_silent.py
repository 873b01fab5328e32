#!/usr/bin/env python3
"""test_silent.py - docs/silent.md and the tests that provoke what it lists are of one mind.

    test_silent.py - [NAME...]

SPDX-License-Identifier: Apache-2.0
"""
import pathlib
import re
import sys

from ringwalk import main

TESTS = pathlib.Path(__file__).resolve().parent
DOCS = TESTS.parent / "docs" / "silent.md"
KNOWN = range(1, 34)
PROVOKED = 20  # at least so many
# A row of a table of tests in C, or a test in Python.
NAMED = re.compile(r'^\s*\{ "no-op (\d+): \w|^def test_no_op_(\d+)_\w', re.MULTILINE)


def rows():
    """Number -> the row's cells."""
    found = {}
    for line in DOCS.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0].isdigit():
            assert int(cells[0]) not in found, line
            found[int(cells[0])] = cells
    return found


def tests():
    """Number -> files with a test of that name, from tests/."""
    found = {}
    for path in sorted([*TESTS.rglob("*.c"), *TESTS.rglob("*.py")]):
        for match in NAMED.finditer(path.read_text(encoding="utf-8")):
            number = int(match[1] or match[2])
            found.setdefault(number, set()).add(path.relative_to(TESTS).as_posix())
    return found


def listed(cells):
    return set(re.findall(r"`([\w/]+\.(?:c|py))`", cells[4]))


def test_every_number_has_a_row_with_all_its_cells():
    found = rows()
    assert sorted(found) == list(KNOWN), sorted(found)
    for cells in found.values():
        assert len(cells) == 5 and all(cells), cells


def test_what_a_row_names_provokes_it():
    have = tests()
    for number, cells in rows().items():
        missing = listed(cells) - have.get(number, set())
        assert not missing, f"{DOCS.name}: no-op {number} has no test in {missing}"
        assert listed(cells) or "in the guest" in cells[4], cells


def test_what_provokes_it_is_named_by_its_row():
    found = rows()
    for number, files in tests().items():
        here = {name for name in files if not name.startswith("guest/")}
        missing = here - listed(found[number])
        assert not missing, f"{DOCS.name}: the row of no-op {number} lacks {missing}"


def test_most_of_them_are_provoked():
    assert len(tests()) >= PROVOKED, sorted(tests())


def test_the_words_begin_with_a_verdict():
    source = (TESTS.parent / "src" / "base" / "verdict.c").read_text(encoding="utf-8")
    names = re.search(r"verdict_names\[\] = \{(.*?)NULL", source, re.DOTALL)
    verdicts = set(re.findall(r'"(\w+)"', names[1]))
    assert {"ok", "clamped"} < verdicts, verdicts
    # One never reaches the kernel, one is no request but a count.
    others = {5: "wrong usage", 30: "not counted, with the reason"}
    for number, cells in rows().items():
        word = cells[2].partition(":")[0]
        assert word == others[number] if number in others else word in verdicts, cells


if __name__ == "__main__":
    sys.exit(main(globals()))
