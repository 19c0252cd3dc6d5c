"""What the engine answers with, as values."""

from __future__ import annotations

import io
import tarfile

from ansible_collections.tidegate.platform.plugins.module_utils._core.engine import volume_contents


def test_an_archive_that_ends_anywhere_before_its_end_is_not_whole() -> None:
    """The engine ends its answer as usual where it cannot read on."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, size in (("data", 0), ("data/a", 700), ("data/zeros", 3000)):
            entry = tarfile.TarInfo(name)
            entry.size, entry.type = size, tarfile.REGTYPE if size else tarfile.DIRTYPE
            tar.addfile(entry, io.BytesIO(bytes(size)))
        end = tar.offset
    text = made.getvalue()[: end + 1024]
    assert volume_contents.whole(io.BytesIO(text))
    assert [cut for cut in range(0, len(text), 256) if volume_contents.whole(io.BytesIO(text[:cut]))] == []
    nothing = text[:512] + bytes(1024)
    assert volume_contents.nothing_in([nothing])
    assert [cut for cut in range(512, len(nothing), 256) if volume_contents.nothing_in([nothing[:cut]])] == []
