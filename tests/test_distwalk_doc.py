#!/usr/bin/env python3
"""test_distwalk_doc.py - docs/distwalk.md says what is so: options, commands, tests, aliases.

    test_distwalk_doc.py RINGWALK [NAME...]

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

from forms import check_each, equal, rows_of
from ringwalk import RINGWALK, TOP, Node, Proxy, main, run

PAGE = (TOP / "docs" / "distwalk.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ROLES = ("node", "client", "proxy")
# What the page names and Ringwalk's roles do not have: options of ./dev.
ELSEWHERE = {"--tsan"}


def section(title):
    return re.search(rf"^### {title}\n(.*?)^##", PAGE, re.MULTILINE | re.DOTALL)[1]


def names(role):
    """Every option of a role, long and short, as its help has them."""
    text = run("help", role, status=0).stdout
    return set(re.findall(r"(?<![\w-])(--[a-z][\w.-]*[a-z0-9]|--[a-z]|-[A-Za-z])(?![\w-])", text))


def options_in(text):
    return set(re.findall(r"(?<![\w-])(--[a-z][\w.-]*[a-z0-9]|--[a-z]|-[A-Za-z])(?![\w-])", text))


def test_every_option_in_the_tables_is_the_roles():
    for role in ROLES:
        rows = re.findall(r"^\| (`-.*?) \|", section(role.capitalize()), re.MULTILINE)
        assert rows, role
        for row in rows:
            missing = options_in(row) - names(role) - {"-h", "--help", "--usage"}
            assert not missing, (role, row, missing)


def test_every_option_on_the_page_exists():
    known = set().union(*(names(role) for role in ROLES)) | ELSEWHERE
    known |= {"-h", "--help", "--usage"}
    quoted = " ".join(re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", PAGE, 0,
                                                        re.MULTILINE | re.DOTALL)))
    abbreviated = {"--acc", "--conn"}
    missing = {o for o in options_in(quoted) if o.startswith("--")} - known - abbreviated
    assert not missing, missing


def commands():
    """Every line of a block that calls ringwalk, without & at its end."""
    for line in "".join(BLOCKS).splitlines():
        if line.startswith("ringwalk "):
            yield shlex.split(line.replace(";", r"\;"))[1:]


def test_every_command_line_is_accepted():
    def check(_, args):
        background = args[-1] == "&"
        args = args[:-1] if background else args
        if args[0] == "client":
            with tempfile.TemporaryDirectory() as folder:
                run(*args, "--dry-run", status=0, cwd=folder)
            return
        args = [re.sub(r"^127\.0\.0\.1:789[2-5]$|^127\.0\.0\.1:7891$", "127.0.0.1:0", a)
                if args[i] in ("-b", "--bind") else a for i, a in enumerate(args[1:])]
        with (Node if "--to" not in args else Proxy)(*args, bind=()) as server:
            equal(server.stop()[0], 0)
    rows = [(" ".join(args), args) for args in commands()]
    assert len(rows) > 5, rows
    check_each(rows, check)


def test_the_three_programs_stand_in_for_distwalks_programs():
    script = BLOCKS[0] + """
export PATH="$PWD:$PATH"
dw_node -b 127.0.0.1:0 -p poll --nt 2 > node.out & node=$!
trap 'kill $node' EXIT
for i in $(seq 200); do grep -q listening node.out && break; sleep 0.05; done
to=$(awk '/listening/ { print $3 }' node.out)
dw_client --to $to -n 1 -C 1200ms
dw_client --to $to -n 2 -r 100 -F $to,timeout=1s -C 1ms
kill $node
trap - EXIT
wait $node
"""
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(RINGWALK, f"{folder}/ringwalk")
        done = subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True,
                              timeout=60, check=True,
                              env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"})
    rows = rows_of(done.stdout)
    equal(len(rows), 3)
    assert all(row[1] and row[1] >= 1000 for row in rows), done.stdout + done.stderr


def test_every_defect_has_a_row_and_every_test_named_is_there():
    table = PAGE[PAGE.index("## Defects of DistWalk"):]
    named = {int(d) for row in re.findall(r"^\| (D[^|]*) \|", table, re.MULTILINE)
             for d in re.findall(r"D(\d+)", row)}
    equal(named, set(range(1, 38)))
    source = "".join(path.read_text(encoding="utf-8") for path in (TOP / "tests").glob("test_*.*")
                     if path.name != "test_distwalk_doc.py")
    missing = [name for name in re.findall(r"`(test_[a-z0-9_]+)`", PAGE)
               if not re.search(rf"\b{name}\(", source)]
    assert not missing, missing
    gone = [path for path in re.findall(r"`(tests/\w+\.\w+)`", PAGE) if not (TOP / path).exists()]
    assert not gone, gone


def test_links_lead_somewhere():
    links = re.findall(r"\]\(([^)]+)\)", PAGE)
    assert links
    for link in links:
        assert pathlib.Path(TOP, "docs", link).exists(), link


if __name__ == "__main__":
    sys.exit(main(globals()))
