"""Settings of the engine that others made: merged with, never replaced, and left as they were."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.tidegate.platform.plugins.filter.settings import with_settings, without_settings
from hypothesis import given
from hypothesis import strategies as st

Document = dict[str, t.Any]
KEYS = st.sampled_from(["a", "b", "c"])
VALUES = st.one_of(
    st.booleans(), st.sampled_from(["", "p", "q"]), st.lists(st.sampled_from("xyz"), max_size=3, unique=True)
)
DOCUMENTS = st.dictionaries(KEYS, st.one_of(VALUES, st.dictionaries(KEYS, VALUES, max_size=2)), max_size=3)
THEIRS = {
    "data-root": "/srv/docker",
    "insecure-registries": ["their:5000"],
    "log-driver": "journald",
    "log-opts": {"env": "os"},
}
OURS = {"live-restore": True, "insecure-registries": ["our:5000"], "log-driver": "json-file", "log-opts": {"tag": "x"}}


def test_own_settings_are_put_in_and_the_rest_stays() -> None:
    """A10: data-root, lists and other keys of a mapping are not lost."""
    assert with_settings(THEIRS, OURS) == {
        "data-root": "/srv/docker",
        "insecure-registries": ["their:5000", "our:5000"],
        "log-driver": "json-file",
        "log-opts": {"env": "os", "tag": "x"},
        "live-restore": True,
    }


@given(DOCUMENTS, DOCUMENTS)
def test_taken_out_again_all_is_as_it_was(theirs: Document, ours: Document) -> None:
    """A8: what was there before comes back, whatever it was."""
    assert without_settings(with_settings(theirs, ours), ours, theirs) == theirs


@given(DOCUMENTS, DOCUMENTS)
def test_put_in_twice_is_put_in_once(theirs: Document, ours: Document) -> None:
    assert with_settings(with_settings(theirs, ours), ours) == with_settings(theirs, ours)


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({"log-driver": "local"}, {**THEIRS, "log-driver": "local"}),
        ({"debug": True}, {**THEIRS, "debug": True}),
        ({"log-opts": {"env": "os", "tag": "y"}}, {**THEIRS, "log-opts": {"env": "os", "tag": "y"}}),
        ({"insecure-registries": ["our:5000", "new:1"]}, {**THEIRS, "insecure-registries": ["new:1"]}),
    ],
)
def test_what_others_changed_since_stays(change: Document, left: Document) -> None:
    """A8: only what is still as it was put in is taken out."""
    assert without_settings({**with_settings(THEIRS, OURS), **change}, OURS, THEIRS) == left


def test_mappings_and_lists_of_ansible_are_mappings_and_lists() -> None:
    """A10: what comes out of a template has types of its own."""

    class Mapping(dict[str, t.Any]):
        pass

    now = with_settings(THEIRS, OURS)
    now["log-opts"] = Mapping(now["log-opts"])
    assert without_settings(now, OURS, THEIRS) == THEIRS
