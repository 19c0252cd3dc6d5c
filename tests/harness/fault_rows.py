"""What tests find out for the table of faults, from whatever suite: kept as lines until a page is made of them."""

from __future__ import annotations

import json
import os
import typing as t

import names

ROWS = names.CACHE / "faults"


def keep(row: dict[str, t.Any]) -> None:
    """Add a row; each process of the tests has a file of its own."""
    ROWS.mkdir(parents=True, exist_ok=True)
    with (ROWS / f"{os.getpid()}.jsonl").open("a") as stream:
        stream.write(json.dumps(row) + "\n")


def forget() -> None:
    """Begin anew."""
    for path in ROWS.glob("*.jsonl"):
        path.unlink()


def kept() -> list[dict[str, t.Any]]:
    """All rows since."""
    return [json.loads(line) for path in sorted(ROWS.glob("*.jsonl")) for line in path.read_text().splitlines()]
