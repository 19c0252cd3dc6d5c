"""Builds the documentation's site: the pages of `docs/` and the collection's reference, as HTML in `.cache/docsite/html`.

It ends with 1 if anything in it is broken: a link, a label, markup, an option's reference. `make docs` and the part `docs` run it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCS, SITE = ROOT / "docs", ROOT / ".cache" / "docsite"
SOURCE = SITE / "source"
VENV, COLLECTIONS = ROOT / ".cache" / "venv", ROOT / ".cache" / "collections"
BRANCH = yaml.safe_load((ROOT / "galaxy.yml").read_text())["repository"] + "/blob/main/"
LINK = re.compile(r"\]\((?P<target>[^)\s:#]+)(?P<anchor>#[^)\s]*)?\)")
ROLE = re.compile(r"roles/(\w+)/README\.md")
MODULE = re.compile(r"(?<!\[)`tidegate\.platform\.(\w+)`")


def of_site(page: Path) -> str:
    """A page as the site has it: its links out of `docs/` lead to the reference or the repository, modules' names to theirs."""

    def elsewhere(match: re.Match[str]) -> str:
        target = (page.parent / match["target"]).resolve()
        if target.is_relative_to(DOCS):
            return match[0]
        place = str(target.relative_to(ROOT))
        role = ROLE.fullmatch(place)
        return f"](/reference/{role[1]}_role.rst)" if role else f"]({BRANCH}{place}{match['anchor'] or ''})"

    def module(match: re.Match[str]) -> str:
        there = (ROOT / "plugins" / "modules" / f"{match[1]}.py").exists()
        return f"[{match[0]}](/reference/{match[1]}_module.rst)" if there else match[0]

    return MODULE.sub(module, LINK.sub(elsewhere, page.read_text()))


def contents(index: str) -> str:
    """What the sidebar shows: the links of each section of the first page, then the reference."""
    sections = [section.partition("\n") for section in index.split("\n## ")[1:]]
    parts = {name: [match["target"] for match in LINK.finditer(body)] for name, _newline, body in sections}
    parts["Reference"] = ["reference/index.rst"]
    form = "\n```{{toctree}}\n:hidden:\n:caption: {name}\n{pages}\n```\n"
    return "".join(form.format(name=name, pages="\n".join(pages)) for name, pages in parts.items())


def gather() -> None:
    """Put the site's sources together."""
    shutil.rmtree(SITE, ignore_errors=True)
    reference = SOURCE / "reference"
    reference.mkdir(parents=True)
    reference.chmod(0o755)  # antsibull-docs takes no folder that others may write
    command = ["antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--fail-on-error", "--dest-dir"]
    run([*command, str(reference), "tidegate.platform"])
    for page in DOCS.rglob("*.md"):
        target = SOURCE / page.relative_to(DOCS)
        target.parent.mkdir(exist_ok=True)
        target.write_text(of_site(page))
    index = SOURCE / "index.md"
    index.write_text(index.read_text() + contents(index.read_text()))


def run(argv: list[str]) -> None:
    """Run a command; what it says is shown if it fails."""
    places = {"PATH": f"{VENV / 'main' / 'bin'}:{os.environ['PATH']}", "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)}
    done = subprocess.run(argv, cwd=ROOT, env={**os.environ, **places}, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{done.stdout[-4000:]}{done.stderr[-8000:]}\nFAILED: {' '.join(argv)}")


def main() -> None:
    """Gather, build."""
    begun = time.monotonic()
    gather()
    sphinx = str(VENV / "docs" / "bin" / "sphinx-build")
    strict = ["-W", "--keep-going", "-q", "-j", "auto"]
    run([sphinx, "-b", "html", *strict, "-c", str(DOCS), "-d", str(SITE / "doctrees"), str(SOURCE), str(SITE / "html")])
    print(f"docsite: {SITE / 'html' / 'index.html'}, {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
