"""Secrets on the host, on real files."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.secrets import Secrets, user_ids
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.container import Secret
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption, StoreFailure


def test_versions_need_the_hosts_key_and_survive_runs(tmp_path: Path) -> None:
    first = Secrets(str(tmp_path))
    version = first.version("value")
    first.keep_key()
    assert Secrets(str(tmp_path)).version("value") == version
    assert Secrets(str(tmp_path / "other")).version("value") != version
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600


def test_two_first_runs_do_not_both_keep_their_key(tmp_path: Path) -> None:
    one, two = Secrets(str(tmp_path)), Secrets(str(tmp_path))
    assert one.version("v") != two.version("v")
    one.keep_key()
    one.keep_key()
    with pytest.raises(StoreFailure, match="another run"):
        two.keep_key()


def test_the_first_runs_of_a_host_agree_on_a_key(tmp_path: Path) -> None:
    """D9: workloads of one batch, which share one, and runs that begin at once, whatever they have to do with secrets."""

    def begin(number: int, shared: Secrets, folder: Path) -> str:
        mine = shared if number % 2 else Secrets(str(folder))
        mine.lasting = number % 3 != 0
        if mine.lasting and mine is not shared:
            mine.version("value")
        mine.keep_key()
        return mine.version("value")

    with ThreadPoolExecutor(max_workers=8) as pool:
        for turn in range(40):
            folder = tmp_path / str(turn)
            shared = Secrets(str(folder))
            versions = list(pool.map(lambda n, s=shared, f=folder: begin(n, s, f), range(8)))
            assert len(set(versions)) == 1
            assert sorted(path.name for path in folder.iterdir()) == ["secret.key"]


def test_a_key_that_a_power_cut_left_is_made_anew_or_refused(tmp_path: Path) -> None:
    """A12: an empty one is none; a part of one is not taken for a key for ever."""
    key = tmp_path / "secret.key"
    key.touch()
    secrets = Secrets(str(tmp_path))
    version = secrets.version("value")
    secrets.keep_key()
    assert len(key.read_bytes()) == 32
    assert Secrets(str(tmp_path)).version("value") == version
    key.write_bytes(b"half a key")
    with pytest.raises(StoreFailure, match="no whole key"):
        Secrets(str(tmp_path)).version("value")


def test_secret_files_are_private_and_pruned(tmp_path: Path) -> None:
    secrets = Secrets(str(tmp_path))
    both = (Secret("a", "va", "file"), Secret("B", "vb", "environment"))
    folder = secrets.write("shop.production", "aaaa", both)
    secrets.write("shop.production", "bbbb", both)
    assert [p.name for p in Path(folder).iterdir()] == ["a"]
    assert stat.S_IMODE((Path(folder) / "a").stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o700
    secrets.prune("shop.production", {"bbbb"})
    kept = tmp_path / "secrets" / "shop.production"
    assert sorted(p.name for p in kept.iterdir()) == ["bbbb", "bbbb.environment"]
    assert secrets.read("shop.production", "bbbb") == {"a": "va", "B": "vb"}
    assert secrets.read("shop.production", "aaaa") == {}
    assert secrets.workloads() == ["shop.production"]
    secrets.prune("shop.production", ())
    assert list((tmp_path / "secrets").iterdir()) == []
    assert secrets.write("shop.production", "cccc", both[1:]) == ""


PASSWD = "root:x:0:0:r:/:/bin/sh\napp:x:1001:1002::/:/bin/sh\n"


@pytest.mark.parametrize(
    ("user", "ids"),
    [
        ("", (0, 0)),
        ("app", (1001, 1002)),
        ("1001", (1001, 1002)),
        ("77", (77, 0)),
        ("77:88", (77, 88)),
        ("app:5", (1001, 5)),
    ],
)
def test_user_ids(user: str, ids: tuple[int, int]) -> None:
    assert user_ids(user, PASSWD) == ids


@pytest.mark.parametrize("user", ["4294967296", "2147483648:1", "1:99999999999"])
def test_a_number_that_no_user_has_is_refused_by_name(user: str) -> None:
    """Review (heirs): its secrets cannot be given to it; that ended the run with a traceback, and nothing was taken back."""
    with pytest.raises(InvalidOption, match=user) as caught:
        user_ids(user, PASSWD)
    assert caught.value.remedy


@pytest.mark.parametrize("line", ["app:x:one:two::/:", "app", "app:x::::"])
def test_a_line_of_an_image_that_is_no_user_is_none(line: str) -> None:
    """Review (heirs): an image's own file ended the run with a traceback."""
    assert user_ids("app", f"{line}\n{PASSWD}") == (1001, 1002)
