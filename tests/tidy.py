#!/usr/bin/env python3
"""tidy.py - the house rules that a program can check; docs/STYLE.md has the others.

Usage: tidy.py [FOLDER]

Each rule is a function that gets one file and yields (line, complaint). A rule that is broken
twice in review becomes one more function here, with a bad snippet in test_tidy.py. One test per
rule; the status is 1 when any file breaks any. Layout is clang-format's: ./dev lint.

SPDX-License-Identifier: Apache-2.0
"""
import os
import re
import sys

# Whom a folder of src/ may include, itself apart. The engine never hears of tunables: it has hooks.
MAY_INCLUDE = {
    "base": "",
    "backends": "base",
    "system": "base",
    "observe": "base system",
    "tunables": "base system",
    "engine": "base backends",
    "node": "base backends observe tunables engine",
    "client": "base backends observe tunables engine",
    "proxy": "base backends engine",
    "hog": "base backends engine",
    "lab": "base backends system observe tunables engine node client proxy hog",
    "cli": "base backends system observe tunables engine node client proxy hog lab",
}
FUNCTION_LINES = 60
FILE_LINES = 500
COLUMNS = 100
MAP_LINES = 150  # of docs/ARCHITECTURE.md: a map is read in one go
# Types of which each instance is an implementation, named in its own file and in registry.c.
REGISTERED = ("backend_ops", "tunable")
SOURCE = (".c", ".h")
TEXT = SOURCE + (".py", ".sh", ".build", ".md", ".yaml", ".txt")
SPEAKS = re.compile(r"\b(exit|printf|vprintf|puts|putchar|perror)\s*\(|\b(stdout|stderr)\b")
COMMENT_OR_STRING = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL)


class File:
    """One file: its path from the top, its text, and its code without comments and strings."""

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.lines = text.split("\n")
        if text.endswith("\n"):
            self.lines.pop()
        self.folder, self.name = os.path.split(path)
        self.stem, self.suffix = os.path.splitext(self.name)
        self.code = COMMENT_OR_STRING.sub(blank, text).split("\n")

    @property
    def layer(self):
        """The folder of src/ it lies in, or None."""
        parts = self.path.split("/")
        return parts[1] if parts[0] == "src" and len(parts) > 2 else None

    @property
    def is_source(self):
        return self.suffix in SOURCE


def blank(match):
    """What is cut out leaves its line ends, so that line numbers stay."""
    return '""' if match[0][0] in "\"'" else re.sub(r"[^\n]", " ", match[0])


def rule_layers(file, _):
    """src/ includes only downwards, and as "folder/file.h"."""
    for number, line in enumerate(file.lines, 1):
        match = re.match(r'\s*#\s*include\s+"([^"]*)"', line)
        if not match or not file.layer:
            continue
        folder = match[1].rpartition("/")[0]
        if match[1].endswith(".skel.h"):
            continue  # made by bpftool, in the build folder
        if folder not in MAY_INCLUDE:
            yield number, f'"{match[1]}" is not "folder/file.h" from src/'
        elif folder != file.layer and folder not in MAY_INCLUDE.get(file.layer, "").split():
            yield number, f"{file.layer} must not include {folder}"


def rule_heads(file, _):
    """A file begins with "name.c - one sentence" and its first comment has the licence."""
    if not file.is_source:
        return
    comment = file.text.partition("*/")[0]
    sentence = re.match(r"/\*\n \* " + re.escape(file.name) + r" - (\S.*?)(?=\n \*\n|\n ?$)",
                        comment, re.DOTALL)
    if not sentence:
        yield 1, f'does not begin with "/*", " * {file.name} - one sentence"'
    elif sentence[1][-1] not in ".:":
        yield 2, "the sentence at the head has no end"
    licence = "Apache-2.0"
    if ".bpf." in file.name:
        licence += " OR GPL-2.0-only"  # the kernel takes BPF programs only under the GPL
    if f"\n * SPDX-License-Identifier: {licence}\n" not in comment:
        yield 1, f'the first comment has no line "SPDX-License-Identifier: {licence}"'


def rule_scripts(file, _):
    """A script says in its first lines what it is, and carries the licence."""
    if file.suffix not in (".py", ".sh"):
        return
    if not any(re.match(r'(# |""")' + re.escape(file.name) + " - .", line)
               for line in file.lines[:3]):
        yield 1, f'the first three lines do not say "{file.name} - one sentence"'
    if not re.search(r"^(# )?SPDX-License-Identifier: Apache-2\.0$", file.text, re.MULTILINE):
        yield 1, 'no line "SPDX-License-Identifier: Apache-2.0"'


def functions(file):
    """(first line, last line) of every function; its braces stand in column 0."""
    start = None
    for number, line in enumerate(file.code, 1):
        if line.rstrip() == "{":
            start = number
            while start > 1 and re.match(r"[^#\s}].*[^;}]$|\s+\S.*[,)]$",
                                         file.code[start - 2].rstrip()):
                start -= 1
        elif line.startswith("}") and start:
            yield start, number
            start = None


def rule_functions(file, _):
    """A function has at most 60 lines."""
    if not file.is_source:
        return
    for first, last in functions(file):
        if last - first + 1 > FUNCTION_LINES:
            yield first, (f"a function of {last - first + 1} lines, "
                          f"at most {FUNCTION_LINES}: {file.lines[first - 1].strip()}")


def rule_lengths(file, _):
    """A file has at most 500 lines."""
    if file.is_source and len(file.lines) > FILE_LINES:
        yield len(file.lines), f"{len(file.lines)} lines, at most {FILE_LINES}"


def rule_map(file, _):
    """docs/ARCHITECTURE.md has at most 150 lines, and every layer stands in it, once."""
    if file.path != "docs/ARCHITECTURE.md":
        return
    if len(file.lines) > MAP_LINES:
        yield len(file.lines), f"{len(file.lines)} lines, at most {MAP_LINES}"
    for layer in MAY_INCLUDE:
        rows = sum(line.startswith(f"| `src/{layer}` ") for line in file.lines)
        if rows != 1:
            yield 1, f"src/{layer} has {rows} rows in the table of layers, not one"


def rule_columns(file, _):
    """A line has at most 100 columns, a tab counting up to 8."""
    if file.suffix not in SOURCE + (".py", ".sh"):
        return
    for number, line in enumerate(file.lines, 1):
        columns = len(line.expandtabs(8))
        if columns > COLUMNS:
            yield number, f"{columns} columns, at most {COLUMNS}"


def implementations(files):
    """Name of each implementation -> stems of the files that may name it."""
    pattern = re.compile(r"^const struct (?:%s) (\w+) = *\{" % "|".join(REGISTERED), re.MULTILINE)
    found = {}
    for file in files:
        if file.layer:
            for name in pattern.findall(file.text):
                found.setdefault(name, set()).add((file.folder, file.stem))
    return found


def rule_registries(file, files):
    """Only a registry.c names implementations: the engine gets them passed."""
    if not file.layer or file.name == "registry.c":
        return
    for name, homes in files.implementations.items():
        if (file.folder, file.stem) in homes:
            continue
        for number, line in enumerate(file.code, 1):
            if re.search(r"\b%s\b" % name, line):
                yield number, f"{name} is for registry.c to name; find it by its name"


def rule_voice(file, _):
    """Below src/cli nothing prints or exits: failures are returned in words."""
    if not file.layer or file.layer == "cli" or not file.is_source:
        return
    for number, line in enumerate(file.code, 1):
        match = SPEAKS.search(line)
        if match:
            yield number, f"{match[1] or match[2]} is for src/cli; return an error in words"


def rule_white_space(file, _):
    """No blanks at the end of a line, and the last line ends."""
    for number, line in enumerate(file.lines, 1):
        if line != line.rstrip():
            yield number, "blanks at the end of the line"
    if file.text and not file.text.endswith("\n"):
        yield len(file.lines), "the last line has no end"


def rule_promises(file, _):
    """What is left to do stands in an issue, and the comment names its number."""
    for number, line in enumerate(file.lines, 1):
        match = re.search(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b(?!.*#\d)", line)
        if match and file.suffix != ".md":
            yield number, f"{match[1]} without the number of an issue (#12)"


def rule_guards(file, _):
    """The guard of src/base/err.h is RW_BASE_ERR_H."""
    if file.suffix != ".h":
        return
    path = re.sub(r"^src/", "", file.path)
    guard = "RW_" + re.sub(r"\W", "_", path).upper()
    if not re.search(r"^#ifndef %s\n#define %s\n" % (guard, guard), file.text, re.MULTILINE):
        yield 1, f"no guard {guard}"


RULES = (rule_layers, rule_heads, rule_scripts, rule_functions, rule_lengths, rule_map,
         rule_columns, rule_registries, rule_voice, rule_white_space, rule_promises, rule_guards)


class Files(list):
    """All files, with what rules need to know of all of them."""

    def __init__(self, files):
        super().__init__(files)
        self.implementations = implementations(self)


def read_files(top):
    """Every text file under src, tests, bench, docs and examples, and ./dev."""
    paths = [name for name in ("dev", ".ci/run", "meson.build", "README.md") if
             os.path.exists(os.path.join(top, name))]
    for part in ("src", "tests", "bench", "docs", "examples"):
        for folder, folders, names in os.walk(os.path.join(top, part)):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            paths += [os.path.relpath(os.path.join(folder, name), top)
                      for name in sorted(names) if name.endswith(TEXT)]
    for path in paths:
        with open(os.path.join(top, path), encoding="utf-8") as text:
            yield File(path, text.read())


def main(top):
    files = Files(read_files(top))
    failed = 0
    for rule in RULES:
        complaints = [(file, number, what) for file in files for number, what in rule(file, files)]
        if complaints:
            failed += 1
            print(f"{rule.__name__}: {rule.__doc__}")
        for file, number, what in complaints:
            print(f"  {file.path}:{number}: {what}")
    print(f"{len(RULES) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else
                  os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")))
