#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the pages say is so: links lead somewhere, flags are flags of the program, metrics are on its page, and what the
program is said to say, it says. Run by ctest, with the program."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("deploy/**/*.md")])
SOURCES = [ROOT / "main.cc", *(path for part in ("core", "nflog", "k8s") for path in ROOT.glob(f"{part}/*.cc"))]
OF_OTHERS = {"--nflog-size", "--platform", "--build-arg"}  # iptables', docker's


def slug(heading):
    """GitHub's anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page):
    return {slug(heading) for heading in re.findall(r"^#+ (.*)", page.read_text(encoding="utf-8"), re.M)}


def wrong_links(page, text):
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists():
            yield f"a link to {target}, which is not there"
        elif anchor and anchor not in anchors(there):
            yield f"a link to {target}, where no such heading is"


def wrong_flags(text, flags):
    for flag in sorted(set(re.findall(r"`(--[a-z][a-z-]*)[=`]", text)) - flags - OF_OTHERS):
        yield f"the flag {flag}, which the program has not"


def wrong_metrics(text, page):
    for name in sorted(set(re.findall(r"\bkube_nflog_[a-z_]+[a-z]", text))):
        if name not in page and name not in ("kube_nflog_pod_drops_total", "kube_nflog_series_dropped_total"):
            yield f"the metric {name}, which is not on the page"


def wrong_sentences(text, said):
    for title in ("When it does not start", "When it tells nothing"):
        section = text.partition(f"## {title}\n")[2].partition("\n## ")[0]
        for row in re.findall(r"^\| (.*?) \|", section, re.M):
            for quoted in re.findall(r"`([^`]*)`", row):
                if " " in quoted and quoted not in said:
                    yield f"“{quoted}”, which the program does not say"


def main():
    help_text = subprocess.run([sys.argv[1], "--help"], check=True, capture_output=True, text=True).stdout
    flags = set(re.findall(r"^  (--[a-z-]+)", help_text, re.M))
    metrics = (ROOT / "tests/golden/metrics.txt").read_text(encoding="utf-8")
    code = "".join(path.read_text(encoding="utf-8") for path in SOURCES)
    said = re.sub(r'"\s*\n\s*"', "", code)  # adjacent literals are one
    wrong = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        own = text if page.name != "CHANGELOG.md" else ""
        found = [*wrong_links(page, text), *wrong_flags(own, flags), *wrong_metrics(own, metrics)]
        if page == ROOT / "README.md":
            found += wrong_sentences(text, said)
        wrong += [f"{page.relative_to(ROOT)}: {what}" for what in found]
    if wrong:
        sys.exit("\n".join(wrong))


main()
