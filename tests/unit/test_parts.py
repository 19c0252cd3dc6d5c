"""The small parts, each on real files, sockets and processes of its own."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.deploy import drain
from ansible_collections.tidegate.platform.plugins.module_utils._core.host import connections, filesystem, locks
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.clock import (
    Clock,
    Interrupts,
    Watch,
    attempts,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.secrets import Secrets, user_ids
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy import routing_documents
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy.route_files import RouteFiles
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy.traefik import Traefik
from ansible_collections.tidegate.platform.plugins.module_utils._core.values import identity
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.container import Secret
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import (
    Canceled,
    InvalidOption,
    LockHeld,
    ProxyFailure,
    StoreFailure,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.redaction import Redactor
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.traffic import Drain

from .conftest import declared

SHOP = ("shop", "production")


class Ticking(Clock):
    """A clock on which waiting costs nothing."""

    def __init__(self) -> None:
        self.time = 0.0

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


# -- names -----------------------------------------------------------------------------------------------------------


def test_deployment_ids_sort_by_time_and_are_ulids() -> None:
    early, late = identity.deployment_id(1_000, b"\xff" * 10), identity.deployment_id(1_001, b"\x00" * 10)
    assert early < late
    assert len(early) == 26
    assert set(early) <= set(identity.BASE32)


def test_container_names_fit_a_dns_label_and_follow_the_deployment() -> None:
    """DS-07, DS-T3: one unique name is both the container's and the route's."""
    names = identity.container_names("a" * 40, "x" * 18 + "7kq2m9xa", 100)
    assert max(map(len, names)) <= 63
    assert names[0].endswith("-7kq2m9xa-1")
    assert len(set(names)) == 100


def test_keys_of_different_workloads_never_meet() -> None:
    """DP-T17: `a-b` in `c` is not `a` in `b-c`."""
    assert identity.key_of("a-b", "c") != identity.key_of("a", "b-c")


# -- waiting ---------------------------------------------------------------------------------------------------------


def test_attempts_begin_at_once_grow_and_end_at_the_deadline() -> None:
    clock = Ticking()
    moments = []
    for _left in attempts(clock, 1.0, first=0.1, most=0.3):
        moments.append(round(clock.time, 3))
    assert moments[:3] == [0.0, 0.1, 0.25]
    assert moments[-1] == pytest.approx(1.0, abs=0.01)
    assert list(attempts(clock, 0.0)) == [0.0]


# -- routing documents -----------------------------------------------------------------------------------------------


def routed(**route: t.Any) -> dict[str, t.Any]:
    want = declared(port=8000, routes=[{"host": "shop.test", **route}])
    document = routing_documents.document(want, ("shop-1", "shop-2"))
    assert document is not None
    return document


@pytest.mark.parametrize(
    ("route", "rule"),
    [
        ({}, "Host(`shop.test`)"),
        ({"hosts": ["b.test"]}, "(Host(`b.test`) || Host(`shop.test`))"),
        ({"path_prefix": "/api"}, "Host(`shop.test`) && (Path(`/api`) || PathPrefix(`/api/`))"),
        ({"path_prefix": "/api//v1/"}, "Host(`shop.test`) && (Path(`/api/v1`) || PathPrefix(`/api/v1/`))"),
        ({"host": "*.shop.test"}, r"HostRegexp(`^[a-z0-9-]+\.shop\.test\.?$`)"),
        ({"host": "Shop.Test."}, "Host(`shop.test`)"),
        ({"host": "*"}, "PathPrefix(`/`)"),
    ],
)
def test_rules(route: dict[str, t.Any], rule: str) -> None:
    assert routed(**route)["http"]["routers"]["shop.production-0"]["rule"] == rule


def test_a_document_sends_every_route_to_every_target() -> None:
    http = routed(tls=True, priority=7, middlewares=["auth@file"], path_prefix="/x", strip_prefix=True)["http"]
    router = http["routers"]["shop.production-0"]
    assert router["entryPoints"] == ["websecure"]
    assert router["tls"] == {}
    assert router["priority"] == 7
    assert router["middlewares"] == ["auth@file", "shop.production-0-strip"]
    urls = [s["url"] for s in http["services"]["shop.production"]["loadBalancer"]["servers"]]
    assert urls == ["http://shop-1:8000", "http://shop-2:8000"]


def test_a_wildcard_says_which_names_its_certificate_is_for() -> None:
    """B11: Traefik finds them in the rules of plain hosts only."""
    router = routed(hosts=["*.shop.test"], resolver="dns")["http"]["routers"]["shop.production-0"]
    assert router["tls"] == {"certResolver": "dns", "domains": [{"main": "*.shop.test"}, {"main": "shop.test"}]}
    plain = routed(resolver="dns")["http"]["routers"]["shop.production-0"]
    assert plain["tls"] == {"certResolver": "dns"}


def test_held_routes_answer_503_with_retry_after_and_hold_twice_is_hold_once() -> None:
    held = routing_documents.without_servers(routed(middlewares=["auth@file"]))
    assert held["http"]["services"]["shop.production"]["loadBalancer"]["servers"] == []
    assert held["http"]["routers"]["shop.production-0"]["middlewares"][0] == "shop.production-hold"
    assert routing_documents.problems(held) == []
    assert routing_documents.without_servers(held) == held


def test_a_redirect_needs_no_port_and_keeps_the_path() -> None:
    want = declared(routes=[{"host": "www.shop.test", "redirect_to": "https://shop.test/"}])
    document = routing_documents.document(want, ())
    assert document is not None
    assert routing_documents.problems(document) == []
    assert document["http"]["routers"]["shop.production-0"]["service"] == "noop@internal"
    redirect = document["http"]["middlewares"]["shop.production-0-redirect"]["redirectRegex"]
    assert redirect["replacement"] == "https://shop.test${1}"


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"http": {}},
        {"http": {"routers": {}}},
        {"tcp": {"routers": {"a": {}}}},
        {"http": {"routers": {"a": {"rule": "", "entryPoints": ["web"], "service": "noop@internal"}}}},
        {"http": {"routers": {"a": {"rule": "x", "entryPoints": [], "service": "noop@internal"}}}},
        {"http": {"routers": {"a": {"rule": "x", "entryPoints": ["web"], "service": "b"}}}},
        {"http": {**routed()["http"], "middlewares": {}}},
        {"http": {**routed()["http"], "serversTransports": {"other": {"a": 1}}}},
        {"http": {**routed()["http"], "middlewares": {"m": {"a": 1, "b": 2}}}},
    ],
)
def test_a_document_that_would_break_the_whole_directory_is_never_placed(
    document: dict[str, t.Any], tmp_path: Path
) -> None:
    traefik = Traefik(str(tmp_path / "routes"), "http://127.0.0.1:1", 1.0, Clock())
    (tmp_path / "routes").mkdir()
    with pytest.raises(ProxyFailure, match="not written"):
        traefik.place("shop.production", document)
    assert list((tmp_path / "routes").iterdir()) == []


def test_a_foreign_route_file_equals_nothing(tmp_path: Path) -> None:
    traefik = Traefik(str(tmp_path), "http://127.0.0.1:1", 1.0, Clock())
    assert traefik.read("shop.production") is None
    (tmp_path / "workloads").mkdir()
    for text in ("http:\n  routers: {}\n", "[]", '{"http": {}}', "\x00"):
        (tmp_path / "workloads" / "shop.production.yml").write_text(text)
        traefik.files.announce()
        assert traefik.read("shop.production") == {"unreadable": text}


def test_a_route_file_counts_once_traefik_was_told_of_it(tmp_path: Path) -> None:
    """DP-T9: a run that is killed between the change and its notice must not look as if users had it."""
    files, text = RouteFiles(str(tmp_path / "routes")), json.dumps(routed())
    (tmp_path / "routes").mkdir()
    files.place("shop.production", text)
    files.place("wiki.production", text)
    wait_for_another_tick(tmp_path)
    files.announce()
    assert files.read("shop.production") == files.read("wiki.production") == routed()
    wait_for_another_tick(tmp_path)
    files.place("shop.production", text)
    assert files.read("shop.production") == {"unreadable": text}
    assert files.read("wiki.production") == routed(), "what was told before is not in doubt"
    files.announce()
    assert files.read("shop.production") == routed()
    files.remove("shop.production")
    files.remove("shop.production")
    assert files.read("shop.production") is None
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["changed", "routes", "wiki.production.yml", "workloads"]


@pytest.fixture
def strict_mask() -> t.Iterator[None]:
    """What hardened hosts give root."""
    mask = os.umask(0o077)
    yield
    os.umask(mask)


@pytest.mark.usefixtures("strict_mask")
def test_traefik_may_read_what_a_run_with_a_strict_mask_placed(tmp_path: Path) -> None:
    """Traefik runs as a user of its own, and so does a site's server."""
    (tmp_path / "routes").mkdir()
    RouteFiles(str(tmp_path / "routes")).place("shop.production", json.dumps(routed()))
    folder = tmp_path / "routes" / "workloads"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert stat.S_IMODE((folder / "shop.production.yml").stat().st_mode) == 0o644
    assert stat.S_IMODE((tmp_path / "routes").stat().st_mode) == 0o700, "what was there is left as it is"


@pytest.mark.usefixtures("strict_mask")
def test_public_folders_are_public_on_every_level_that_was_made(tmp_path: Path) -> None:
    filesystem.public_folder(str(tmp_path / "sites" / "handbook" / "css"))
    made = [tmp_path / "sites", tmp_path / "sites" / "handbook", tmp_path / "sites" / "handbook" / "css"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in made] == [0o755] * 3
    made[2].chmod(0o700)
    filesystem.public_folder(str(made[2]))
    assert stat.S_IMODE(made[2].stat().st_mode) == 0o755, "a run that was killed in between"


def wait_for_another_tick(folder: Path) -> None:
    """Until the kernel's clock of files has gone on, in some milliseconds."""
    mark = folder / "mark"
    mark.touch()
    begun = mark.stat().st_mtime_ns
    while mark.stat().st_mtime_ns == begun:
        mark.touch()
    mark.unlink()


def test_no_answer_from_the_api_is_one_error_with_a_remedy(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        api = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(ProxyFailure, match=r"gives no answer.*Start Traefik"):
        Traefik(str(tmp_path), api, 1.0, Clock()).require()
    with pytest.raises(ProxyFailure, match="not a directory"):
        Traefik(str(tmp_path / "none"), api, 1.0, Clock()).require()


# -- files -----------------------------------------------------------------------------------------------------------


def test_a_file_is_placed_whole_with_its_mode_and_without_litter(tmp_path: Path) -> None:
    target = tmp_path / "routes"
    target.mkdir()
    filesystem.place(str(target / "a.yml"), "one", 0o644, str(tmp_path))
    filesystem.place(str(target / "a.yml"), "two", 0o600, str(tmp_path))
    assert (target / "a.yml").read_text() == "two"
    assert stat.S_IMODE((target / "a.yml").stat().st_mode) == 0o600
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.yml", "routes"]


def test_a_failed_placing_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="directory"):
        filesystem.place(str(tmp_path / "a"), "text", 0o644, str(tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_private_folders_refuse_links_and_tighten_modes(tmp_path: Path) -> None:
    """DS-15, DS-T14."""
    (tmp_path / "loose").mkdir(mode=0o755)
    filesystem.private_folder(str(tmp_path / "loose"))
    assert stat.S_IMODE((tmp_path / "loose").stat().st_mode) == 0o700
    (tmp_path / "link").symlink_to(tmp_path / "loose")
    with pytest.raises(StoreFailure, match="symbolic link"):
        filesystem.private_folder(str(tmp_path / "link"))


# -- secrets ---------------------------------------------------------------------------------------------------------


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


def test_redaction_knows_the_spellings_of_a_secret() -> None:
    """DS-T6: whatever the application writes of it."""
    value = 'cana"ry/1\nsecond line'
    redact = Redactor([value, ""])
    import base64
    from urllib.parse import quote

    for text in (
        value,
        json.dumps(value),
        quote(value, safe=""),
        base64.b64encode(value.encode()).decode(),
        "second line",
    ):
        assert "cana" not in redact(f"before {text} after")
        assert "***" in redact(f"before {text} after")
    assert redact("ordinary") == "ordinary"


# -- lock ------------------------------------------------------------------------------------------------------------


def test_a_held_lock_names_its_holder_and_dies_with_it(tmp_path: Path) -> None:
    """LK-T18: kill -9 of the holder lets the next one in at once."""
    program = textwrap.dedent("""
        import sys, time
        from ansible_collections.tidegate.platform.plugins.module_utils._core.host import locks
        from ansible_collections.tidegate.platform.plugins.module_utils._core.host.clock import Clock
        with locks.held(sys.argv[1], ("shop", "production"), 0, Clock()):
            print("held", flush=True)
            time.sleep(60)
    """)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    argv = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockHeld, match=rf"shop \(production\).*pid {holder.pid} .*lock_timeout"):
            with locks.held(str(tmp_path), SHOP, 0.2, Clock()):
                pass
        with locks.held(str(tmp_path), ("wiki", "production"), 0, Clock()):
            pass  # another workload never waits (LK inv. 8)
        holder.kill()
    with locks.held(str(tmp_path), SHOP, 0, Clock()):
        pass


# -- drain -----------------------------------------------------------------------------------------------------------


def serving(address: str, family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
    """A server on a port that the kernel gives to no client on this machine, whose connections would count, too."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in random.sample(range(first // 2, first), 20):
        with contextlib.suppress(OSError):
            return socket.create_server((address, port), family=family)
    raise AssertionError(f"of twenty ports none is free on {address}")


def test_open_connections_counts_what_the_kernel_has() -> None:
    with serving("127.0.0.1") as server:
        port = server.getsockname()[1]
        count = connections.Sockets({os.getpid(): (port,)})
        assert count() == 0
        with socket.create_connection(("127.0.0.1", port)):
            assert count() == 1
        assert count() == 0
    assert connections.Sockets({2**22 + 1: (port,)})() == 0
    with serving("::1", socket.AF_INET6) as server:
        port = server.getsockname()[1]
        count = connections.Sockets({os.getpid(): (port,)})
        assert count() == 0
        with socket.create_connection(("::1", port)):
            assert count() == 1


def draining(counts: list[int], timeout: float, upgraded: float) -> tuple[connections.Drained, float]:
    clock = Ticking()
    answers = iter(counts)
    last = counts[-1]
    return drain.wait_until_idle(lambda: next(answers, last), Drain(timeout, upgraded), clock), clock.time


def test_drain_ends_with_the_last_request_and_asks_twice() -> None:
    """DP-T19."""
    drained, seconds = draining([3, 0, 2, 0, 0], 30, 30)
    assert drained == connections.Drained(0, 0)
    assert seconds == pytest.approx(0.325)


def test_drain_gives_upgraded_connections_their_own_time_and_counts_what_it_cuts() -> None:
    assert draining([2], 1, 1)[0] == connections.Drained(2, 2)
    drained, seconds = draining([2] * 40 + [0, 0], 1, 10)
    assert drained == connections.Drained(2, 0)
    assert 3.7 < seconds < 4.3
    assert draining([5], 0, 0)[0].cut == 5


# -- signals ---------------------------------------------------------------------------------------------------------


def test_a_signal_ends_a_wait_at_once_but_never_a_write() -> None:
    before = {number: signal.getsignal(number) for number in Interrupts.SIGNALS}
    interrupts = Interrupts()
    interrupts.install()
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)  # a write would go on here
        with pytest.raises(Canceled, match="SIGTERM"):
            interrupts.check()
        ticking = Ticking()
        with pytest.raises(Canceled):
            for _left in attempts(Watch(ticking, interrupts.check), 60):
                pass
        assert ticking.time == 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
