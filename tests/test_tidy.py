#!/usr/bin/env python3
"""test_tidy.py - each rule of tidy.py complains of what breaks it, and of nothing else.

A row is a rule, a path, a snippet that breaks it, a piece of the complaint expected, and the
snippet put right. A rule without a row fails too.

SPDX-License-Identifier: Apache-2.0
"""
import sys

import tidy

HEAD = "/*\n * x.c - what it is.\n *\n * SPDX-License-Identifier: Apache-2.0\n */\n"
SCRIPT = '#!/bin/sh\n# x.sh - what it is.\n#\n# SPDX-License-Identifier: Apache-2.0\n'
EPOLL = tidy.File("src/backends/epoll.c", "const struct backend_ops backend_epoll = {\n")
PROMISE = "TO" "DO"
MAP = "".join(f"| `src/{layer}`  |\n" for layer in tidy.MAY_INCLUDE)


def function(lines):
    """A function of so many lines, its parameters on two of them."""
    return "int f(int a,\n      int b)\n{\n" + "\ta++;\n" * (lines - 4) + "}\n"


ROWS = (
    ("layers", "src/base/x.c", '#include "engine/loop.h"', "base must not include engine",
     '#include "base/err.h"'),
    ("layers", "src/backends/x.c", '#include "tunables/tunable.h"',
     "backends must not include tunables", '#include "backends/backend.h"'),
    ("layers", "src/engine/x.c", '#include "tunables/tunable.h"',
     "engine must not include tunables", '#include "engine/hooks.h"'),
    ("layers", "src/node/x.c", '#include "client/client.h"', "node must not include client",
     '#include "engine/loop.h"'),
    ("layers", "src/proxy/x.c", '#include "node/node.h"', "proxy must not include node",
     '#include "engine/loop.h"'),
    ("layers", "src/client/x.c", '#include "node/node.h"', "client must not include node",
     '#include "tunables/tunable.h"'),
    ("layers", "src/lab/x.c", '#include "cli/main.h"', "lab must not include cli",
     '#include "node/node.h"'),
    ("layers", "src/base/x.c", '#include "err.h"', 'not "folder/file.h"', "#include <errno.h>"),
    ("layers", "src/base/x.c", '#include "tests/test.h"', 'not "folder/file.h"',
     '#include "base/err.h"'),
    ("heads", "src/base/x.c", HEAD.replace("x.c", "y.c"), "x.c - one sentence", HEAD),
    ("heads", "src/base/x.c", "#include <errno.h>\n" + HEAD, "does not begin", HEAD),
    ("heads", "src/base/x.c", HEAD.replace(" is.", " is"), "has no end", HEAD),
    ("heads", "src/base/x.c", HEAD.replace("Apache-2.0", "MIT"), "SPDX", HEAD),
    ("heads", "src/base/x.c", "/*\n * x.c - it is.\n */\n" + HEAD, "SPDX", HEAD),
    ("scripts", "bench/x.sh", SCRIPT.replace("x.sh", "y.sh"), "x.sh - one sentence", SCRIPT),
    ("heads", "src/observe/x.bpf.c", HEAD.replace("x.c", "x.bpf.c"), "GPL-2.0-only",
     HEAD.replace("x.c", "x.bpf.c").replace("2.0\n", "2.0 OR GPL-2.0-only\n")),
    ("scripts", "bench/x.sh", SCRIPT.replace("SPDX", ""), "SPDX", SCRIPT),
    ("functions", "src/base/x.c", function(61), "a function of 61 lines", function(60)),
    ("functions", "src/base/x.c", "int g;\n\n" + function(61), "61 lines", function(60)),
    ("lengths", "src/base/x.c", "\n" * 501, "501 lines", "\n" * 500),
    ("map", "docs/ARCHITECTURE.md", MAP + "\n" * 150, f"{150 + len(tidy.MAY_INCLUDE)} lines", MAP),
    ("map", "docs/ARCHITECTURE.md", MAP.replace("hog", "dog"), "src/hog has 0 rows", MAP),
    ("map", "docs/ARCHITECTURE.md", MAP + "| `src/lab`  |\n", "src/lab has 2 rows", MAP),
    ("columns", "src/base/x.c", "\t" + "x" * 93 + "\n", "101 columns", "\t" + "x" * 92 + "\n"),
    ("columns", "src/base/x.h", "é" * 101 + "\n", "101 columns", "é" * 100 + "\n"),
    ("registries", "src/engine/x.c", "ops = &backend_epoll;", "for registry.c to name",
     "/* like backend_epoll */"),
    ("registries", "src/backends/select.c", "backend_epoll;", "for registry.c", "backends[0];"),
    ("voice", "src/engine/x.c", 'printf("%d", 1);', "printf is for src/cli",
     'snprintf(buf, 9, "printf(1)"); /* printf() */'),
    ("voice", "src/lab/x.c", "exit(1);", "exit is for src/cli", "_exit(1);"),
    ("voice", "src/lab/x.c", 'fprintf(stderr, "x");', "stderr is for", 'fprintf(out, "x");'),
    ("voice", "src/base/x.c", 'perror("x");', "perror is for", 'err_sys(err, -1, "x");'),
    ("white_space", "src/base/x.c", "int a; \n", "blanks at the end", "int a;\n"),
    ("white_space", "docs/x.md", "text", "no end", "text\n"),
    ("promises", "src/base/x.c", f"/* {PROMISE}: later */", "number of an issue",
     f"/* {PROMISE} #12: later */"),
    ("guards", "src/base/x.h", "#ifndef X_H\n#define X_H\n", "no guard RW_BASE_X_H",
     "#ifndef RW_BASE_X_H\n#define RW_BASE_X_H\n"),
    ("guards", "tests/x.h", "#pragma once\n", "no guard RW_TESTS_X_H",
     "#ifndef RW_TESTS_X_H\n#define RW_TESTS_X_H\n"),
)
# Where a rule must keep quiet.
EXEMPT = (
    ("voice", "src/cli/main.c", "exit(1);"),
    ("voice", "tests/test_x.c", 'printf("x");'),
    ("registries", "src/backends/registry.c", "&backend_epoll,"),
    ("registries", "src/backends/epoll.h", "extern const struct backend_ops backend_epoll;"),
    ("registries", "tests/test_x.c", "&backend_epoll;"),
    ("columns", "docs/x.md", "x" * 200),
    ("functions", "src/base/x.c", "int a[] = {\n" + "\t1,\n" * 99 + "};\n"),
    ("layers", "src/cli/main.c", '#include "lab/plan.h"'),
)


def complaints(rule, path, text):
    """What a rule says of one file that stands beside src/backends/epoll.c."""
    file = tidy.File(path, text)
    return [what for _, what in getattr(tidy, "rule_" + rule)(file, tidy.Files([file, EPOLL]))]


def checks():
    """(name, whether it holds) of every row."""
    for rule, path, bad, expected, good in ROWS:
        said = complaints(rule, path, bad)
        yield f"{rule} complains of {bad[:40]!r}: {said}", any(expected in what for what in said)
        said = complaints(rule, path, good)
        yield f"{rule} is content with {good[:40]!r}: {said}", not said
    for rule, path, text in EXEMPT:
        said = complaints(rule, path, text)
        yield f"{rule} is silent in {path}: {said}", not said
    tested = {"rule_" + row[0] for row in ROWS}
    for rule in tidy.RULES:
        yield f"{rule.__name__} has a row", rule.__name__ in tested


def main():
    results = list(checks())
    failed = [name for name, holds in results if not holds]
    for name in failed:
        print("failed:", name)
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
