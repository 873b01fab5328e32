#!/usr/bin/env python3
"""check_html.py - the pages of test_report_html: well-formed, linked, labelled, without NaN.

Usage: check_html.py PROGRAM, which prints its cases (--list) and a case's page (--print CASE).

SPDX-License-Identifier: Apache-2.0
"""
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.decode("utf-8")


def texts(root):
    """All that a reader sees or hears: texts and titles, not the style sheet."""
    for element in root.iter():
        if element.tag != "style":
            yield element.text or ""
            yield element.get("title") or ""
        yield element.tail or ""


def check_numbers(root):
    """No figure has a coordinate that is no number, and no text a value that is none."""
    for element in root.iter():
        for name, value in element.attrib.items():
            if name not in ("title", "class") and re.search(r"nan|inf", value, re.I):
                yield f"{element.tag} {name}={value}"
    for text in texts(root):
        if re.search(r"(?<![a-z])-?(nan|inf)(?![a-z])", text, re.I):
            yield f"text: {text[:60]}"


def check_links(root):
    """Ids are there once, and every link leads to one."""
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    if len(ids) != len(set(ids)):
        yield "an id is there twice"
    for link in root.iter("a"):
        if link.get("href", "")[1:] not in ids:
            yield f"a link to {link.get('href')}, which is not there"


def check_figures(root):
    """A figure has a title to be read out, and stays within its size."""
    for figure in root.iter("svg"):
        if figure.get("class") != "swatch" and figure.find("title") is None:
            yield f"a figure {figure.get('class')} without title"
        width, height = float(figure.get("width")), float(figure.get("height"))
        for mark in figure.iter("circle"):
            if not (0 <= float(mark.get("cx")) <= width and 0 <= float(mark.get("cy")) <= height):
                yield "a mark outside of its figure"
        for mark in figure.iter("path"):
            place = re.match(r"translate\(([-\d.]+) ([-\d.]+)\)", mark.get("transform", ""))
            if place and not (0 <= float(place[1]) <= width and 0 <= float(place[2]) <= height):
                yield "a mark outside of its figure"


def check_axes(root):
    """Labels in one line of a figure do not overlap: at 12 pixels a character has less than 8."""
    for figure in root.iter("svg"):
        lines = {}
        for text in figure.iter("text"):
            lines.setdefault(text.get("y"), []).append(text)
        for line in lines.values():
            spans = sorted(span(text) for text in line)
            for (_, end, left), (start, _, right) in zip(spans, spans[1:]):
                if end > start:
                    yield f"labels overlap: {left} and {right}"


def span(text):
    """(from, to, text) in pixels; a bit too narrow rather than too wide."""
    width, at = 6.2 * len(text.text), float(text.get("x"))
    if "end" in text.get("class"):
        return at - width, at, text.text
    if "middle" in text.get("class"):
        return at - width / 2, at + width / 2, text.text
    return at, at + width, text.text


def check_tables(root):
    """Every row of a table has as many columns as its head."""
    for table in root.iter("table"):
        wanted = len(table.find("thead/tr"))
        for row in table.iter("tr"):
            columns = sum(int(cell.get("colspan", 1)) for cell in row)
            if columns != wanted:
                yield f"a row of {columns} columns under a head of {wanted}"


CHECKS = (check_numbers, check_links, check_figures, check_axes, check_tables)


def main(program):
    passed = failed = 0
    for case in output(program, "--list").splitlines():
        page = output(program, "--print", case)
        try:
            root = ElementTree.fromstring(page.replace("<!doctype html>", "", 1))
            complaints = [what for check in CHECKS for what in check(root)]
        except ElementTree.ParseError as error:
            complaints = [str(error)]
        for what in complaints[:10]:
            print(f"{case}: {what}")
        failed += bool(complaints)
        passed += not complaints
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
