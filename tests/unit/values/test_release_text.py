"""A release as text, as it is beside the store and on containers."""

from __future__ import annotations

import base64
import zlib

from ansible_collections.tidegate.platform.plugins.module_utils._core.values.release_text import found, to_text

from unit.declarations import release


def test_a_release_survives_as_text_and_nothing_else_passes_for_one() -> None:
    text = to_text(release("a"))
    label = base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    assert found(text) == found(label) == release("a")
    for broken in ("", "x", "eA==", label[:-8], "e30=", text[:-8], "[]", "[1,2]"):
        assert found(broken) is None
