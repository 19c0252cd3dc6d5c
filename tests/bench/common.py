"""What every benchmark needs: a platform of its own, rows, and budgets that are met or missed."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import statistics
import sys
import time
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "testbed"), str(Path(__file__).parent)]

import names  # noqa: E402
import wheel  # noqa: E402
from harness import platforms  # noqa: E402
from harness.platforms import Options, Platform, docker, fresh  # noqa: E402

# Unpacked from what PyPI has of them, and found by their path.
RIVALS = ("community.docker", "community.library_inventory_filtering_v1")
FAILED: list[str] = []


def spread(values: t.Sequence[float], unit: str = "ms", factor: float = 1000.0) -> str:
    """Median with the 10th and 90th percentile."""
    ordered = sorted(v * factor for v in values)
    low, high = ordered[len(ordered) // 10], ordered[-1 - len(ordered) // 10]
    return f"{statistics.median(ordered):8.1f} {unit}  ({low:.1f} to {high:.1f}, n={len(ordered)})"


def say(title: str, value: str) -> None:
    """One row."""
    print(f"  {title:<64} {value}", flush=True)


def verdict(budget: str, met: bool) -> None:
    """A budget and whether it is met."""
    print(f"  {'met   ' if met else 'MISSED'} {budget}", flush=True)
    if not met:
        FAILED.append(budget)


def end() -> None:
    """Leave with 1 when a budget was missed."""
    sys.exit(f"bench: missed {', '.join(FAILED)}" if FAILED else 0)


@contextlib.contextmanager
def provisioned(clean: t.Callable[[Platform], None]) -> t.Iterator[Platform]:
    """A platform of this run; whatever it holds is taken away in the end."""
    made = fresh("bench")
    made.collections = f"{names.COLLECTIONS}:{wheel.collections(*RIVALS)}"
    with platforms.provisioned(made) as platform:
        try:
            yield platform
        finally:
            clean(platform)
    shutil.rmtree(made.root)


def play(platform: Platform, module: str, options: t.Sequence[Options], **more: t.Any) -> tuple[float, list[Options]]:
    """Seconds and results of one playbook with these tasks."""
    entries = [{"name": f"task {n}", module: option, **more} for n, option in enumerate(options)]
    path = platform.root / "bench.json"
    path.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": entries}]))
    begun = time.monotonic()
    played = platform.playbook(str(path)).ok()
    return time.monotonic() - begun, played.results


def run_until_ready(platform: Platform) -> float:
    """Seconds of `docker run` of the application until its health path answers: the application's own start."""
    name = f"bench-plain-{os.urandom(3).hex()}"
    form = '{{(index .NetworkSettings.Networks "' + platform.network + '").IPAddress}}'
    begun = time.monotonic()
    label = ["--label", f"{names.LABEL}=1", "--network", platform.network]
    docker("run", "-d", "--name", name, *label, names.image("app", "1"))
    address = docker("inspect", "--format", form, name)
    while not answers(address):
        time.sleep(0.005)
    seconds = time.monotonic() - begun
    docker("rm", "-f", name)
    return seconds


def answers(address: str) -> bool:
    """True when the application's health path answers 200."""
    connection = http.client.HTTPConnection(address, 8000, timeout=1)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()
