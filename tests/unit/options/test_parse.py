"""What is done about interrupted deployments, reverts, phases, lost records; and which releases are kept."""

from __future__ import annotations

import copy
import typing as t
from dataclasses import replace

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tidegate.platform.plugins.module_utils._core.options import traffic
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.argument_specs import WORKLOADS
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.of_record import declaration_of_record
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.parse import Context
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.identity import canonical
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.workload import Strategy, Workload

from unit.decide.deployed import candidate, web
from unit.declarations import declared


def test_a_release_declares_itself_again() -> None:
    want = web(2, env={"A": "1"}, secrets=[{"name": "key", "value": "12345"}], replicas=2)
    release = candidate(want)
    once_more = declaration_of_record(release, {"key": "12345"}, Context(lambda value: f"v{len(value)}"))
    assert once_more.container == want.container
    assert once_more.routes == want.routes
    assert once_more.secrets == want.secrets
    assert (once_more.artifact, once_more.pull) == (release.image_id, "never")
    with pytest.raises(InvalidOption, match="is not kept on this host"):
        declaration_of_record(release, {}, Context(lambda value: f"v{len(value)}"))
    younger = {k: v for k, v in release.snapshot.items() if k not in ("bake", "retain")}
    assert (
        declaration_of_record(
            replace(release, snapshot=younger), {"key": "12345"}, Context(lambda value: f"v{len(value)}")
        ).bake
        is None
    )


ROUTE = {"host": "shop.test"}
VOLUME = {"source": "data", "target": "/data"}
PUBLISHED = {"container": 80, "host": 8080}
RECREATE = {"strategy": "recreate"}

BAD: list[tuple[str, dict[str, t.Any], str, str]] = [
    ("flag as name (DS-T7)", {"name": "--foo"}, "name", "lower-case"),
    ("option as name (DS-T7)", {"name": "-f x"}, "name", "lower-case"),
    ("hyphens as name (DS-T7)", {"name": "---"}, "name", "lower-case"),
    ("unicode name (DS-T7)", {"name": "café"}, "name", "lower-case"),
    ("200 characters as name (DS-T7)", {"name": "a" * 200}, "name", "1 to 40"),
    ("path as name", {"name": "../etc"}, "name", "lower-case"),
    ("name with newline", {"name": "shop\n"}, "name", "lower-case"),
    ("underscore name (DS-T9)", {"name": "_x"}, "name", "lower-case"),
    ("capital name", {"name": "Shop"}, "name", "lower-case"),
    ("empty name", {"name": ""}, "name", "lower-case"),
    ("bad environment", {"environment": "Prod!"}, "environment", "1 to 20"),
    ("long environment", {"environment": "e" * 21}, "environment", "1 to 20"),
    ("image missing", {"image": None}, "image", "missing"),
    ("image empty", {"image": ""}, "image", "missing"),
    ("image without tag", {"image": "registry.test:5000/shop"}, "image", "neither tag nor digest"),
    ("image with blanks", {"image": "shop :1"}, "image", "reference"),
    ("image with flag", {"image": "--privileged"}, "image", "reference"),
    ("image with short digest", {"image": "shop@sha256:abc"}, "image", "reference"),
    ("image with capitals", {"image": "Shop:1"}, "image", "reference"),
    ("image with shell", {"image": "shop:1;reboot"}, "image", "reference"),
    ("port zero", {"port": 0}, "port", "port number"),
    ("port too high", {"port": 70000}, "port", "port number"),
    ("no replicas", {"replicas": 0}, "replicas", "above 0"),
    ("negative replicas", {"replicas": -1}, "replicas", "above 0"),
    ("replicas on one host port", {**RECREATE, "replicas": 2, "ports": [PUBLISHED]}, "replicas", "host port"),
    ("replicas on one volume", {**RECREATE, "replicas": 2, "volumes": [VOLUME]}, "replicas", "two containers"),
    ("blue-green on a host port", {"ports": [PUBLISHED]}, "strategy", "host port 8080"),
    ("blue-green on a writable volume (DS-T15)", {"volumes": [VOLUME]}, "strategy", "two containers write /data"),
    ("env key with blank", {"env": {"A B": "1"}}, "env", "variable name"),
    ("env key with equals", {"env": {"A=B": "1"}}, "env", "variable name"),
    ("env value boolean", {"env": {"DEBUG": True}}, "env.DEBUG", "string or a number"),
    ("env value list", {"env": {"HOSTS": ["a"]}}, "env.HOSTS", "string or a number"),
    ("env value null", {"env": {"X": None}}, "env.X", "string or a number"),
    ("env value zero byte", {"env": {"X": "a\x00b"}}, "env.X", "zero byte"),
    ("secret name with slash", {"secrets": [{"name": "a/b", "value": "x"}]}, "secrets.name", "file name"),
    ("secret name climbing", {"secrets": [{"name": "..", "value": "x"}]}, "secrets.name", "file name"),
    ("secret twice", {"secrets": [{"name": "a", "value": "x"}] * 2}, "secrets.name", "twice"),
    ("secret empty", {"secrets": [{"name": "a", "value": ""}]}, "secrets.value", "empty"),
    (
        "secret in env, too",
        {"secrets": [{"name": "A", "value": "x", "delivery": "environment"}], "env": {"A": "y"}},
        "secrets.name",
        "also in env",
    ),
    ("secret value in env", {"secrets": [{"name": "a", "value": "xyzzy"}], "env": {"B": "xyzzy"}}, "env.B", "repeats"),
    (
        "secret as variable with dot",
        {"secrets": [{"name": "a.b", "value": "x", "delivery": "environment"}]},
        "secrets.name",
        "variable name",
    ),
    ("volume source climbing", {**RECREATE, "volumes": [{**VOLUME, "source": "/a/../etc"}]}, "volumes.source", ".."),
    (
        "volume source relative",
        {**RECREATE, "volumes": [{**VOLUME, "source": "./data"}]},
        "volumes.source",
        "volume name",
    ),
    ("volume source with colon", {**RECREATE, "volumes": [{**VOLUME, "source": "/a:b"}]}, "volumes.source", "absolute"),
    ("volume target relative", {**RECREATE, "volumes": [{**VOLUME, "target": "data"}]}, "volumes.target", "absolute"),
    (
        "volume on secrets",
        {**RECREATE, "volumes": [{**VOLUME, "target": "/run/secrets/"}]},
        "volumes.target",
        "platform",
    ),
    ("volume on root", {**RECREATE, "volumes": [{**VOLUME, "target": "/"}]}, "volumes.target", "platform"),
    ("volume target twice", {**RECREATE, "volumes": [VOLUME, {**VOLUME, "source": "b"}]}, "volumes.target", "twice"),
    (
        "read-only shared volume",
        {"volumes": [{**VOLUME, "read_only": True, "shared": True}]},
        "volumes.shared",
        "contradicts",
    ),
    (
        "one writer of a shared volume",
        {"volumes": [{**VOLUME, "one_writer": True, "shared": True}]},
        "volumes.one_writer",
        "contradicts",
    ),
    ("one writer beside another", {"volumes": [{**VOLUME, "one_writer": True}]}, "strategy", "at once"),
    ("tmpfs relative", {"tmpfs": ["tmp"]}, "tmpfs", "absolute"),
    ("host network", {"networks": ["host"]}, "networks", "not a network"),
    ("network with flag", {"networks": ["-x"]}, "networks", "network name"),
    ("network twice", {"networks": ["a", "a"]}, "networks", "twice"),
    ("address of a strange network", {"addresses": {"other": "10.0.0.2"}}, "addresses", "not one of networks"),
    ("address that is none", {"networks": ["a"], "addresses": {"a": "10.0.0"}}, "addresses", "not an IP address"),
    ("address of two", {"networks": ["a"], "addresses": {"a": "10.0.0.2"}}, "strategy", "10.0.0.2"),
    ("alias without network", {"networks": [], "aliases": ["db"]}, "aliases", "need a network"),
    ("alias with dot", {"aliases": ["db.internal"]}, "aliases", "lower-case"),
    ("published port zero", {**RECREATE, "ports": [{"container": 0, "host": 1}]}, "ports.container", "port number"),
    ("published port high", {**RECREATE, "ports": [{"container": 1, "host": 99999}]}, "ports.host", "port number"),
    ("published on a name", {**RECREATE, "ports": [{**PUBLISHED, "address": "localhost"}]}, "ports.address", "IP"),
    ("published twice", {**RECREATE, "ports": [PUBLISHED, PUBLISHED]}, "ports.host", "twice"),
    ("memory in words", {"memory": "lots"}, "memory", "size"),
    ("memory too small", {"memory": "1m"}, "memory", "minimum"),
    ("no cpu", {"cpus": 0}, "cpus", "above 0"),
    ("no processes", {"pids": 0}, "pids", "above 0"),
    ("root user", {"user": "root"}, "user", "is root"),
    ("root user by number", {"user": "0:0"}, "user", "is root"),
    ("user with flag", {"user": "--x"}, "user", "not a user"),
    ("capability in lower case", {"cap_add": ["net_raw"]}, "cap_add", "capability"),
    ("own label", {"labels": {"tidegate.workload": "x"}}, "labels", "platform's own"),
    ("label list", {"labels": {"a": [1]}}, "labels.a", "string or a number"),
    ("stop signal number", {"stop_signal": "9"}, "stop_signal", "signal"),
    ("negative stop timeout", {"stop_timeout": -1}, "stop_timeout", "at least 0"),
    ("path with tcp", {"port": 1, "health": {"type": "tcp", "path": "/x"}}, "health.path", "means nothing"),
    ("command with http", {"port": 1, "health": {"type": "http", "command": ["x"]}}, "health.command", "means nothing"),
    ("codes with window", {"health": {"type": "window", "codes": ["200"]}}, "health.codes", "means nothing"),
    ("http without port", {"health": {"path": "/x"}}, "health.type", "needs a port"),
    ("command without command", {"health": {"type": "command"}}, "health.command", "missing"),
    ("relative probe", {"port": 1, "health": {"path": "x"}}, "health.path", "absolute"),
    ("probe with blanks", {"port": 1, "health": {"path": "/x y"}}, "health.path", "blanks"),
    ("probe with line break", {"port": 1, "health": {"path": "/x\r\nHost: y"}}, "health.path", "blanks"),
    ("code 700", {"port": 1, "health": {"path": "/", "codes": ["700"]}}, "health.codes", "status code"),
    ("codes backwards", {"port": 1, "health": {"path": "/", "codes": ["400-200"]}}, "health.codes", "range"),
    ("no deadline", {"health": {"deadline": 0}}, "health.deadline", "above 0"),
    ("no successes", {"health": {"successes": 0}}, "health.successes", "above 0"),
    ("window over deadline", {"health": {"window": 90}}, "health.window", "deadline"),
    ("bad probe host", {"port": 1, "health": {"path": "/", "host": "a b"}}, "health.host", "DNS"),
    ("negative drain", {"drain": {"timeout": -1}}, "drain.timeout", "at least 0"),
    ("upgraded below timeout", {"drain": {"timeout": 9, "upgraded_timeout": 3}}, "drain.upgraded_timeout", "below"),
    ("route without port", {"routes": [ROUTE]}, "routes", "no port"),
    ("route without host", {"port": 1, "routes": [{}]}, "routes.host", "missing"),
    ("route with backtick", {"port": 1, "routes": [{"host": "a`b"}]}, "routes.host", "DNS"),
    ("route with rule", {"port": 1, "routes": [{"host": "a`) || Host(`b"}]}, "routes.host", "DNS"),
    ("route with a blank", {"port": 1, "routes": [{"host": "shop test"}]}, "routes.host", "DNS"),
    ("route * and more", {"port": 1, "routes": [{"hosts": ["*", "a.test"]}]}, "routes.hosts", "mixes"),
    ("path without slash", {"port": 1, "routes": [{**ROUTE, "path_prefix": "x"}]}, "routes.path_prefix", "path"),
    ("path with backtick", {"port": 1, "routes": [{**ROUTE, "path_prefix": "/`"}]}, "routes.path_prefix", "path"),
    ("strip nothing", {"port": 1, "routes": [{**ROUTE, "strip_prefix": True}]}, "routes.strip_prefix", "no prefix"),
    ("priority zero", {"port": 1, "routes": [{**ROUTE, "priority": 0}]}, "routes.priority", "above 0"),
    (
        "resolver without tls",
        {"port": 1, "routes": [{**ROUTE, "tls": False, "resolver": "x"}]},
        "routes.resolver",
        "contradicts",
    ),
    ("bad entry point", {"port": 1, "routes": [{**ROUTE, "entry_points": ["a b"]}]}, "routes.entry_points", "Traefik"),
    ("bad middleware", {"port": 1, "routes": [{**ROUTE, "middlewares": ["a,b"]}]}, "routes.middlewares", "Traefik"),
    ("redirect to nowhere", {"routes": [{**ROUTE, "redirect_to": "shop"}]}, "routes.redirect_to", "URL"),
    ("redirect to script", {"routes": [{**ROUTE, "redirect_to": "javascript:x"}]}, "routes.redirect_to", "URL"),
    ("redirect of a template", {"routes": [{**ROUTE, "redirect_to": "https://a/{{1}}"}]}, "routes.redirect_to", "URL"),
    ("redirect expanding", {"routes": [{**ROUTE, "redirect_to": "https://a/${1}"}]}, "routes.redirect_to", "URL"),
    ("route twice", {"port": 1, "routes": [ROUTE, ROUTE]}, "routes", "twice"),
    ("password alone", {"registry_password": "x"}, "registry_username", "registry_password"),
    (
        "password for what is no registry",
        {"registry_username": "u", "registry_password": "x", "registry": "https://registry.test/"},
        "registry",
        "host",
    ),
    (
        "password for a name that is no registry",
        {"registry_username": "u", "registry_password": "x", "registry": "registry"},
        "registry",
        "host",
    ),
    ("release command without time", {"release_command_timeout": 0}, "release_command_timeout", "above 0"),
    ("unknown option", {"strategies": "recreate"}, "arguments", "strategies"),
    ("unknown health option", {"health": {"pth": "/"}}, "arguments", "pth"),
    ("unknown state", {"state": "gone"}, "arguments", "gone"),
    ("unknown strategy (DS-02)", {"strategy": "canary"}, "arguments", "canary"),
    ("rolling an image (DS-02)", {"strategy": "rolling"}, "strategy", "type=compose"),
]


@pytest.mark.parametrize(("options", "option", "words"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_input_is_one_error_that_names_option_value_and_remedy(
    options: dict[str, t.Any], option: str, words: str
) -> None:
    """DS-02, DS-T7, DS-T15, DP-T20: found before anything is touched."""
    with pytest.raises(InvalidOption) as caught:
        declared(**options)
    assert caught.value.option == option
    assert words in str(caught.value)
    assert option == "arguments" or caught.value.remedy


def test_the_table_of_bad_input_is_large_enough() -> None:
    assert len(BAD) >= 60


def test_omitted_strategy_is_the_default_of_the_source(declare: t.Callable[..., Workload]) -> None:
    """DS-01: an image is blue-green unless told otherwise."""
    assert declare().strategy is Strategy.BLUE_GREEN
    assert declare(strategy="recreate").strategy is Strategy.RECREATE


def test_state_absent_needs_no_image(declare: t.Callable[..., Workload]) -> None:
    assert declare(image=None, state="absent").container.image == ""


def test_a_snapshot_holds_everything_but_secrets_and_places(declare: t.Callable[..., Workload]) -> None:
    """DP-08: the snapshot is the complete declaration; DS inv. 8: without any secret."""
    want = declare(
        secrets=[{"name": "db", "value": "canary"}], registry_username="u", registry_password="canary2", env={"A": 1}
    )
    text = canonical(want.snapshot)
    assert "canary" not in text
    assert "state_dir" not in text
    assert want.snapshot["secrets"] == [{"name": "db", "delivery": "file", "version": "v6"}]
    assert want.snapshot["env"] == {"A": 1}
    assert "canary" not in repr(want)


def test_a_snapshot_parses_back_to_the_same_gate_drain_and_routes(declare: t.Callable[..., Workload]) -> None:
    """What recovery and rollback read is what was declared."""
    want = declare(port=8000, health={"path": "/up", "codes": ["204"]}, drain={"timeout": 4}, routes=[ROUTE])
    assert traffic.gate(want.snapshot) == want.gate
    assert traffic.drain(want.snapshot) == want.drain
    assert traffic.routes(want.snapshot) == want.routes


@pytest.mark.parametrize(
    ("options", "same"),
    [
        ({"env": {"A": "1"}}, False),
        ({"secrets": [{"name": "a", "value": "x"}]}, False),
        ({"memory": "64m"}, False),
        ({"replicas": 2}, False),
        ({"image": "registry.test/shop:other-tag-of-the-same-image"}, True),
        ({"health": {"deadline": 5}}, True),
        ({"drain": {"timeout": 1}}, True),
        ({"strategy": "recreate"}, True),
        ({"lock_timeout": 1}, True),
    ],
)
def test_a_fingerprint_changes_with_the_container_alone(options: dict[str, t.Any], *, same: bool) -> None:
    before = declared().container.fingerprint("sha256:1")
    assert (declared(**options).container.fingerprint("sha256:1") == before) is same
    assert declared().container.fingerprint("sha256:2") != before


def test_order_of_keys_is_no_change() -> None:
    one = declared(env={"A": "1", "B": "2"}, labels={"x": "1", "y": "2"})
    two = declared(env={"B": "2", "A": "1"}, labels={"y": "2", "x": "1"})
    assert one.container.fingerprint("i") == two.container.fingerprint("i")


@pytest.mark.parametrize(
    ("text", "size"), [("512m", 512 * 2**20), ("1.5g", 3 * 2**29), ("2G", 2**31), ("65536k", 2**26), ("1 GiB", 2**30)]
)
def test_sizes(text: str, size: int) -> None:
    assert declared(memory=text).container.memory == size


def test_health_and_drain_have_the_same_defaults_given_or_not() -> None:
    """Two places say them: the argument spec, and the values that stand for an omitted option."""
    assert declared().gate == declared(health={}).gate
    assert declared().drain == declared(drain={}).drain


def test_elements_of_a_list_share_no_default() -> None:
    """Ansible fills one and the same default object for every element: dictionaries with parts must have none."""
    many = {"workloads": [{"name": f"w{number}", "image": "a:1"} for number in range(9)]}
    result = ArgumentSpecValidator(copy.deepcopy(WORKLOADS)).validate(many)
    assert result.error_messages == []


@pytest.mark.parametrize(
    ("bake", "said"),
    [
        ({"seconds": -1}, "bake.seconds=-1"),
        ({"seconds": 1, "error_ratio": 2}, "bake.error_ratio=2"),
        ({"seconds": 1, "error_ratio": 0.5, "requests": 0}, "bake.requests=0"),
        ({"seconds": 1, "error_ratio": 0.5}, "has no routes"),
    ],
)
def test_a_bake_that_means_nothing_is_refused(bake: dict[str, t.Any], said: str) -> None:
    with pytest.raises(InvalidOption, match=said) as caught:
        declared(bake=bake)
    assert caught.value.remedy
