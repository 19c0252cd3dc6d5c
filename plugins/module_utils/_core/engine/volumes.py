# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes: whose they are, who uses them, and what is in them."""

from __future__ import annotations

import contextlib
import os
import tarfile
import typing as t

from ..values.identity import Subject
from ..values.volume import Named
from . import listing, volume_contents
from .client import Client, explain_errors
from .containers import Containers
from .images import Images
from .listing import LABEL_MANAGED

# Who writes, now or soon: one that crashes is neither stopped nor paused, and comes back in the middle of a copy.
_WRITE = {"status": ["running", "restarting"]}
_NOTHING = bytes(10 * tarfile.BLOCKSIZE)  # a tar archive without an entry


class Writer(t.NamedTuple):
    """Whose a container is that writes, an empty subject for others' ones, and which volumes."""

    subject: Subject
    volumes: tuple[str, ...]


class Volumes:
    """The engine's volumes; what is in one is read and filled by a container that is never started."""

    def __init__(self, client: Client, containers: Containers, images: Images) -> None:
        self._client, self._api = client, client.api
        self._containers, self._images = containers, images

    def of(self, subject: Subject) -> tuple[str, ...]:
        """Names of the volumes that were made for a workload."""
        with explain_errors("list volumes", subject.workload):
            rows = self._client.mine(self._api.volumes(filters={"label": listing.whose(subject)})["Volumes"] or ())
        return tuple(sorted(row["Name"] for row in rows))

    def by_subject(self) -> dict[Subject, tuple[str, ...]]:
        """Names of the volumes that were made for workloads, by whose they are."""
        with explain_errors("list volumes", self._client.state_dir):
            rows = self._client.mine(self._api.volumes(filters={"label": listing.whose(None)})["Volumes"] or ())
        found: dict[Subject, tuple[str, ...]] = {}
        for row in sorted(rows, key=lambda row: str(row["Name"])):
            key = listing.subject_of(row)
            found[key] = (*found.get(key, ()), row["Name"])
        return found

    def by_name(self) -> dict[str, Named]:
        """Every volume of the engine, whoever made it, by name."""
        with explain_errors("list volumes", "all"):
            rows = self._api.volumes()["Volumes"] or ()
        return {row["Name"]: listing.volume_of(row) for row in rows}

    def place(self, volume: str) -> str:
        """The directory in which a volume's files are on the engine's host; an empty text where there is none."""
        row = self._client.ask("look where the files are of", volume, lambda: self._api.inspect_volume(volume))
        return str((row or {}).get("Mountpoint") or "")

    def users(self, volume: str) -> dict[str, Subject]:
        """Containers, whoever owns them, that mount a volume, and the workload that each belongs to."""
        with explain_errors("look for users of the volume", volume):
            rows = self._api.containers(all=True, filters={"volume": volume})
        found = {row["Names"][0].lstrip("/"): listing.subject_of(row) for row in rows}
        return {name: subject for name, subject in found.items() if name != listing.holder(volume).name}

    def writers(self, volumes: t.Collection[str]) -> dict[str, Writer]:
        """Containers, whoever owns them, that mount one of these for writing and do not stand still."""
        with explain_errors("look who writes", ", ".join(volumes)):
            rows = self._api.containers(filters=_WRITE)
        mine = [row["Id"] for row in self._client.mine(rows)]
        found = {
            row["Names"][0].lstrip("/"): Writer(
                listing.subject_of(row) if row["Id"] in mine else Subject("", ""), listing.written(row, volumes)
            )
            for row in rows
        }
        return {name: writer for name, writer in found.items() if writer.volumes}

    def ensure(
        self,
        name: str,
        labels: t.Mapping[str, str],
        driver: str | None = None,
        options: t.Mapping[str, str] | None = None,
        *,
        managed: bool = True,
    ) -> None:
        """Create a named volume unless there is one (the engine's create is idempotent and keeps old labels)."""
        own = {LABEL_MANAGED: "1"} if managed else {}
        with explain_errors("create the volume", name):
            given = dict(options) if options else None
            self._api.create_volume(name, driver=driver, driver_opts=given, labels={**own, **labels})

    def fill(self, volume: str, target: str, archive: t.IO[bytes]) -> None:
        """Unpack a copy of what was mounted at a place into a volume."""
        with self.hold(volume, target) as held, explain_errors("fill the volume", volume):
            self._api.put_archive(held.name, os.path.dirname(held.path), archive)

    def is_empty(self, volume: str) -> bool:
        """Whether nothing is in a volume, but for what a new file system has."""
        return self._tell(volume, volume_contents.nothing_in)

    def has_newer(self, volume: str, moment: float, now: float) -> bool:
        """Whether something was written into a volume after a moment; a date of the future does not say so."""
        return self._tell(volume, lambda chunks: volume_contents.newer_in(chunks, moment, now))

    def _tell(self, volume: str, tell: t.Callable[[t.Iterable[bytes]], bool]) -> bool:
        """What the archive of a volume tells, which is read only as far as that takes."""
        with self.hold(volume, "/data") as held:
            other, answers = self._client.another(), list[t.Any]()
            other.api.hooks["response"].append(lambda answer, **_options: answers.append(answer))
            with explain_errors("look into the volume", volume):
                try:
                    return tell(other.api.get_archive(held.name, held.path)[0])
                finally:
                    for answer in answers:
                        answer.close()

    @contextlib.contextmanager
    def hold(self, volume: str, target: str) -> t.Iterator[listing.Holder]:
        """A container with a volume that is never started, for the length of a block.

        Its image holds nothing: what that of a workload has at a place, a link for example, does not matter.

        :param target: where it is mounted otherwise; the copy of it is called as the last part of this.
        """
        own, image = listing.ownership(self._client.state_dir), f"tidegate-nothing:{os.urandom(8).hex()}"
        held = listing.holder(volume, target)
        host = self._api.create_host_config(binds=[f"{volume}:{held.path}:rw,nocopy"], network_mode="none")
        self.remove_holder(volume)  # of a run that was killed
        with contextlib.ExitStack() as gone, explain_errors("make a container for the volume", volume):
            gone.callback(self._images.remove, image)
            self._api.import_image_from_data(_NOTHING, *image.split(":"))
            gone.callback(self.remove_holder, volume)
            labels = {**own, listing.LABEL_IMAGE: image}
            self._api.create_container(image, command=["none"], name=held.name, host_config=host, labels=labels)
            made = gone.pop_all()
        with made:
            yield held

    def remove(self, name: str) -> None:
        """Remove a named volume with its data; one that is gone is fine."""
        self.remove_holder(name)
        self._client.ask("remove the volume", name, lambda: self._api.remove_volume(name))

    def remove_holder(self, volume: str) -> None:
        """Remove the container by which a volume was read or filled, and its image."""
        own = self._containers.own(listing.holder(volume).name)
        if own is not None:
            self._client.ask("let go of", volume, lambda: self._api.remove_container(own["Id"], v=True, force=True))
            image = own["Config"]["Labels"].get(listing.LABEL_IMAGE)
            if image:
                self._images.remove(image)
