"""The demonstration: four versions under constant load, a rollback, more types, and a host with a database.

`make demo` runs it. The last line counts requests, losses, releases and seconds; `lost` counts everything but the
announced gap of the recreate, which is shown apart.
"""

from __future__ import annotations

import http.client
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "testbed"), str(Path(__file__).parent)]

import compose  # noqa: E402
import guestbook  # noqa: E402
import names  # noqa: E402
from harness.load import Client, Count, Target  # noqa: E402

STATE = ROOT / ".cache" / "demo"
INVENTORY = Path(__file__).parent / "inventory.yml"
SLOT = 0.1  # seconds that one character of the picture stands for
WIDTH = 100


def ansible(playbook: str, *extra: str, inventory: Path = INVENTORY) -> subprocess.Popen[str]:
    """Start a playbook of the collection by its full name."""
    env = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(names.COLLECTIONS),
        "ANSIBLE_HOME": str(ROOT / ".cache" / "ansible"),
        "ANSIBLE_NOCOLOR": "1",
        "DOCKER_CONFIG": str(compose.config()),
        "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false",
        "PATH": f"{names.venv()}:{os.environ['PATH']}",
    }
    argv = [str(names.venv() / "ansible-playbook"), f"tidegate.platform.{playbook}", "-i"]
    argv += [str(inventory), "-e", f"demo_state={STATE}"]
    for pair in extra:
        argv += ["-e", pair]
    return subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)


def finish(process: subprocess.Popen[str], *, may_fail: bool = False) -> str:
    """Output of a playbook; a failure that was not announced ends the demonstration."""
    output = process.communicate()[0]
    if process.returncode and not may_fail:
        sys.exit(f"{output}\ndemo: a playbook failed")
    return output


class Journal:
    """Follows the platform's own journal while a deployment runs."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, int]] = {row[:2] for row in self._rows()}

    def _rows(self) -> list[tuple[str, int, str, float]]:
        path = STATE / "tidegate.db"
        if not path.exists():
            return []
        query = "SELECT deployment, number, step, ended_at - begun_at FROM journal WHERE ended_at IS NOT NULL"
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5) as db:
            return db.execute(query + " ORDER BY deployment, number").fetchall()

    def show(self) -> None:
        """Print the steps that ended since the last look."""
        for deployment, number, step, seconds in self._rows():
            if (deployment, number) not in self.seen:
                self.seen.add((deployment, number))
                print(f"    {step:<24} {seconds:6.2f} s", flush=True)


def picture(count: Count, since: float, until: float) -> str:
    """One character a slot: the version that answered, `#` for both, `|` for 503 with Retry-After, `x` for a loss."""
    slots: dict[int, set[str]] = {}
    for moment, answer in list(count.moments):
        if since <= moment <= until:
            slots.setdefault(int((moment - since) / SLOT), set()).add(answer)
    marks = {frozenset({"held"}): "|"}
    line = ""
    for number in range(int((until - since) / SLOT) + 1):
        answers = slots.get(number, set())
        if "lost" in answers:
            line += "x"
        elif len(answers) == 1:
            line += marks.get(frozenset(answers), next(iter(answers))[:1])
        else:
            line += "#" if answers else " "
    return line[-WIDTH:]


def deploy(
    client: Client, begin: float, title: str, *extra: str, fails: bool = False, playbook: str = "deploy"
) -> bool:
    """Make one version live; print its steps as they pass, then the picture of who answered."""
    print(f"\n  {title}", flush=True)
    journal, since = Journal(), time.monotonic() - begin
    process = ansible(playbook, "workload=shop", *extra)
    while process.poll() is None:
        journal.show()
        time.sleep(0.02)
    output = finish(process, may_fail=fails)
    journal.show()
    time.sleep(0.3)  # so that the picture shows what answers afterwards
    print(f"    answers: {picture(client.count, since, time.monotonic() - begin)}")
    for line in output.splitlines():
        if fails and "[ERROR]" in line:
            print(f"    {line.partition('Module failed: ')[2]}")
    return process.returncode == 0


def other_kinds() -> None:
    """Workload files of four more types: checked on the controller, deployed, asked, and found unchanged."""
    folder = f"workload_files={Path(__file__).parent / 'workloads'}"
    print(
        "\n  workload files: a Dockerfile, a site, an application without a Dockerfile, a Compose project", flush=True
    )
    for playbook, title in (("validate", "checked"), ("deploy", "deployed"), ("deploy", "again")):
        begun = time.monotonic()
        output = finish(ansible(playbook, folder))
        print(f"    {title} in {time.monotonic() - begun:.1f} s", flush=True)
        for line in output.splitlines():
            if line.startswith('        "'):
                print(f"      {line.strip().strip(',').strip(chr(34))[:WIDTH]}")
    for host in ("api", "handbook", "hello", "team"):
        connection = http.client.HTTPConnection("127.0.0.1", 18080, timeout=5)
        connection.request("GET", "/", headers={"Host": f"{host}.example.org"})
        answer = connection.getresponse()
        print(f"    {host}: {answer.status} {answer.read().decode().splitlines()[0][:80]}")
        connection.close()
        if answer.status != http.HTTPStatus.OK:
            sys.exit(f"demo: {host} does not answer")


def under_load() -> tuple[Count, int]:
    """Provision, deploy four versions under load, roll back, more types; what the load met, and how many were released."""
    STATE.mkdir(parents=True, exist_ok=True)
    print("demo: provisioning this machine (docker, traefik)", flush=True)
    finish(ansible("site"))
    finish(ansible("deploy", "workload=shop"))
    print("demo: version 1 is live; 200 requests a second from here on")
    print("      one character = 0.1 s: the version that answers, | = 503 with Retry-After, x = lost")
    client = Client(Target("shop.example.org", port=18080), "keepalive", 200.0).start()
    begin = time.monotonic()
    try:
        good = 1
        good += deploy(client, begin, "version 2, blue-green", "version=2")
        if deploy(client, begin, "version 3, blue-green, fails its gate: 2 serves on", "version=3", fails=True):
            sys.exit("demo: version 3 should not have passed its gate")
        good += deploy(client, begin, "version 4, recreate: an announced gap", "version=4", "demo_strategy=recreate")
        good += deploy(client, begin, "rollback: the last good release, as it was", playbook="rollback")
        print("\n  status")
        for line in finish(ansible("status")).splitlines():
            if line.lstrip().startswith(('"WORKLOAD', '"catch-all', '"shop', '"traefik')):
                print(f"    {line.strip().strip(',').strip(chr(34))}")
        other_kinds()
    finally:
        count = client.stop()
        files = f"workload_files={Path(__file__).parent / 'workloads'}"
        finish(ansible("teardown", files, "confirm=all"), may_fail=True)
        finish(ansible("teardown", "workload=shop", "confirm=shop"), may_fail=True)
        finish(ansible("site", "traefik_state=absent"), may_fail=True)
    return count, good


def a_host() -> None:
    """A host of its own with a database and a cache, and what their rows survive."""
    guestbook.tell(lambda playbook, *extra, inventory: finish(ansible(playbook, *extra, inventory=inventory)))


def main(chapters: list[str]) -> None:
    """Tell both chapters, or the one that is named: `load` or `host`; the counts come last."""
    begun = time.monotonic()
    told = under_load() if chapters != ["host"] else None
    if chapters != ["load"]:
        a_host()
    if told is None:
        return
    count, good = told
    held = [moment for moment, answer in count.moments if answer == "held"]
    gap = max(held) - min(held) if held else 0.0
    for loss in count.losses[:10]:
        print(f"  lost: {loss}")
    print(f"\ndemo: recreate gap: {count.held} requests answered 503 with Retry-After over {gap:.2f} s")
    print(
        f"demo: slowest answer {count.slowest * 1000:.0f} ms; answers by version {dict(sorted(count.answers.items()))}"
    )
    seconds = time.monotonic() - begun
    print(f"demo: requests={count.requests} lost={count.lost} releases={good} seconds={seconds:.0f}")
    sys.exit(1 if count.lost else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
