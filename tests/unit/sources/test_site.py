"""What users give a site is written into its server's configuration as a value."""

from __future__ import annotations

import json
import re

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources import site

from unit.declarations import built

# Caddy's own rules of a word (https://caddyserver.com/docs/caddyfile/concepts#tokens-and-quotes).
WORD = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`', re.DOTALL)


@pytest.mark.parametrize("value", ["a", "\\", "a\\", 'a\\"b', 'say "no"', "a\\\\", "`", '`"', "C:\\x"])
def test_a_header_is_one_word_of_the_servers_configuration(value: str) -> None:
    """Review (heirs): a backslash at the end took the quote behind it, and with it the rest of the configuration."""
    want = built("static", headers={"X-A": value})
    assert want.recipe
    (line,) = [row for row in site.config(json.loads(want.recipe.facts)).split("\n") if "header X-A" in row]
    word = line.partition("header X-A ")[2]
    assert WORD.fullmatch(word)
    assert (word[1:-1] if word[0] == "`" else word[1:-1].replace('\\"', '"')) == value
