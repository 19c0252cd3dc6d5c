# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs Compose: the real `docker compose`, argument lists only. `composer` asks which one it is.

A definition, once read, is kept in a folder named by its identity, so that an unchanged stack runs no Compose at all,
and an earlier release is gone back to without its source. What it mounts of its source is kept by content, so that a
service is another only if its own files are.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import typing as t

from ..host import filesystem, process
from ..host.clock import Clock
from ..values.errors import CommandFailure, InvalidOption
from ..values.identity import Document, canonical, digest
from ..values.redaction import Redactor
from ..values.stack import Definition, Stack
from . import compose_files, compose_version, trees
from .compose_files import Origin
from .compose_model import Sign, by_id, definition
from .compose_volumes import handed
from .kept_definitions import SECRETS, KeptDefinitions, row_of

COMMAND = (*compose_version.COMMAND, "--ansi", "never", "--progress", "plain")
SECONDS = 1800.0
_JSON = ("config", "--format", "json")
_USUAL = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_UNSET = re.compile(r'The \\?"(\w+)\\?" variable is not set')


class Compose(KeptDefinitions):
    """Compose for one workload.

    :param folder: where its definitions are kept, one folder each.
    :param tell: called with each line that Compose writes.
    """

    def __init__(self, folder: str, docker_host: str, clock: Clock, tell: t.Callable[[str], None]) -> None:
        super().__init__(folder)
        self.docker_host, self.clock, self.tell = docker_host, clock, tell
        self._files: dict[str, str] = {}

    def identity(self, declared: str, env_files: t.Sequence[str]) -> str:
        """The identity of what is declared so, where it is kept: files beyond its source count by their content now."""
        for name in sorted(os.listdir(self.folder)) if os.path.isdir(self.folder) else ():
            found = self.known(name) if name.startswith(f"{declared}-") else None
            if found is not None:
                return _with(declared, found.outside)
        # Definitions of earlier versions name such files instead of keeping their content.
        kept = self.known(declared)
        return _with(declared, sorted({*_outside(kept.model, self.folder), *env_files}) if kept else env_files)

    def read(self, stack: Stack, declared: str, root: str, owner: t.Mapping[str, str], sign: Sign) -> Definition:
        """What Compose makes of a stack whose files are in a directory.

        :param declared: identity of what is declared.
        :param sign: a keyed hash, for what is shown of its content.
        :raises InvalidOption: Compose refuses it; in its own words.
        :raises CommandFailure: there is no Compose, or it is too old.
        """
        compose_version.require(self.clock)
        name = stack.file
        if stack.inline:
            name = ".tidegate.compose.yaml"
            filesystem.place(os.path.join(root, name), stack.inline, 0o600, root)
        path = os.path.join(root, name)
        if not os.path.isfile(path) or not os.path.realpath(path).startswith(os.path.realpath(root) + os.sep):
            there = ", ".join(usual for usual in _USUAL if os.path.isfile(os.path.join(root, usual)))
            remedy = f"Its source has {there}: name that." if there else "Correct it."
            raise InvalidOption("compose.file", name, "is not a file of the source", remedy)
        strangers = bool(stack.source) and not stack.unsafe
        named = compose_files.outside(root, path, lambda *what: self._apart(stack, root, *what), strangers)
        argv = [*COMMAND, "--project-name", stack.project, "--project-directory", root, "--file", path]
        done = process.run([*argv, *_JSON], self.clock, 60.0, env=self._env(stack.variables))
        if done.code:
            raise _refused(stack, root, done.err)
        refuse_unset(done.err)
        model = json.loads(done.out)
        outside = sorted({*_outside(model, root), *stack.env_files, *named})
        settled = self._settled(model, root, sign)
        return definition(stack, _with(declared, outside), settled, owner, sign, outside)

    def _apart(self, stack: Stack, root: str, origin: Origin, text: str) -> Document:
        """What a Compose file says, as Compose takes its text apart; variables of what is included are others."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            argv = [*COMMAND, "--project-name", stack.project, "--project-directory", root, "--file", file.name, *_JSON]
            plain = ["--no-interpolate"] if origin.included else []
            done = process.run([*argv, *plain], self.clock, 60.0, env=self._env(stack.variables))
        if done.code:
            raise _refused(stack, root, done.err.replace(file.name, os.path.relpath(origin.path, root)))
        return compose_files.content(done.out)

    def _settled(self, model: dict[str, t.Any], root: str, sign: Sign) -> dict[str, t.Any]:
        """The model with each file of the source at a place that is named by its content, where `place` puts it.

        So are the files of configs and secrets that lie elsewhere: what a release has is what it was deployed with.
        """
        mounts = [
            m for s in (model.get("services") or {}).values() for m in s.get("volumes") or () if m["type"] == "bind"
        ]
        files = [entry for kind in ("configs", "secrets") for entry in (model.get(kind) or {}).values()]
        for entry, key in [*((mount, "source") for mount in mounts), *((entry, "file") for entry in files)]:
            path = str(entry.get(key) or "")
            if (path and key == "file") or path == root or path.startswith(root + os.sep):
                if entry.get("type") == "bind" and not entry.get("read_only"):
                    cause = "is mounted from the source to be written, where it would be lost with a release"
                    remedy = "Mount it read-only (:ro), or use a named volume or an absolute path for data."
                    raise InvalidOption("compose", os.path.relpath(path, root), cause, remedy)
                entry[key] = self._place_of(path, root, sign)
        return model

    def _place_of(self, path: str, source: str, sign: Sign) -> str:
        real, top = os.path.realpath(path), os.path.realpath(source)
        of_source = path == source or path.startswith(source + os.sep)  # what lies elsewhere is named outright
        if of_source and real != top and not real.startswith(top + os.sep):
            raise InvalidOption("compose", os.path.basename(path), "is a link out of the source", "Remove it.")
        if not os.path.exists(real):
            raise InvalidOption("compose", os.path.basename(path), "is mounted, but not there", "Add it to the source.")
        found, name = _content(real), os.path.basename(path)
        place = os.path.join(self.folder, "files", sign(canonical([name, found])), name)
        self._files[place] = real
        return place

    def place(self, found: Definition, secrets: t.Iterable[str] = ()) -> None:
        """Keep a definition, and the files of its source that it mounts, readable for the containers' users.

        :param secrets: values that are in it, which are kept to be taken out of what is said of it.
        """
        home = os.path.join(filesystem.private_folder(self.folder), found.identity)
        for place, origin in self._files.items():
            if not os.path.exists(place):
                part = f"{os.path.dirname(place)}.{os.getpid()}.part"
                shutil.rmtree(part, ignore_errors=True)
                os.makedirs(part)
                target = os.path.join(part, os.path.basename(place))
                if os.path.isdir(origin):
                    shutil.copytree(origin, target, symlinks=True)  # a link to a file of the host stays a link
                else:
                    _copy(origin, target)
                filesystem.sync_tree(part)
                filesystem.rename(part, os.path.dirname(place))
                filesystem.sync_folder(self.folder)
        filesystem.private_folder(home)
        document = {
            "model": found.model,
            "services": [row_of(service) for service in found.services],
            "variables": dict(found.variables),
            "outside": found.outside,
        }
        if values := sorted(set(secrets)):
            filesystem.place(os.path.join(home, SECRETS), canonical(values), 0o600, home)
        filesystem.place(os.path.join(home, "compose.json"), canonical(handed(found.model)), 0o600, home)
        filesystem.place(os.path.join(home, "definition.json"), canonical(document), 0o600, home)

    def pull(self, identity: str) -> None:
        """Have the images of a definition here."""
        self._run(identity, {}, "pull", "--quiet", "--policy", "missing")

    def up(
        self, wanted: Definition, ids: t.Mapping[str, str], service: str = "", scale: int = 0, *, anew: bool = False
    ) -> None:
        """Start what a definition declares, or one of its services; its volumes have to be there.

        :param ids: images of services whose name means another one by now. Others keep the name: for Compose a service
            whose image is called otherwise is another one, which it makes anew.
        :param scale: how many containers the service shall have; those that it has are left as they are.
        :param anew: make the service's containers again, though they are what is declared.
        """
        # Whatever Compose asks, it asks nobody: it has no input, and takes that for a no.
        words = ["up", "--detach", "--no-build", "--pull", "never"]
        if scale:
            words += ["--no-deps", "--no-recreate", "--scale", f"{service}={scale}"]
        elif service:
            words += ["--no-deps", *(["--force-recreate"] if anew else [])]
        else:
            words.append("--remove-orphans")
        home = os.path.join(self.folder, wanted.identity)
        filesystem.place(os.path.join(home, "compose.json"), canonical(handed(by_id(wanted.model, ids))), 0o600, home)
        self._run(wanted.identity, dict(wanted.variables), *words, *([service] if service else []))

    def _run(self, identity: str, variables: dict[str, str], *words: str) -> None:
        home = os.path.join(self.folder, identity)
        argv = [*COMMAND, "--project-directory", home, "--file", os.path.join(home, "compose.json")]
        done = process.run([*argv, *words], self.clock, SECONDS, env=self._env(variables), tell=self.tell)
        if done.code:
            lines = [line for line in done.err.splitlines() if line.strip()]
            cause = f"docker compose {words[0]} failed: {(lines or ['it gave no reason'])[-1].strip()}"
            raise CommandFailure(cause, subject=os.path.basename(self.folder), logs="\n".join(lines[-40:]))

    def _env(self, given: dict[str, str]) -> dict[str, str]:
        """Nothing but what is declared may decide what a Compose file means."""
        return {**compose_version.environment(), **given, "DOCKER_HOST": self.docker_host}


def refuse_unset(said: str) -> None:
    """Refuse variables that Compose says are not set: it would go on with nothing in their place, be it a password.

    :raises InvalidOption: names the first of them.
    """
    for name in sorted(set(_UNSET.findall(said))):
        cause = "is a variable of the Compose file that is not set, and would be blank"
        remedy = f"Set it there or in compose.secrets, or say a default in the file: ${{{name}:-}}; for a plain $, $$."
        raise InvalidOption("compose.env", name, cause, remedy)


def _refused(stack: Stack, root: str, err: str) -> InvalidOption:
    """What Compose says of a file that it does not take."""
    said = [line for line in err.splitlines() if line.strip()][-1:] or ["it gave no reason"]
    remedy = "Correct the Compose file; `docker compose config` says the same."
    text = Redactor(secret.value for secret in stack.secrets)(said[0].replace(root, "."))
    return InvalidOption("compose", stack.file, f"is refused by Compose: {text}", remedy)


def _outside(model: t.Mapping[str, t.Any], root: str) -> list[str]:
    """Files of configs and secrets that are not of the source."""
    entries = [entry for kind in ("configs", "secrets") for entry in (model.get(kind) or {}).values()]
    paths = {str(entry["file"]) for entry in entries if entry.get("file")}
    return sorted(path for path in paths if not path.startswith(root + os.sep))


def _with(declared: str, outside: t.Sequence[str]) -> str:
    """An identity, with the content that files beyond the source have now; one that is gone counts, too."""
    if not outside:
        return declared
    rows = [[path, _content(os.path.realpath(path)) if os.path.exists(path) else None] for path in outside]
    return f"{declared}-{digest(rows)[:16]}"


def _content(real: str) -> str:
    """The content of a file or a whole directory, told by a digest."""
    whole = os.path.isdir(real)
    root = real if whole else os.path.dirname(real)
    return trees.digest(root, trees.every_path(real) if whole else [os.path.basename(real)])


def _copy(origin: str, target: str) -> None:
    """A file with its mode and owner, so that who may read it in a container still may."""
    shutil.copy2(origin, target)
    facts = os.stat(origin)
    os.chown(target, facts.st_uid, facts.st_gid)
