#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every counter and label that core/metrics.h names is looked at by a test that says something else than 0 of it: the unit tests
by its member or enumerator, the scripts by its name on the page. Run by ctest."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
HEADER = "".join((ROOT / f"core/{name}.h").read_text(encoding="utf-8") for name in ("metric_labels", "metrics"))
PAGE = (ROOT / "tests/golden/metrics.txt").read_text(encoding="utf-8")


def claims():
    """The tests' lines that may say that something has moved, each with the one after it, where it may go on."""
    tests = ROOT / "tests"
    for path in sorted([*tests.rglob("*_test.cc"), *tests.rglob("*.sh"), *tests.rglob("*.inc")]):
        lines = path.read_text(encoding="utf-8").splitlines()
        for line, following in zip(lines, lines[1:] + [""]):
            text = f"{line} {following.strip()}" if line.rstrip().endswith(",") else line
            if not re.search(r"value\(\), 0[uU]?\)|[\"'}] 0( |$)", text):
                yield text


def series():
    """What stands for each series: patterns, of which a test must match one."""
    names = dict(re.findall(r"constexpr std::array<std::string_view, kLabelCount<\w+>> (k\w+)Names\{(.*?)\};", HEADER, re.S))
    for enum, body in re.findall(r"enum class (\w+) : std::uint8_t \{(.*?)\};", HEADER, re.S):
        values = re.findall(r"^\s*(k\w+)|,\s*(k\w+)|\{\s*(k\w+)", re.sub(r"//.*", "", "{" + body), re.M)
        values = [v for v in (a or b or c for a, b, c in values) if v != "kCount"]
        labels = re.findall(r'"([^"]*)"', names[f"k{enum}"])
        if len(labels) != len(values):
            sys.exit(f"{enum}: {len(values)} values, {len(labels)} names")
        for value, label in zip(values, labels):
            yield f"{enum}::{value}", [rf"\b{enum}::{value}\b", rf'="{re.escape(label)}"']
    body = HEADER[HEADER.index("struct Metrics {") :]
    for member in re.findall(r"^  (?:Counter|Gauge|Histogram|std::map<std::uint16_t, \w+>) (\w+);", body, re.M):
        if not re.search(rf"kube_nflog_{member}", PAGE):
            sys.exit(f"{member} is not on the page, or under another name")
        yield member, [rf"\.{member}\b", rf"\b{member}(_total|_timestamp_seconds)?\b"]


def main():
    text = "\n".join(claims())
    still = [name for name, patterns in series() if not any(re.search(p, text) for p in patterns)]
    if still:
        sys.exit("no test moves: " + ", ".join(still))


main()
