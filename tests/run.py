"""Runs every check and test, or the parts named, and says what each part cost: `make test`.

A part is a list of commands. All of them are run, whichever fails, so that one failure never hides another.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache"
BIN = CACHE / "venv" / "main" / "bin"
NEWEST = "python3.13"
Command = list[str]
PYTEST = ["python", "-m", "pytest", "-q"]
# A process that has nothing left takes tests of others: the longest are not the first.
SHARED = ["-n", "4", "--dist", "worksteal"]
# What a first variant or a molecule scenario shows, too, is left out unless everything is asked for.
FIRST = "" if os.environ.get("TIDEGATE_EVERY") else " and not second"


def newest_python() -> str | None:
    """The interpreter of the second leg, where there is one."""
    places = [
        *Path(os.environ.get("PYENV_ROOT", "/nonexistent")).glob(f"versions/3.13.*/bin/{NEWEST}"),
        Path("/usr/bin", NEWEST),
    ]
    return next((str(place) for place in places if place.exists()), None)


def lint() -> list[Command]:
    """Style of Python, YAML, Ansible content, spelling."""
    return [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["yamllint", "--strict", "."],
        ["codespell", "plugins", "roles", "playbooks", "tests", "README.md", "CONTRIBUTING.md", "docs"],
        ["ansible-lint", "--strict", "--nocolor"],
    ]


def types() -> list[Command]:
    """mypy, strict."""
    return [["mypy", "plugins", "tests"]]


def unit() -> list[Command]:
    """Pure logic, and parts on real files and processes; with coverage."""
    cover = ["--cov=plugins", "--cov-branch", "--cov-report=term:skip-covered"]
    return [[*PYTEST, "-n", "2", "tests/unit", *cover]]


def sanity() -> list[Command]:
    """ansible-test sanity with the oldest supported ansible-core."""
    return [["tests/tools/sanity.sh", "main"]]


def newest() -> list[Command]:
    """What of sanity differs by version, and unit tests, with the newest ansible-core, on the Python that it needs."""
    python = newest_python()
    if python is None:
        print(f"  skipped: there is no {NEWEST} on this machine, which the newest ansible-core needs")
        return []
    venv = CACHE / "venv" / "newest" / "bin"
    return [
        ["tests/testbed/bootstrap.sh", f"newest={python}"],
        ["tests/tools/sanity.sh", "newest", "--test", "validate-modules", "--test", "import"],
        [str(venv / "python"), "-m", "pytest", "-q", "-n", "2", "tests/unit", "-p", "no:cacheprovider"],
    ]


def docs() -> list[Command]:
    """Documentation of modules and roles, changelog fragments; the site, in which no link is broken (20 s of a processor)."""
    strict = [
        "--plugin-docs",
        "--validate-collection-refs=all",
        "--disallow-unknown-collection-refs",
        "--skip-rstcheck",
    ]
    return [
        ["antsibull-docs", "lint-collection-docs", *strict, "."],
        ["antsibull-changelog", "lint"],
        ["tests/testbed/bootstrap.sh", "docs"],
        ["python", "tests/tools/docsite.py"],
    ]


def build() -> list[Command]:
    """Build, install offline, and what Galaxy checks at an upload."""
    dist = CACHE / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    tarball = dist / "tidegate-platform-0.1.0.tar.gz"
    # A clean copy: the builder takes in every file that it is not told to leave out.
    source = CACHE / "sanity" / "ansible_collections" / "tidegate" / "platform"
    importer = CACHE / "venv" / "importer" / "bin" / "python"
    return [
        ["tests/testbed/bootstrap.sh", "importer"],
        ["tests/tools/copy.sh", str(source)],
        ["ansible-galaxy", "collection", "build", str(source), "--output-path", str(dist)],
        ["ansible-galaxy", "collection", "install", str(tarball), "-p", str(dist / "installed"), "--offline"],
        [str(importer), "-m", "galaxy_importer.main", str(tarball)],
    ]


def testbed() -> list[Command]:
    """The images of everything that is run for real, built from packages; later runs have them."""
    return [["python", "tests/testbed", "up", "everything"]]


def integration() -> list[Command]:
    """Real ansible-playbook runs against the real engine, Traefik, registries and ACME server."""
    return [
        [*PYTEST, "-s", "-m", "alone", "tests/integration"],
        [*PYTEST, *SHARED, "-m", f"not alone and not database{FIRST}", "tests/integration", "--durations=10"],
    ]


def services() -> list[Command]:
    """The roles with databases, whose volumes have one name on an engine: their whole lives, backup and restore."""
    return [[*PYTEST, "-m", f"database{FIRST}", "tests/integration", "--durations=3"]]


def faults() -> list[Command]:
    """Kill -9 in and after every step of every strategy, and faults of the host's parts; prints the table."""
    return [[*PYTEST, "-n", "3", "-m", f"not alone{FIRST}", "tests/faults", "--durations=5"]]


def fleet() -> list[Command]:
    """Three target hosts with engines of their own: two-phase deployments, the proxy's upgrade, host faults."""
    return [[*PYTEST, "-s", "-m", f"not alone{FIRST}", "tests/fleet", "--durations=5"]]


def molecule() -> list[Command]:
    """Roles on a bare systemd host with an engine of its own."""
    # What a run that was killed left; molecule would take its word for hosts that are gone.
    shutil.rmtree(CACHE / "ansible" / "tmp", ignore_errors=True)
    down = [["python", "tests/testbed", "host-down", f"molecule-{number}"] for number in (1, 2)]
    return [*down, ["python", "tests/tools/scenarios.py"]]


def demo() -> list[Command]:
    """The demonstration under load, which ends with 1 if it loses a request."""
    return [["python", "tests/demo/demo.py", "load"]]


def demo_host() -> list[Command]:
    """The demonstration's other half: a host with a database, whose rows survive whatever is done to it."""
    # Without pipelining, as Ansible is configured where nobody configured it: modules have a terminal then, and no input.
    config = "ANSIBLE_CONFIG=tests/harness/ansible.cfg"  # how often the controller looks, only
    return [["env", "-u", "ANSIBLE_PIPELINING", config, "python", "tests/demo/demo.py", "host"]]


Part = Callable[[], list[Command]]
Lane = tuple[Part, ...]
# Stage after stage; in each, lanes side by side of parts one after another. Checks run while images are fetched and built; target
# hosts boot, install and wait most of their time. What offers the most load has the machine to itself.
STAGES: tuple[tuple[Lane, ...], ...] = (
    ((testbed,), (lint, types, unit, docs, sanity)),
    ((integration,),),
    ((fleet, faults), (molecule,), (services, demo_host, newest, build)),
    ((demo,),),
)
NEED_TESTBED = {part.__name__ for part in (integration, fleet, faults, molecule, demo_host, services, demo)}


def environment() -> dict[str, str]:
    """Environment of every command."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {
        **env,
        "ANSIBLE_COLLECTIONS_PATH": str(CACHE / "collections"),
        "ANSIBLE_HOME": str(CACHE / "ansible"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PIPELINING": "1",
        "NO_COLOR": "1",
        "PATH": f"{BIN}:{os.environ['PATH']}",
    }


WORTH_IT = re.compile(r"\d+ (passed|failed)|^SKIPPED|^demo: |^load: |[0-9.]+s call|^TOTAL|^\| |cells, |handovers of")


class Row(NamedTuple):
    """What a part came to."""

    name: str
    good: bool
    seconds: float
    why: str = ""


def carried_out(part: Part) -> Row:
    """Run all commands of a part, then show what is worth it of their output."""
    begun = time.monotonic()
    said, why = [f"== {part.__name__}: {part.__doc__}"], []
    for command in part():
        done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
        output = done.stdout + done.stderr
        said += [f"  {line.strip()}" for line in output.splitlines() if WORTH_IT.search(line)]
        if done.returncode:
            said.append(f"{output[-12000:]}\n  FAILED: {' '.join(command)}")
            lines = [line[:400] for line in output.splitlines() if line.startswith(("FAILED ", "ERROR "))]
            why += lines or [f"{part.__name__}: {' '.join(command)}", *output.splitlines()[-5:]]
    print("\n".join(said), flush=True)
    return Row(part.__name__, not why, time.monotonic() - begun, "\n".join(why))


def main(wanted: list[str]) -> None:
    """Run the parts, then print what each cost."""
    known = [part.__name__ for stage in STAGES for lane in stage for part in lane]
    if unknown := sorted(set(wanted) - set(known)):
        sys.exit(f"PARTS={' '.join(unknown)} names no part. There are {', '.join(known)}.")
    names = {*wanted, testbed.__name__} if NEED_TESTBED.intersection(wanted) else set(wanted)
    rows: list[Row] = []
    begun = time.monotonic()
    for stage in STAGES:
        lanes = [[part for part in lane if not names or part.__name__ in names] for lane in stage]
        with ThreadPoolExecutor(max_workers=len(lanes)) as pool:
            for done in pool.map(lambda lane: [carried_out(one) for one in lane], lanes):
                rows += done
    print("\npart           result    seconds")
    for row in rows:
        print(f"{row.name:<14} {'passed' if row.good else 'FAILED'} {row.seconds:10.1f}")
    print(f"total, side by side where they can be {time.monotonic() - begun:10.1f}")
    failed = sum(not row.good for row in rows)
    print(f"parts: {len(rows) - failed} passed, {failed} failed")
    print("\n".join(row.why for row in rows if not row.good))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
