"""A9: an empty variable is one that was not given."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.tidegate.platform.plugins.filter.asked import agreed, given, listed


def test_two_names_of_one_variable_that_differ_are_refused() -> None:
    """D2: nobody knows which is meant."""
    assert [agreed({"a": a, "b": b}) for a, b in (("", "x"), ("x", " "), ("x", "x"), (None, ""))] == ["x", "x", "x", ""]
    with pytest.raises(AnsibleFilterError, match="a=x and b=y are two names of one variable, and differ"):
        agreed({"a": "x", "b": "y"})


def test_blank_text_is_not_given() -> None:
    assert [given(value, 7) for value in ("", " ", None, "a", 0, False)] == [7, 7, 7, "a", 0, False]
    assert listed(" a, ,b,") == ["a", "b"]
    assert [listed(value) for value in ("", ",", [], [""], ["a ", "b"], None, 5)] == [
        [],
        [],
        [],
        [],
        ["a", "b"],
        [],
        ["5"],
    ]
