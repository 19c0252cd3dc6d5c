"""Writes what modules return alike into their `RETURN`, from that of `workload_image`; `--check` only compares.

ansible-core has documentation fragments for options, but none for return values.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / "plugins" / "modules"
TRUTH = "workload_image"
BLOCK = re.compile(r'(?<=^RETURN = r"""\n)(.*?)(?="""$)', re.DOTALL | re.MULTILINE)
# Modules that return the document of one workload, and what they tell of it in their own words.
WHOLE = {
    "workload_compose": ("reason",),
    "workload_control": ("reason", "connections"),
    "workload_dockerfile": ("reason",),
    "workload_rollback": ("reason", "connections", "target"),
    "workload_runner": ("reason",),
    "workload_static": ("reason",),
}
# What every module returns, and what rows of workloads have of the document.
EVERYWHERE = ("remedy", "stats")
ROWS = ("reconcile", "workloads")
IN_ROWS = ("steps", "deployment", "release", "previous")

Entries = dict[str, str]


def entries(returned: str) -> Entries:
    """The lines of each return value."""
    parts = re.split(r"(?m)^(?=\w+:$)", re.sub(r"\n{2,}", "\n", returned))
    return {part.split(":")[0]: part for part in parts if part}


def with_contents(rows: str, truth: Entries) -> str:
    """Rows in which pieces of the document have the contents that they have in the truth."""
    for name in IN_ROWS:
        contents = truth[name][truth[name].index("  contains:") :].replace("\n  ", "\n      ")
        piece = rf"^    {name}:\n(?:      (?!contains:).*\n)+(?P<contents>(?:      contains:.*\n(?:        .*\n)*)?)"
        found = re.search(piece, rows, re.MULTILINE)
        if found:
            rows = f"{rows[: found.start('contents')]}    {contents}{rows[found.end('contents') :]}"
    return rows


def block(module: str, own: Entries, truth: Entries) -> str:
    """What a module returns."""
    if module in WHOLE:
        return "".join({**truth, **{name: own[name] for name in WHOLE[module]}}.values())
    if module in ROWS:
        own["workloads"] = with_contents(own["workloads"], truth)
    return "".join({**own, **{name: truth[name] for name in EVERYWHERE}}.values())


def main() -> None:
    """Write, or compare."""
    truth = entries(BLOCK.split((MODULES / f"{TRUTH}.py").read_text())[1])
    for path in sorted(MODULES.glob("[a-z]*.py")):
        page = path.read_text()
        before, returned, after = BLOCK.split(page)
        wanted = before + block(path.stem, entries(returned), truth) + after
        if wanted == page:
            continue
        if "--check" in sys.argv:
            sys.exit(f"{path.relative_to(ROOT)} does not tell what it returns as workload_image does; run `make docs`")
        path.write_text(wanted)
        print(f"{path.relative_to(ROOT)} written")


if __name__ == "__main__":
    main()
