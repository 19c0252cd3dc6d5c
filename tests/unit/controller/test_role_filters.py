"""What roles decide on the controller: packages, the catalog of runners, Traefik's arguments, the shape of what was given."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.tidegate.platform.plugins.filter.catalog import with_overrides
from ansible_collections.tidegate.platform.plugins.filter.doubts import misshapen
from ansible_collections.tidegate.platform.plugins.filter.packages import removable, used_since
from ansible_collections.tidegate.platform.plugins.filter.proxy import (
    agreeing,
    certificate_entries,
    certificate_stems,
    clashing,
    published,
    resolver_arguments,
)

Row = t.Dict[str, t.Any]


def look(package: str, used: str, *lines: str) -> Row:
    """A result of the loop that looks for rules."""
    return {"item": {"package": package, "used": used}, "stdout_lines": list(lines)}


def test_a_packet_filter_is_used_by_a_line_that_says_so() -> None:
    skipped = {"item": {"package": "iptables", "used": "^-A"}, "skipped": True}
    assert used_since([look("nftables", "^enabled", "disabled"), look("iptables", "^-A", "-P INPUT"), skipped]) == []
    rows = [look("nftables", "^enabled", "enabled"), look("nftables", "^table", "x", "table inet mine"), skipped]
    assert used_since(rows) == ["nftables"]


def test_only_what_takes_nothing_else_with_it_is_removable() -> None:
    """A8: neither what others need, nor what goes only with what is used."""

    def apt(package: str, *gone: str) -> Row:
        return {"item": package, "stdout_lines": ["Reading", *(f"Remv {name} [1.0]" for name in gone)]}

    simulated = [apt("a", "a"), apt("b", "b", "theirs"), apt("c", "c", "a"), apt("d", "d", "c")]
    packages = ["a", "b", "c", "d"]
    assert removable(simulated, packages, []) == ["a", "c", "d"]
    assert removable(simulated, packages, ["c"]) == ["a"]
    assert removable(simulated, packages, ["a"]) == ["d"]


def test_a_catalog_has_what_was_changed_of_it() -> None:
    """The last word is that a runner is off; a preset is never."""
    base = {"runners": [{"name": "a", "memory": "1g"}, {"name": "b"}, {"name": "c", "enabled": False}]}
    made = with_overrides(base, {"a": {"memory": "2g", "enabled": True}, "b": {"image": "x"}}, {}, ["a"])
    assert made["runners"] == [
        {"enabled": False, "name": "a", "memory": "2g"},
        {"enabled": True, "name": "b", "image": "x"},
        {"enabled": False, "name": "c"},
    ]
    assert made["presets"] == []
    assert with_overrides({"presets": [{"name": "p", "port": 1}]}, {}, {"p": {"port": 2}}, []) == {
        "runners": [],
        "presets": [{"name": "p", "port": 2}],
    }


def test_resolvers_become_arguments() -> None:
    start = "--certificatesResolvers.le.acme"
    plain = {"name": "le", "email": "a@b", "challenge": None, "ca_server": "", "dns_resolvers": None}
    assert resolver_arguments([plain]) == [
        f"{start}.email=a@b",
        f"{start}.caServer=https://acme-v02.api.letsencrypt.org/directory",
        f"{start}.storage=/etc/traefik/acme/le.json",
        f"{start}.httpChallenge.entryPoint=web",
    ]
    alpn = {**plain, "challenge": "tls-alpn", "ca_server": "https://ca"}
    assert resolver_arguments([alpn])[1::2] == [f"{start}.caServer=https://ca", f"{start}.tlsChallenge=true"]
    dns = {**plain, "challenge": "dns", "dns_provider": "x", "dns_resolvers": ["1.1.1.1:53", "9.9.9.9:53"]}
    assert resolver_arguments([dns])[3:] == [
        f"{start}.dnsChallenge.provider=x",
        f"{start}.dnsChallenge.resolvers[0]=1.1.1.1:53",
        f"{start}.dnsChallenge.resolvers[1]=9.9.9.9:53",
    ]
    assert len(resolver_arguments([plain, dns])) == 10


@pytest.mark.parametrize(
    ("provider", "secrets", "clashes"),
    [
        pytest.param("x", {"TOKEN": "1", "ID": "2"}, False, id="one account"),
        pytest.param("x", {"TOKEN": "1"}, True, id="one provider, not all of its secrets"),
        pytest.param("x", {"TOKEN": "9", "ID": "2"}, True, id="one provider, another account"),
        pytest.param("y", {"KEY": "1"}, False, id="another provider"),
        pytest.param("y", {"ID": "2"}, False, id="another provider, one variable alike"),
        pytest.param("y", {"ID": "9"}, True, id="another provider, one variable not alike"),
        pytest.param("", {"ID": "9"}, False, id="no provider"),
        pytest.param(None, None, False, id="nothing"),
    ],
)
def test_resolvers_share_one_environment(provider: str | None, secrets: Row | None, clashes: bool) -> None:
    mine = {"name": "a", "dns_provider": "x", "dns_secrets": {"TOKEN": "1", "ID": "2"}}
    other = {"name": "b", "dns_provider": provider, "dns_secrets": secrets}
    assert clashing(mine, [other]) == (["b"] if clashes else [])
    assert clashing(other, [mine]) == (["a"] if clashes else [])
    assert clashing(mine, []) == []


def test_a_certificate_that_is_renewed_is_another_file() -> None:
    one = {"name": "site", "certificate": "C", "key": "K"}
    (stem,) = certificate_stems([one])
    assert stem == "site.8d5579affb518db0"  # as an earlier version named it, whose files are there
    assert certificate_stems([{**one, "certificate": "D"}]) != [stem]
    (entry,) = certificate_entries([stem])
    folder = "/etc/traefik/certificates"
    assert entry == {"certFile": f"{folder}/{stem}.crt", "keyFile": f"{folder}/{stem}.key"}


def test_ports_are_published_on_each_address() -> None:
    assert published(["0.0.0.0", "::"], {80: 8080, 443: 8443}) == [
        {"container": 80, "host": 8080, "address": "0.0.0.0"},
        {"container": 443, "host": 8443, "address": "0.0.0.0"},
        {"container": 80, "host": 8080, "address": "::"},
        {"container": 443, "host": 8443, "address": "::"},
    ]


@pytest.mark.parametrize(
    ("there", "found"),
    [
        ("", "fd12:0345:6789"),
        ("fd12:345:6789", "fd12:0345:6789"),
        ("fdab:1:2", "fdab:0001:0002"),
        ("fd99:1:2", "fd99:1:2"),
    ],
)
def test_a_prefix_is_written_as_it_was_said(there: str, found: str) -> None:
    """What was said before, or is made of the host's name; a network of another prefix says it itself."""
    assert agreeing(["fd12:0345:6789", "fdab:0001:0002"], there) == found


@pytest.mark.parametrize(
    ("option", "value", "wrong"),
    [
        ({"type": "list"}, "a,b", "x has to be a list"),
        ({"type": "list"}, {"a": 1}, "x has to be a list"),
        ({"type": "list"}, ["a"], ""),
        ({"type": "list"}, [], ""),
        ({"type": "dict"}, "a", "x has to be a mapping"),
        ({"type": "dict"}, ["a"], "x has to be a mapping"),
        ({"type": "dict"}, {}, ""),
        ({"type": "str", "default": "a"}, " ", "x is empty"),
        ({"type": "path", "default": "/a"}, "", "x is empty"),
        ({"type": "str", "default": ""}, "", ""),
        ({"type": "str"}, "", ""),
        ({"type": "bool", "default": True}, "", ""),
        ({"type": "str", "default": "a"}, "b", ""),
    ],
)
def test_what_has_the_wrong_shape_is_said(option: Row, value: t.Any, wrong: str) -> None:
    """D1: Ansible takes text for a list of one, and nothing for something."""
    assert misshapen({"x": value}, {"x": option}) == ([wrong] if wrong else [])
    assert misshapen({"x_user": ""}, {"x_user": {"type": "str", "default": "0:0"}}) == []
