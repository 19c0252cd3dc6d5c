"""Running commands and waiting for conditions."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path


def say(text: str) -> None:
    """One line of progress."""
    print(f"testbed: {text}", flush=True)


def run(argv: Sequence[str], *, stdin: bytes | None = None, check: bool = True, cwd: Path | None = None) -> str:
    """Standard output of a command; its error output in the exception when it fails."""
    done = subprocess.run(list(argv), input=stdin, capture_output=True, check=False, cwd=cwd)
    if check and done.returncode:
        raise SystemExit(f"testbed: {' '.join(argv)} failed ({done.returncode}):\n{done.stderr.decode()[-2000:]}")
    return done.stdout.decode()


def succeeds(argv: Sequence[str]) -> bool:
    """True when the command ends with 0."""
    return subprocess.run(list(argv), capture_output=True, check=False, stdin=subprocess.DEVNULL).returncode == 0


def spawn(argv: Sequence[str], log: Path, env: dict[str, str] | None = None) -> int:
    """Start a process that outlives this one; its pid."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        return subprocess.Popen(
            list(argv), stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True, env=env
        ).pid


def wait_until(what: str, condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for a condition, with one deadline."""
    end = time.monotonic() + seconds
    pause = 0.01
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"testbed: {what} was not true within {seconds:.0f} s")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)


def answers(url: str) -> bool:
    """True when the URL gives any HTTP answer."""
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
