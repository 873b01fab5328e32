#!/usr/bin/env python3
"""test_harness.py - what tests/test.h and ringwalk.py say of skipped tests, and how it adds up.

The programs looked at are harness_sample (given as the argument), which has one test of each end,
and tests made here; counts.py then names what was skipped.

SPDX-License-Identifier: Apache-2.0
"""
import contextlib
import io
import json
import pathlib
import subprocess
import sys
import tempfile

import counts
import ringwalk

SAMPLE = sys.argv[1]
SAID = """
Suite: sample
  Test: it is good ... passed
  Test: it is bad ...
    {where}: 1 is 1, not 2 FAILED
    1. {where}  - got_ == want_
  Test: it skips ... skipped: 2 CPUs are needed, there is one
  Test: it skips and is bad ...
    {where}: "is", not "was" FAILED
    1. {where}  - test_text_is(__FILE__, __LINE__, ("is"), ("was"))
  Test: it skips in a thread ... skipped: said by a thread
  Test: it skips in a child ... skipped: said by a child
  Test: it leaves a part out ...
    not tried: row 7: no such knob passed
  Test: it is of others ... does not apply: this is no device
  Test: it is of others and is bad ...
    {where}: 1 is 1, not 2 FAILED
    1. {where}  - got_ == want_
  Test: it is good again ... passed
3 passed, 3 failed, 3 skipped
"""


def sample(*args):
    """Status and text."""
    done = subprocess.run([SAMPLE, *args], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout


def without_places(text):
    """harness_sample.c:19 is {where}, whatever the folder."""
    words = []
    for line in text.splitlines():
        head, found, rest = line.partition("harness_sample.c:")
        if found:
            indent = head[:len(head) - len(head.lstrip())]
            number = "1. " if head.strip().startswith("1. ") else ""
            line = indent + number + "{where}" + rest.lstrip("0123456789")
        words.append(line)
    return "\n".join(words) + "\n"


def add_up(*tests):
    """What counts.py says of these entries of a log, and its status."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as log:
        log.write("\n".join(map(json.dumps, tests)))
        log.flush()
        with contextlib.redirect_stdout(io.StringIO()) as said:
            status = counts.main([log.name])
    return status, said.getvalue()


def entry(name, result, text):
    return {"name": f"ringwalk:unit / {name}", "result": result, "stdout": text}


def run_here(**tests):
    """Status and text of ringwalk.main()."""
    given, sys.argv = sys.argv, ["test_x.py", "ringwalk"]
    try:
        with contextlib.redirect_stdout(io.StringIO()) as said:
            status = ringwalk.main(tests)
    finally:
        sys.argv = given
    return status, said.getvalue()


def skip():
    raise ringwalk.Skipped("no such device")


def test_each_end_has_its_word_and_a_failure_outweighs_a_skip():
    status, text = sample()
    assert without_places(text) == SAID, without_places(text)
    assert status == 1


def test_where_nothing_was_possible_the_program_is_skipped():
    assert sample("it skips")[0] == 77
    assert sample("it skips")[1].endswith("\n0 passed, 0 failed, 1 skipped\n")
    assert sample("it skips and is bad")[0] == 1
    assert sample("it leaves a part out")[0] == 0
    assert sample("all") == (77, "skipped: there is no such machine\n"
                                 "0 passed, 0 failed, 1 skipped\n")
    assert sample("no such test")[0] == 1


def test_where_nothing_applied_nothing_was_shown():
    status, text = sample("it is of others")
    assert status == 1 and text.endswith("\n0 passed, 0 failed, 0 skipped\n"), text


def test_a_script_does_as_a_program_does():
    assert run_here(test_it_skips=skip) == (
        77, "  it skips ... skipped: no such device\n0 passed, 0 failed, 1 skipped\n")
    assert run_here(test_it_skips=skip, test_good=bool)[0] == 0


def test_the_reasons_are_named_before_the_counts():
    script = run_here(test_it_skips=skip, test_good=bool)[1]
    status, said = add_up(entry("sample", "OK", sample()[1]), entry("script", "OK", script),
                          entry("whole", "SKIP", sample("all")[1]))
    assert status == 1
    assert said.startswith("""skipped, and why:
  sample: it skips: 2 CPUs are needed, there is one
  script: it skips: no such device
  sample: it skips in a child: said by a child
  sample: it skips in a thread: said by a thread
  whole: there is no such machine
"""), said
    assert said.endswith("\n4 passed, 3 failed, 5 skipped\n"), said


def test_one_reason_of_many_tests_is_one_line():
    text = "  Test: a ... skipped: none\n  Test: b ...\n    x skipped: none\n"
    said = add_up(entry("p", "OK", text + "1 passed, 0 failed, 2 skipped\n"),
                  entry("q", "OK", text + "1 passed, 0 failed, 2 skipped\n"),
                  entry("r", "SKIP", "skipped: none\n0 passed, 0 failed, 1 skipped\n"))[1]
    assert said == "skipped, and why:\n  p (2), q (2), r: none\n2 passed, 0 failed, 5 skipped\n"


def test_a_skip_without_a_reason_is_named_too():
    status, said = add_up(entry("p", "OK", "1 passed, 0 failed, 1 skipped\n"),
                          {"result": "SKIP", "returncode": 77})
    assert status == 0
    assert said == ("skipped, and why:\n  p, ?: no reason was given\n"
                    "1 passed, 0 failed, 2 skipped\n"), said


def test_a_failure_is_no_skip_whatever_it_says():
    text = "  x ... FAILED: 'y ... skipped: z'\n0 passed, 1 failed, 0 skipped\n"
    assert "skipped, and why" not in add_up(entry("p", "FAIL", text))[1]


def test_what_is_well_is_not_named():
    assert add_up(entry("p", "OK", "  x ... passed\n1 passed, 0 failed, 0 skipped\n")) == (
        0, "1 passed, 0 failed, 0 skipped\n")


def test_what_failed_tests_said_stands_before_the_counts():
    said = add_up(entry("good", "OK", "  x ... passed\n1 passed, 0 failed, 0 skipped\n"),
                  {**entry("sample", "FAIL", sample()[1]), "returncode": 1})[1]
    _, found, failures = said.partition("failed:\n")
    assert found and without_places(failures) == """  sample: FAIL, status 1
      Test: it is bad ...
    {where}: 1 is 1, not 2 FAILED
    1. {where}  - got_ == want_
      Test: it skips and is bad ...
    {where}: "is", not "was" FAILED
    1. {where}  - test_text_is(__FILE__, __LINE__, ("is"), ("was"))
      Test: it is of others and is bad ...
    {where}: 1 is 1, not 2 FAILED
    1. {where}  - got_ == want_
4 passed, 3 failed, 3 skipped
""".replace("    {where}", "        {where}").replace("    1. ", "        1. "), said


def test_a_crash_is_named_by_the_last_words():
    words = "".join(f"word {number}\n" for number in range(100))
    said = add_up({**entry("p", "FAIL", words), "returncode": -11, "stderr": "==1==ERROR\n"})[1]
    lines = said.splitlines()
    assert lines[:2] == ["failed:", "  p: FAIL, status -11"], said
    assert lines[2] == "    word 71" and lines[-2] == "    ==1==ERROR", said
    assert len(lines) == 2 + counts.MOST_LINES + 1, said


def be_wrong():
    raise ValueError("no such thing")


def test_a_failed_test_of_a_script_names_its_place():
    line = be_wrong.__code__.co_firstlineno + 1
    assert run_here(test_bad=be_wrong)[1] == (
        f"  bad ... FAILED: ValueError('no such thing') at test_harness.py:{line}: "
        'raise ValueError("no such thing")\n0 passed, 1 failed, 0 skipped\n')


def be_silent():
    count, wanted = 2, [3]
    assert count in wanted


def test_an_assertion_without_words_tells_what_its_names_stand_for():
    text = run_here(test_bad=be_silent)[1]
    assert ": assert count in wanted; count is 2; wanted is [3]\n" in text, text
    assert "; " not in run_here(test_bad=be_wrong)[1]


if __name__ == "__main__":
    assert pathlib.Path(SAMPLE).exists(), SAMPLE
    sys.exit(ringwalk.main(globals()))
