"""Runs every molecule scenario on the shared target hosts, and says what each cost."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time

# What a scenario leaves out because another one, or a test, shows it, too.
EVERYTHING = "[prepare, check, converge, idempotence, verify, side_effect, cleanup]"
ACTION = re.compile(r"\[(\S+) > (\S+?)\] (?:\x1b\[\d+m)?(Executing|Executed: (\w+))")


def main() -> None:
    """Show molecule's output where it fails, and a table in any case."""
    argv = ["molecule", "test", "--all"]
    env = {**os.environ, "NO_COLOR": "1"}
    if os.environ.get("TIDEGATE_EVERY"):
        env["TIDEGATE_SEQUENCE"] = EVERYTHING
    spent: dict[str, float] = {}
    failed: set[str] = set()
    said: list[str] = []
    begun = time.monotonic()
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout or ():
            said.append(line)
            match = ACTION.search(line)
            if not match:
                continue
            if match[4]:
                spent[match[1]] = spent.get(match[1], 0.0) + time.monotonic() - begun
                failed |= {match[1]} if match[4] == "Failed" else set()
            begun = time.monotonic()
    skipped = [line.strip() for line in said if '"msg": "skipped: ' in line]
    if process.returncode:
        print("".join(said[-400:]))
    for name, seconds in spent.items():
        print(f"| scenario {name:<18} {'FAILED' if name in failed else 'passed'} {seconds:8.1f} s |")
    for line in dict.fromkeys(skipped):
        print(f"| {line} |")
    sys.exit(process.returncode)


if __name__ == "__main__":
    main()
