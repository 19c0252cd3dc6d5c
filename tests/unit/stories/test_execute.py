"""What is kept of a command's output."""

from __future__ import annotations

from ansible_collections.tidegate.platform.plugins.module_utils._core.stories.execute import LimitedOutput


def test_of_a_long_output_the_begin_is_kept_and_the_rest_counted() -> None:
    written = LimitedOutput(5)
    assert [written.write(b"abc"), written.write(b"def"), written.write(b"g")] == [3, 3, 1]
    assert (written.text, written.lost) == ("abcde", 2)
