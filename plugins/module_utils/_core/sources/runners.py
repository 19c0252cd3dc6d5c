# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Language images and presets: which fits a tree, and the Dockerfile that it gives. Pure.

A catalog has `runners` (language images) and `presets` (what a kind of application needs); the role `runner` checks it
and places it on the host. Any image with a shell and its language will do: the application runs as a user of its own.
"""

from __future__ import annotations

import fnmatch
import json
import re
import typing as t

from ..values.errors import InvalidOption
from ..values.identity import Document

FOLDER, USER, PORT = "/app", "10001:10001", 8000
GENERATED, TREE = ".tidegate.Dockerfile", "source"
RESERVED = ("PORT", "HOME", "PATH", "PUID", "PGID", "LD_PRELOAD", "LD_LIBRARY_PATH")
COMMANDS = ("install", "build", "start")
_PYTHON = ("requirements.txt", "pyproject.toml", "Pipfile")

Read = t.Callable[[str], str]


def enabled(catalog: Document) -> list[Document]:
    """The language images that may be used."""
    return [row for row in catalog.get("runners", ()) if row.get("enabled", True)]


def runner_of(catalog: Document, name: str | None, languages: t.Container[str]) -> Document:
    """A language image of the catalog, by name or the first of a language.

    :raises InvalidOption: there is none, or it is disabled (DP-12).
    """
    known = {row["name"]: row for row in catalog.get("runners", ())}
    usable = enabled(catalog)
    names = ", ".join(row["name"] for row in usable)
    remedy = f"Choose one of {names}." if names else "Run the role runner, which installs the catalog."
    if name is None:
        fitting = [row for row in usable if row["language"] in languages]
        if not fitting:
            raise InvalidOption("runner.image", None, "cannot be chosen: no enabled runner fits", remedy)
        return fitting[0]
    if name not in known:
        raise InvalidOption("runner.image", name, "is not in the host's catalog", remedy)
    if known[name] not in usable:
        raise InvalidOption("runner.image", name, "is disabled in the host's catalog", remedy)
    return t.cast("Document", known[name])


def presets_of(catalog: Document, name: str) -> t.Sequence[Document]:
    """The presets that may be used: one by name, or with `auto` all, the most particular first.

    :raises InvalidOption: there is none of that name.
    """
    rows: list[Document] = [row for row in catalog.get("presets", ()) if row.get("enabled", True)]
    if name == "auto":
        return sorted(rows, key=lambda row: (-row.get("priority", 0), row["name"]))
    chosen = [{**row, "detect": {}} for row in rows if row["name"] == name]  # what is named need not be detected
    if not chosen and name != "none":
        known = ", ".join(row["name"] for row in rows)
        raise InvalidOption("runner.preset", name, "is not in the host's catalog", f"Choose one of {known}, or none.")
    return chosen


def detect(presets: t.Sequence[Document], paths: t.Collection[str], read: Read) -> Document | None:
    """The first preset whose rules a tree fulfils (DP-13), with the first of its variants that fits.

    :param paths: the tree's files, relative.
    :param read: gives the text of one.
    """
    for preset in presets:
        if _fits(preset.get("detect") or {}, paths, read):
            fitting = [v for v in preset.get("variants") or () if _fits(v.get("detect") or {}, paths, read)]
            return {**preset, **(fitting[0] if fitting else {}), "name": preset["name"]}
    return None


def _fits(rules: Document, paths: t.Collection[str], read: Read) -> bool:
    def there(pattern: str) -> bool:
        return any(fnmatch.fnmatchcase(path, pattern) for path in paths)

    every, some, none = (rules.get(key) or () for key in ("all", "any", "none"))
    return (
        all(there(pattern) for pattern in every)
        and (not some or any(there(pattern) for pattern in some))
        and not any(there(pattern) for pattern in none)
        and all(_has_package(name, paths, read) for name in rules.get("packages") or ())
    )


def _has_package(name: str, paths: t.Collection[str], read: Read) -> bool:
    """True when a manifest of the tree asks for a package."""
    if "package.json" in paths:
        try:
            manifest = json.loads(read("package.json"))
        except ValueError:
            manifest = {}
        if isinstance(manifest, dict) and any(
            name in (manifest.get(key) or {}) for key in ("dependencies", "devDependencies", "scripts")
        ):
            return True
    pattern = re.compile(rf"(?im)^[\s\"']*{re.escape(name)}(?![\w.-])")
    return any(pattern.search(read(path)) for path in (*_PYTHON, "Gemfile", "go.mod") if path in paths)


def dockerfile(facts: Document, paths: t.Collection[str], read: Read) -> str:
    """The Dockerfile of a tree: manifests and their install first, so that a change of code alone keeps that layer.

    :param facts: `runners`, `presets`, `image`, `commands`, `env`: what the declaration and the catalog say.
    :raises InvalidOption: nothing says how to start it.
    """
    preset = detect(facts["presets"], paths, read) or {}
    if facts["presets"] and not preset and not facts["commands"].get("start"):
        names = ", ".join(row["name"] for row in facts["presets"])
        cause = "fits no preset of the host's catalog"
        raise InvalidOption("runner.preset", "auto", cause, f"Name one of {names}, or set runner.start_command.")
    languages = [preset["language"]] if preset else [row["language"] for row in facts["runners"]]
    image = runner_of({"runners": facts["runners"]}, facts["image"], languages)["image"]
    command = {key: facts["commands"].get(key) or preset.get(key) for key in COMMANDS}
    if not command["start"]:
        cause = f"is not known of the preset {preset.get('name', 'none')}"
        raise InvalidOption("runner.start_command", None, cause, "Set it.")
    manifests = [path for path in preset.get("manifests") or () if path in paths]
    env = {"PORT": str(PORT), "HOME": FOLDER, **(preset.get("env") or {}), **facts["env"]}
    lines = [f"FROM {image}", "USER 0:0", f"WORKDIR {FOLDER}", _run(f"chown {USER} {FOLDER}"), f"USER {USER}"]
    lines += [f"ENV {key}={_quoted(str(value))}" for key, value in env.items()]
    if command["install"] and manifests:
        lines += [
            f"COPY --chown={USER} {json.dumps([*(f'{TREE}/{path}' for path in manifests), './'])}",
            _run(command["install"]),
        ]
    lines.append(f"COPY --chown={USER} {TREE}/ ./")
    lines += [_run(command["install"])] if command["install"] and not manifests else []
    lines += [_run(command["build"])] if command["build"] else []
    lines += [f"EXPOSE {PORT}", "ENTRYPOINT []", "CMD " + json.dumps(["/bin/sh", "-c", f"exec {command['start']}"])]
    return "\n".join(lines) + "\n"


def _run(command: str) -> str:
    """As JSON, so that no text of a command is read as anything else of a Dockerfile."""
    return "RUN " + json.dumps(["/bin/sh", "-ec", command])


def _quoted(value: str) -> str:
    """A value of ENV; only the image's own PATH may be part of one."""
    return '"' + re.sub(r'(["\\]|\$(?!PATH\b))', r"\\\1", value) + '"'
