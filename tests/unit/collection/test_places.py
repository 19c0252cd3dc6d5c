"""A state directory is one platform, however it is written."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.plugins.filter.core import FilterModule
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine import listing
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.grammar import place
from jinja2 import meta
from jinja2.nativetypes import NativeEnvironment

ROLES = Path(__file__).resolve().parents[3] / "roles"
PLAIN = "/srv/tide.gate/..state"
SPELLINGS = [f"{PLAIN}/", f"/{PLAIN}", "/srv//tide.gate/./..state/.//", "/./srv/tide.gate/..state/."]
# What is told apart by its name, or compared by it, on a host.
NAMES = {
    "docker": ("docker_made_dir",),
    "platform_base": ("platform_base_made_dir", "platform_base_place_made"),
    "reconcile": ("reconcile_unit", "reconcile_command"),
    "traefik": ("traefik_entry_chain", "traefik_entry_unit_name", "traefik_own_dir", "traefik_routes_dir"),
}


def rendered(role: str, name: str, state_dir: str) -> t.Any:
    """A variable of a role, for a platform that an earlier version put on record."""
    variables: dict[str, t.Any] = yaml.safe_load((ROLES / role / "vars" / "main.yml").read_text())
    variables |= {"platform_base_recorded": {"directories": [f"{PLAIN}//"]}, f"{role}_state_dir": state_dir}
    engine = NativeEnvironment()
    engine.filters |= {**FilterModule().filters(), "tidegate.platform.place": place}

    def value(text: t.Any) -> t.Any:
        if isinstance(text, list):
            return [value(row) for row in text]
        if not isinstance(text, str):
            return text
        names = meta.find_undeclared_variables(engine.parse(text))
        return engine.from_string(text).render({name: value(variables.get(name, "")) for name in names})

    return value(variables[name])


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_directory_has_one_spelling(spelling: str) -> None:
    """What `..` means is left alone, since a link may be before it."""
    assert place(spelling) == PLAIN == place(PLAIN)
    assert place("/link/../state") == "/link/../state"
    assert (place("/"), place("")) == ("/", "")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_what_an_earlier_version_labelled_is_the_platforms(spelling: str) -> None:
    """And nobody else's."""
    assert listing.owned({listing.LABEL_STATE_DIR: spelling}, PLAIN)
    for labels in (None, {}, {listing.LABEL_STATE_DIR: f"{spelling}-other"}, {listing.LABEL_STATE_DIR: ""}):
        assert not listing.owned(labels, PLAIN)


@pytest.mark.parametrize(("role", "name"), [(role, name) for role, names in NAMES.items() for name in names])
def test_a_role_calls_it_the_same(role: str, name: str) -> None:
    """Units, timers, rules of the packet filter, and what is on record of the host."""
    plain = rendered(role, name, PLAIN)
    assert [rendered(role, name, spelling) for spelling in SPELLINGS] == [plain] * len(SPELLINGS)
    assert plain != rendered(role, name, f"{PLAIN}-other")


def test_the_first_platform_is_known_by_every_spelling() -> None:
    """Its units have no number."""
    for spelling in ("/var/lib/tidegate", "/var/lib//tidegate/"):
        assert rendered("traefik", "traefik_entry_unit_name", spelling) == "tidegate-entry.service"
        assert rendered("reconcile", "reconcile_unit", spelling) == "tidegate-reconcile"
