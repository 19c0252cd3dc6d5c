"""A power cut at every moment of a run: a disk that forgets whatever was not synced, and what is then left of the platform."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

import compose
import names
import pytest
from harness.platforms import Options, Platform, containers, docker
from harness.runs import environment
from harness.stories import DRIVER

from .power import CUTS, STRACE, Call, Disk, calls

App = t.Callable[..., Options]
TREES = Path(__file__).parents[1] / "harness" / "trees"
# What may be half there: what the next run makes anew, drafts before they have their names, and the database's own, which it
# reads itself; of the notice to Traefik only the moment counts.
PASSING = re.compile(
    r"/(locks|work)/|/\.[^/]*$|\.part$|\.part/|/tidegate\.db(\.new)?(-wal|-shm|-journal)?$|/changed$|/\.tidegate-"
)
CREATED = re.compile(rb"POST /v[0-9.]+/containers/create\?name=([\w.-]+) ")
REMOVED = re.compile(rb"DELETE /v[0-9.]+/containers/([\w.-]+)\?")


class Facts(t.NamedTuple):
    """What a record says."""

    live: dict[str, str]
    releases: dict[str, dict[str, t.Any]]
    proposed: str
    under_way: dict[str, str]


Look = t.Callable[[t.Mapping[str, bytes]], str]
"""Says what else is wrong with what is left, or nothing."""


class Watcher:
    """Looks at what every cut would leave, and says what of it is wrong."""

    def __init__(self, state: Path, routes: Path, disk: Disk, more: Look) -> None:
        self.state, self.routes, self.disk, self.more = str(state), str(routes), disk, more
        self.wrong: list[str] = []
        self._before = disk.view("nothing")
        self.cuts = 0
        self._read: dict[bytes, Facts | str] = {}

    def look(self, when: str) -> None:
        """After a call, for each kind of cut."""
        for cut in CUTS:
            self.cuts += 1
            found = self.disk.view(cut)
            said = [*self._halves(found), *self._record(found), *filter(None, [self.more(found)])]
            self.wrong += [f"{when}, {cut} left: {text}" for text in said]

    def facts(self, found: t.Mapping[str, bytes]) -> Facts | str:
        """What is on record, or what is wrong with it."""
        base = f"{self.state}/tidegate.db"
        parts = [found.get(base + end, b"") for end in ("", "-wal")]
        if base not in found:
            return Facts({}, {}, "", {})
        key = b"".join(hashlib.sha256(part).digest() for part in parts)
        if key not in self._read:
            self._read[key] = _facts(parts)
        return self._read[key]

    def _halves(self, found: t.Mapping[str, bytes]) -> t.Iterator[str]:
        for path, data in found.items():
            if self._before.get(path) == data:
                continue
            if not PASSING.search(path) and data not in self.disk.whole.get(path, {data}):
                yield f"{path} has {len(data)} bytes, and is not whole"
            elif not data and not PASSING.search(path) and b"" not in self.disk.whole.get(path, ()):
                yield f"{path} is empty"

    def _record(self, found: t.Mapping[str, bytes]) -> t.Iterator[str]:
        facts = self.facts(found)
        if isinstance(facts, str):
            yield facts
            return
        for workload, live in facts.live.items():
            yield from self._release(found, workload, facts.releases[live])
            if facts.under_way.get(workload, live) == live:  # else its routes may be those of what is to be live
                yield from self._routes(found, workload, facts.releases[live])
        hidden = any(row["snapshot"]["secrets"] for row in facts.releases.values())
        if hidden and len(found.get(f"{self.state}/secret.key", b"")) != 32:
            yield "there are secrets on record, and no key"

    def _release(self, found: t.Mapping[str, bytes], workload: str, row: dict[str, t.Any]) -> t.Iterator[str]:
        """What the release that is live on record needs: its secrets, its routes, its definition, its own record."""
        suffix = row["containers"][0].rpartition("-")[0][-8:]
        for secret in row["snapshot"]["secrets"]:
            folder = suffix + (".environment" if secret["delivery"] == "environment" else "")
            if f"{self.state}/secrets/{workload}/{folder}/{secret['name']}" not in found:
                yield f"{workload} is live without its secret {secret['name']}"
        if row["snapshot"].get("compose"):
            if f"{self.state}/stacks/{workload}/{row['image_id']}/definition.json" not in found:
                yield f"{workload} is live without its definition"
        elif f"{self.state}/records/{workload}/{suffix}" not in found:
            yield f"{workload} is live without what a lost record is derived from"

    def _routes(self, found: t.Mapping[str, bytes], workload: str, row: dict[str, t.Any]) -> t.Iterator[str]:
        route = found.get(f"{self.routes}/workloads/{workload}.yml")
        if row["route"] and (route is None or row["containers"][0].encode() not in route):
            yield f"{workload} is live, and its routes are not its own"

    def request(self, data: bytes) -> None:
        """What the engine is asked for is not taken back by a cut: the record has to know of it before."""
        facts = self.facts(self.disk.view("nothing"))
        if isinstance(facts, str):
            return
        for name in map(bytes.decode, CREATED.findall(data)):
            if name.split("-")[1] not in facts.proposed:
                self.wrong.append(f"{name} is made, and no record says so")
        for name in map(bytes.decode, REMOVED.findall(data)):
            if any(name in facts.releases[live]["containers"] for live in facts.live.values()):
                self.wrong.append(f"{name} is removed, and is live on record")


def _facts(parts: t.Sequence[bytes]) -> Facts | str:
    """What SQLite itself makes of these files."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tidegate.db"
        path.write_bytes(parts[0])
        if parts[1]:
            Path(f"{path}-wal").write_bytes(parts[1])
        try:
            with contextlib.closing(sqlite3.connect(path)) as db:
                if (said := db.execute("PRAGMA quick_check").fetchone()[0]) != "ok":
                    return f"the record is damaged: {said}"
                live = {
                    f"{row[0]}.{row[1]}": row[2]
                    for row in db.execute("SELECT workload, environment, release FROM live")
                }
                query = "SELECT id, image_id, containers, route, snapshot FROM releases"
                releases = {
                    row[0]: {
                        "image_id": row[1],
                        "containers": json.loads(row[2]),
                        "route": row[3],
                        "snapshot": json.loads(row[4]),
                    }
                    for row in db.execute(query)
                }
                query = "SELECT workload, environment, id FROM deployments WHERE conclusion IS NULL"
                under_way = {f"{row[0]}.{row[1]}": row[2] for row in db.execute(query)}
                proposed = str(db.execute("SELECT candidate FROM deployments").fetchall())
        except sqlite3.Error as error:
            return f"the record cannot be read: {error}"
    return Facts(live, releases, proposed, under_way)


def watched(
    tmp_path: Path, orders: t.Sequence[Options], *more: Path, look: Look = lambda _left: ""
) -> tuple[list[Options], Watcher]:
    """Run stories by one process that is traced, and look at every cut; their results, and who looked.

    :param look: what else is wrong with what is left.
    """
    disk, trace = Disk(tmp_path / "above", *more), tmp_path / "trace"
    lines = "".join(json.dumps(order) + "\n" for order in orders)
    argv = [*STRACE, "-o", str(trace), sys.executable, str(DRIVER), "-"]
    done = subprocess.run(argv, input=lines, env=environment(), capture_output=True, text=True, check=False)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == len(orders), done.stderr
    assert not any(row.get("failed") for row in results), results
    params = orders[0]["params"]
    watcher, ended = Watcher(Path(params["state_dir"]), Path(params["routes_dir"]), disk, look), 0
    for number, call in enumerate(calls(trace)):
        if disk.take(call):
            watcher.look(f"call {number} ({call.name})")
        elif call.name == "sendto":
            watcher.request(_sent(call))
        elif call.own and call.name == "write" and call.words.startswith("1<") and _sent(call).endswith(b"\n"):
            _told(watcher, results[ended])
            ended += 1
    assert ended == len(orders)
    trace.unlink()
    return results, watcher


def _sent(call: Call) -> bytes:
    text = call.words.partition('"')[2].partition('"')[0]
    return bytes.fromhex(text.replace("\\x", "")) if "\\x" in text else b""


def _told(watcher: Watcher, result: Options) -> None:
    """What was told is on the disk, whatever is lost."""
    facts = watcher.facts(watcher.disk.view("nothing"))
    release = result.get("release")
    if release and (isinstance(facts, str) or release["id"] not in facts.live.values()):
        watcher.wrong.append(f"{release['id']} was told to be live, and is lost")


def places(platform: Platform, tmp_path: Path) -> Options:
    """Where the runs' platform is: below a folder that is watched, and there is nothing yet."""
    (above := tmp_path / "above").mkdir(exist_ok=True)
    return {**platform.places(), "state_dir": str(above / "state")}


FORGETFUL = """
import os, sys
here = sys.argv[1]
def at(name):
    return os.path.join(here, name)
def put(name, sync):
    with open(at(name), "w") as stream:
        stream.write("whole")
        stream.flush()
        if sync:
            os.fsync(stream.fileno())
def folder(name):
    number = os.open(at(name), os.O_RDONLY)
    os.fsync(number)
    os.close(number)
put("f", True)
put("a.part", True); os.rename(at("a.part"), at("a")); folder("")
put("b.part", False); os.rename(at("b.part"), at("b")); folder("")
put("c.part", True); os.rename(at("c.part"), at("c"))
os.mkdir(at("d")); put("d/e", True); folder("d")
os.unlink(at("f"))
"""


def test_the_model_forgets_what_was_not_synced(tmp_path: Path) -> None:
    """Power cuts: a name without its folder's sync, a content without the file's own, a folder without the one above."""
    (root := tmp_path / "root").mkdir()
    disk, trace = Disk(root), tmp_path / "trace"
    subprocess.run([*STRACE, "-o", str(trace), sys.executable, "-c", FORGETFUL, str(root)], check=True)
    for call in calls(trace):
        disk.take(call)
    left = {cut: {path.removeprefix(f"{root}/"): data for path, data in disk.view(cut).items()} for cut in CUTS}
    assert left["nothing"] == {"a": b"whole", "b": b"", "f": b"whole"}
    assert left["names only"] == {"a": b"whole", "b": b"", "c": b"whole", "d/e": b"whole"}
    assert left["contents only"] == {"a": b"whole", "b": b"whole", "f": b"whole"}
    seen = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert seen == {"a": b"whole", "b": b"whole", "c": b"whole", "d/e": b"whole"}, "nothing was cut in truth"


def test_a_deployment_survives_a_power_cut_at_any_moment(platform: Platform, app: App, tmp_path: Path) -> None:
    """A12: a virgin host, a second release, a rollback: record, key, secrets, routes, in the right order."""
    secrets = [
        {"name": "key", "value": "of-the-first"},
        {"name": "WORD", "value": "in-the-environment", "delivery": "environment"},
    ]
    own = places(platform, tmp_path)
    base = {**app(), **own, "secrets": secrets, "drain": {"timeout": 0}, "stop_timeout": 0}
    second = {**base, "image": names.image("app", "2")}
    orders = [
        {"story": "image", "params": base},
        {"story": "image", "params": second},
        {"story": "rollback", "params": {"name": base["name"], **own}},
    ]
    results, watcher = watched(tmp_path, orders, platform.state)
    print(f"{watcher.cuts} cuts")
    assert [row["changed"] for row in results] == [True] * 3
    assert watcher.wrong == []
    assert watcher.cuts > 100
    docker("rm", "-f", *containers(base["name"]))


def test_an_archive_survives_a_power_cut_and_so_does_what_it_restores(
    platform: Platform, app: App, tmp_path: Path
) -> None:
    """A12, A4: no half archive under its name, the older one stays until the newer one is on the disk; at every moment of a
    restore there is a whole platform, the old one or the new one.
    """
    own = places(platform, tmp_path)
    idle = {"routes": [], "port": None, "command": ["sleep", "600"], "health": {"type": "window", "window": 0.1}}
    base = {**app(), **own, **idle, "stop_timeout": 0, "secrets": [{"name": "key", "value": "of-an-archive"}]}
    archives = tmp_path / "above" / "archives"
    backup = {"story": "platform_backup", "params": {**own, "directory": str(archives), "images": False, "keep": 1}}
    (_made, first), watcher = watched(tmp_path, [{"story": "image", "params": base}, backup])
    assert watcher.wrong == []
    (second,), watcher = watched(tmp_path, [backup], look=lambda left: _any(left, archives, ".tar.gz"))
    assert (second["removed"], watcher.wrong) == ([first["archive"]], [])
    restore = {"archive": second["archive"], "replace": True}
    orders = [{"story": "platform_restore", "params": {**own, **restore}}]
    (_restored,), watcher = watched(tmp_path, orders, look=lambda left: _any(left, tmp_path / "above", "/tidegate.db"))
    assert [text for text in watcher.wrong if "is removed, and is live" not in text] == []


def _any(left: t.Mapping[str, bytes], folder: Path, end: str) -> str:
    """What is wrong where no whole file of that ending is left below a folder."""
    good = [path for path, data in left.items() if path.startswith(f"{folder}/") and path.endswith(end) and data]
    return "" if [path for path in good if "/.tidegate-" not in path] else f"no {end} is left"


@pytest.mark.second
@pytest.mark.parametrize("kind", ["compose", "static"])
def test_what_a_release_is_made_of_survives_a_power_cut(
    platform: Platform, app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A12: a project's definition and the files that it mounts, the assets that open pages of a site may ask for."""
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))
    own = places(platform, tmp_path)
    base = {
        key: value for key, value in app().items() if key not in ("image", "port", "health", "networks", "stop_timeout")
    }
    orders = []
    for version in "12":
        tree = tmp_path / version
        shutil.copytree(TREES / "site", tree)
        (tree / f"app.{version * 8}.js").write_text(f"version {version};")
        given: Options = {"source": {"path": str(tree), "remote": True}}
        if kind == "static":
            given.update(
                static={"image": names.image("caddy", "2.11.7")}, networks=[platform.network], health={"path": "/"}
            )
        else:
            web = {"image": names.image("app", version), "labels": {names.LABEL: "1"}, "stop_grace_period": "1s"}
            mounts = [f"./app.{version * 8}.js:/srv/asset.js:ro"]
            definition = {"services": {"web": {**web, "volumes": mounts}}}
            (tree / "compose.yaml").write_text(json.dumps(definition))
            exposed = {"name": "web", "port": 8000, "health": {"path": "/healthz"}, "routes": base["routes"]}
            given["compose"] = {"file": "compose.yaml", "network": platform.network, "services": [exposed]}
        less = {key: value for key, value in base.items() if kind == "static" or key != "routes"}
        orders.append({"story": kind, "params": {**less, **own, **given, "drain": {"timeout": 0}}})
    results, watcher = watched(tmp_path, orders, platform.state)
    print(f"{watcher.cuts} cuts")
    assert [row["changed"] for row in results] == [True, True]
    assert watcher.wrong == []
    docker("rm", "-f", *containers(base["name"]))
