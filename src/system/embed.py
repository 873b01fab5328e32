#!/usr/bin/env python3
"""embed.py - profiles/*.conf as a C table, so that the program has them wherever it is.

    embed.py FILE... > profiles.c

SPDX-License-Identifier: Apache-2.0
"""
import json
import pathlib
import sys

print('#include "system/profile.h"\n\nconst struct profile profiles[] = {')
for file in map(pathlib.Path, sys.argv[1:]):
    # A C string takes JSON's escapes for plain ASCII.
    lines = "\n".join(json.dumps(line) for line in file.read_text("ascii").splitlines(True))
    print(f'{{ "{file.stem}", {lines} }},')
print("{ 0 },\n};")
