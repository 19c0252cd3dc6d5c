"""Secrets are taken out of whatever is told, and nothing else is."""

from __future__ import annotations

import json

from ansible_collections.tidegate.platform.plugins.module_utils._core.values import redaction
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.redaction import Redactor


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


def test_a_short_secret_takes_nothing_else_out_of_a_text() -> None:
    """C8: "1" and "5432" are parts of names, ports and counts."""
    redact = redaction.Redactor(["1", "5432", "secret12"])
    assert redact("shop-1 on 15432, 1 of 11 replicas") == "shop-1 on 15432, 1 of 11 replicas"
    assert redact("password 5432 refused") == "password *** refused"
    assert redact("xsecret12x") == "x***x"
