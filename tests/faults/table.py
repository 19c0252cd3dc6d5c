"""The crash matrix as Markdown, from the rows that the fault tests leave: `python tests/faults/table.py` writes the page."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "crash-matrix.md"
HEAD = """# Crash matrix

Every step of every strategy, killed (`kill -9`) in its middle and after it, under load; then repaired by the same task
again or by `reconcile`. Then faults of the host's parts. Written from a run of `tests/faults` by `make faults`.

*lost* are requests that were not answered, or not correctly; *held* were answered 503 with Retry-After while a recreate
had neither release running. *bound* is the most that the fault explains: what arrived or was under way while nobody could
be served, for as long as a watch beside the load got no answer. *orphans* are containers of no live release, *stopped* are containers that served and were
stopped although their release stayed live.

"""
COLUMNS = ("fault", "in", "repair", "live", "requests", "held", "lost", "bound", "orphans", "stopped")


def table(rows: list[dict[str, t.Any]]) -> str:
    """Rows sorted by fault, and their sums."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    for row in sorted(rows, key=lambda r: (r.get("order", 9), r["fault"], r["in"], r["repair"])):
        lines.append(f"| {' | '.join(str(row.get(name, '')) for name in COLUMNS)} |")
    sums = {
        name: sum(int(row.get(name) or 0) for row in rows)
        for name in ("requests", "held", "lost", "orphans", "stopped")
    }
    unexplained = sum(int(row.get("unexplained", row.get("lost")) or 0) for row in rows)
    lines.append("")
    lines.append(
        f"{len(rows)} cells, {sums['requests']} requests: {sums['lost']} lost ({unexplained} unexplained), "
        f"{sums['held']} held; {sums['orphans']} orphans, {sums['stopped']} wrongly stopped."
    )
    return "\n".join(lines)


def main() -> None:
    """Write the page from the last run."""
    folder = ROOT / ".cache" / "testbed" / "faults"
    rows = [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]
    PAGE.write_text(f"{HEAD}{table(rows)}\n")
    print(f"{PAGE.relative_to(ROOT)}: {len(rows)} cells")


if __name__ == "__main__":
    main()
