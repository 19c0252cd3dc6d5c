"""The store, on real databases."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.deploy.store import NewAttempt, Store
from ansible_collections.tidegate.platform.plugins.module_utils._core.host import schema
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import Canceled, StoreFailure
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.identity import Subject
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.release import Release
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.release_text import columns

from unit.declarations import release

SHOP, WIKI = Subject("shop", "production"), Subject("wiki", "production")


def begun(store: Store, identity: str, sequence: int | None = None) -> Release:
    store.begin(NewAttempt(identity, *SHOP, "blue-green", "{}", 1.0, sequence))
    store.propose(identity, release(identity))
    return release(identity)


def test_reading_a_virgin_host_creates_nothing(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "state"))
    assert store.known() == {}
    assert store.newest(SHOP) == ""
    assert not (tmp_path / "state").exists()


def test_live_previous_claims_and_state(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.persist(SHOP, begun(store, "a"), ["shop.test/"], 2.0)
    store.persist(SHOP, begun(store, "b"), ["shop.test/", "b.test/"], 3.0)
    known = Store(str(tmp_path)).known()[SHOP]
    assert known == store.known(SHOP)[SHOP]
    assert known.live == release("b")
    assert known.previous is not None
    assert known.previous.id == "a"
    assert known.since == 3.0
    assert store.claims() == {"shop.test/": SHOP, "b.test/": SHOP}
    store.persist(SHOP, release("b", "stopped"), [], 4.0)
    known = store.known(SHOP)[SHOP]
    assert (known.live and known.live.state, known.previous and known.previous.id) == ("stopped", "a")
    store.conclude("a", "succeeded", "", 5.0)
    store.conclude("b", "succeeded", "", 5.0)
    store.forget(SHOP)
    assert store.known() == {}
    assert store.releases(SHOP) == []
    assert stat.S_IMODE((tmp_path / "tidegate.db").stat().st_mode) == 0o600


def test_a_claim_of_two_workloads_cannot_be_stored(tmp_path: Path) -> None:
    """DP-T17: also when both runs saw it free."""
    store = Store(str(tmp_path))
    store.persist(SHOP, begun(store, "a"), ["shop.test/"], 2.0)
    store.begin(NewAttempt("b", "wiki", "production", "recreate", "{}", 1.0))
    with pytest.raises(StoreFailure, match="UNIQUE"):
        store.persist(WIKI, release("b"), ["shop.test/"], 2.0)
    assert store.known()[WIKI].live is None


def test_a_deployment_concludes_once_with_one_event(tmp_path: Path) -> None:
    """DS-16, AW inv. 5: terminal states are write-once."""
    store = Store(str(tmp_path))
    candidate = begun(store, "a")
    attempt = store.known(SHOP)[SHOP].attempt
    assert attempt is not None
    assert attempt.candidate == candidate
    store.journal("a", "start", 1.5)
    store.journal("a", "gate", 2.0)
    assert store.known()[SHOP].attempt == attempt
    store.conclude("a", "canceled", "stopped", 2.5)
    store.conclude("a", "succeeded", "late", 3.0)
    assert store.known() == {}
    db = store._connect(create=False)
    assert db.execute("SELECT conclusion, status FROM deployments").fetchall() == [("canceled", "completed")]
    assert db.execute("SELECT count(*) FROM events").fetchone() == (1,)
    assert db.execute("SELECT step, ended_at FROM journal").fetchall() == [("start", 2.0), ("gate", 2.5)]


@pytest.mark.parametrize(
    ("steps", "stopping", "proven"),
    [
        (["divert"], False, False),
        (["stop", "start"], True, False),
        (["stop", "stop", "resume", "gate"], False, False),
        (["stop", "undo stop: resume"], True, False),
        (["resume", "stop"], True, False),
        (["undo gate: undivert"], False, False),
        (["undivert"], False, True),
        (["persist"], False, True),
    ],
)
def test_the_journal_tells_how_far_an_attempt_came(
    tmp_path: Path, steps: list[str], stopping: bool, proven: bool
) -> None:
    """DS-T5: what a repair resumed is not about to be stopped, though the run before it had asked for that."""
    store = Store(str(tmp_path))
    begun(store, "a")
    for step in steps:
        store.journal("a", step, 1.5)
    attempt = store.known()[SHOP].attempt
    assert attempt is not None
    assert (attempt.stopping, attempt.proven) == (stopping, proven)


def test_a_newer_or_broken_database_is_refused_by_name(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    begun(store, "a")
    store._connect(create=True).execute("PRAGMA user_version = 99")
    with pytest.raises(StoreFailure, match="newer than"):
        Store(str(tmp_path)).known()
    (tmp_path / "tidegate.db").write_text("not a database" * 100)
    for leftover in tmp_path.glob("tidegate.db-*"):
        leftover.unlink()
    with pytest.raises(StoreFailure, match=r"tidegate\.db: is damaged and cannot be read"):
        Store(str(tmp_path)).known()


def test_a_withdrawn_release_gives_way_to_the_one_before_it_and_is_remembered(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    for number, identity in enumerate("abc"):
        store.persist(SHOP, begun(store, identity), [f"{identity}.test/"], float(number))
    store.withdraw(SHOP, "bake failed", release("b"), ["b.test/"])
    known = store.known(SHOP)[SHOP]
    assert (known.live, known.previous) == (release("b"), release("a"))
    assert known.attempt is not None
    assert known.attempt.withdrawn
    assert store.claims() == {"b.test/": SHOP}
    assert [(kept.release.id, kept.withdrawn) for kept in store.releases(SHOP)] == [
        ("c", "bake failed"),
        ("b", None),
        ("a", None),
    ]
    store.withdraw(SHOP, "again", release("b"), ["b.test/"])
    assert store.releases(SHOP)[1].withdrawn is None, "what is gone back to is never withdrawn itself"
    store.withdraw(SHOP, "no release before", None, [])
    assert store.known(SHOP)[SHOP].live is None
    assert store.claims() == {}


def test_a_canceled_deployment_can_never_be_persisted(tmp_path: Path) -> None:
    """DP-T5, DP-18: canceled stays canceled; what is live already is not canceled."""
    store = Store(str(tmp_path))
    store.persist(SHOP, begun(store, "a"), [], 1.0)
    assert not store.cancel("a")
    store.conclude("a", "succeeded", "", 1.0)
    candidate = begun(store, "b")
    assert not store.canceling("b")
    assert store.cancel("b")
    assert store.canceling("b")
    attempt = store.known(SHOP)[SHOP].attempt
    assert attempt is not None
    assert attempt.withdrawn
    with pytest.raises(Canceled, match="on request"):
        store.persist(SHOP, candidate, [], 2.0)
    known = store.known(SHOP)[SHOP]
    assert known.live == release("a")
    store.conclude("b", "canceled", "", 3.0)
    assert not store.cancel("b")


def test_the_sequence_of_the_live_release_is_known(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    store.persist(SHOP, begun(store, "a", 7), [], 1.0)
    assert store.known()[SHOP].sequence == 7


def test_old_deployments_go_but_releases_and_the_newest_stay(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    for identity in "abcd":
        candidate = begun(store, identity)
        if identity == "a":
            store.persist(SHOP, candidate, [], 1.0)
        store.journal(identity, "start", 1.0)
        store.conclude(identity, "failed", "", 10.0)
    begun(store, "e")
    assert store.old_deployments(before=5.0, keep=1) == [], "not old enough"
    assert store.old_deployments(before=20.0, keep=1, but=["a"]) == ["a", "b", "c"], "a's release is about to go"
    old = store.old_deployments(before=20.0, keep=1)
    assert old == ["b", "c"]
    store.drop_deployments(old, 20.0)
    assert [row["id"] for row in store.deployments(SHOP, 9)] == ["e", "d", "a"]
    assert store.step("b") == ""
    assert store.step("d") == "start"
    assert store._connect(create=False).execute("SELECT count(*) FROM events").fetchone() == (0,)


def test_a_database_of_the_first_schema_is_brought_up(tmp_path: Path) -> None:
    """DS-T16: what an earlier version wrote is read as it was meant."""
    with sqlite3.connect(tmp_path / "tidegate.db") as db:
        db.executescript(schema.MIGRATIONS[0])
        db.execute("PRAGMA user_version = 1")
        db.execute(
            "INSERT INTO deployments VALUES ('a','shop','production','r','completed','succeeded','','{}',NULL,1,2)"
        )
        row = ("a", "shop", "production", *columns(release("a")), 1.0)
        db.execute("INSERT INTO releases VALUES (?,?,?,?,?,?,?,?,?,?)", row)
        db.execute("INSERT INTO live VALUES ('shop','production','a',NULL,'running',1.0)")
    db.close()
    store = Store(str(tmp_path))
    assert store.known()[SHOP].live == release("a")
    assert store.releases(SHOP)[0].withdrawn is None
    store.remember_pull("sha256:1", "shop:1", 1.0)
    assert store.pulled() == [("sha256:1", "shop:1")]
    store.forget_pull("sha256:1")
    assert store.pulled() == []


def test_twenty_processes_make_one_schema_while_others_read(tmp_path: Path) -> None:
    """SQLite answers "locked" at once to a change of the journal mode beside a reader; what was killed half-way is no harm."""
    (tmp_path / "tidegate.db.new").write_text("half a database")
    (tmp_path / "tidegate.db.new-journal").write_text("and its journal")
    program = textwrap.dedent("""
        import os, sys
        from ansible_collections.tidegate.platform.plugins.module_utils._core.deploy.store import NewAttempt, Store
        gate, go = os.pipe()
        children = []
        for number in range(20):
            children.append(os.fork())
            if not children[-1]:
                break
        os.close(go)
        if not children[-1]:
            os.read(gate, 1)  # which ends when the last of them is there: all begin at once
            for _ in range(25):
                Store(sys.argv[1]).known()
            Store(sys.argv[1]).begin(NewAttempt(str(number), "shop", "production", "recreate", "{}", 1.0))
        else:
            sys.exit(sum(os.waitpid(child, 0)[1] != 0 for child in children))
    """)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", program, str(tmp_path)], env=env, check=False).returncode == 0
    db = Store(str(tmp_path))._connect(create=False)
    assert db.execute("SELECT count(*) FROM deployments").fetchone() == (20,)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()
    assert [path.name for path in tmp_path.iterdir()] == ["tidegate.db"]
    assert stat.S_IMODE((tmp_path / "tidegate.db").stat().st_mode) == 0o600
