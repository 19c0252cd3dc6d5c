# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parsing of the options that say what an artifact is made from: source, build. Pure."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import urlsplit

from ..sources import runners, site
from ..values import grammar
from ..values.errors import InvalidOption
from ..values.recipe import Access, BuildLimits, Recipe, Source
from ..values.workload import Document, canonical
from . import checks
from .checks import Params, inside, positive

_SCP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[A-Za-z0-9._~/][^\s\x00]*")
_HOST = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_REF = re.compile(r"(?!.*(?:\.\.|//|@\{))[A-Za-z0-9_][A-Za-z0-9._/+@#-]*(?<![/.])")
_PLATFORM = re.compile(r"[a-z0-9]+(?:/[a-z0-9]+){1,2}")
_TARGET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def source(params: Params) -> Source:
    """`source`, checked.

    :raises InvalidOption: names option, value and remedy.
    """
    given = params["source"]
    if not given or bool(given["path"]) == bool(given["git"]):
        value = (given or {}).get("path")
        raise InvalidOption("source", value, "has to have either path or git", "Give one of them.")
    positive("source.timeout", given["timeout"])
    common = {
        "subdirectory": inside("source.subdirectory", given["subdirectory"]),
        "timeout": given["timeout"],
        "max_size": checks.size("source.max_size", given["max_size"]),
    }
    if given["path"]:
        return _local(given, common)
    url, ref = _url(given["git"]), _ref(given["ref"])
    return Source("git", url, ref, submodules=given["submodules"], access=_access(given, url), **common)


def _local(given: Params, common: dict[str, t.Any]) -> Source:
    for option in ("token", "deploy_key", "username", "known_hosts"):
        if given.get(option):
            raise InvalidOption(f"source.{option}", "***", "means nothing for a path", "Remove it, or use git.")
    if given["submodules"]:
        raise InvalidOption("source.submodules", True, "means nothing for a path", "Remove it, or use git.")
    path = given.get("archive") or given["path"]
    grammar.ABSOLUTE.check("source.path", path)
    return Source("path", path, **common)


def _url(url: str) -> str:
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if parts.password is not None or (at and parts.scheme not in ("ssh", "")):  # a token may be a user name, too
        shown = url.replace(f"{user}@", "***@")
        remedy = "Put what it is into source.username and source.token."
        raise InvalidOption("source.git", shown, "holds a user name or password", remedy)
    if parts.scheme in ("https", "http") and (parts.query or parts.fragment):
        shown = url.partition("?")[0].partition("#")[0]
        raise InvalidOption("source.git", shown, "has something behind its path", "A token belongs in source.token.")
    web = parts.scheme in ("https", "http", "ssh", "git") and _HOST.fullmatch(host)
    local = parts.scheme == "file" and parts.path.startswith("/") and not parts.netloc
    if re.search(r"[\s\x00-\x1f]", url) or not (web or local or _SCP.fullmatch(url)):
        remedy = "Write https://host/path, ssh://user@host/path or user@host:path."
        raise InvalidOption("source.git", url, "is not the URL of a git repository", remedy)
    return url


def _ref(ref: str) -> str:
    if not _REF.fullmatch(ref):
        raise InvalidOption("source.ref", ref, "is not a branch, tag or commit", "Correct the value.")
    return ref


def _access(given: Params, url: str) -> Access:
    token, key = given.get("token") or "", given.get("deploy_key") or ""
    if token and key:
        raise InvalidOption("source.deploy_key", "***", "contradicts source.token", "Give one of them.")
    parts = urlsplit(url)
    web = parts.scheme in ("https", "http")
    if token and parts.scheme != "https" and not (web and _loopback(parts.hostname or "")):
        cause = "would be sent where everybody on the way can read it" if web else "means nothing for this URL"
        raise InvalidOption("source.token", "***", cause, "Write https:// in source.git, or remove the token.")
    if key and parts.scheme not in ("ssh", ""):
        remedy = "Write ssh:// in source.git, or give a token."
        raise InvalidOption("source.deploy_key", "***", "means nothing for this URL", remedy)
    if re.search(r"[\r\n]", token):
        raise InvalidOption("source.token", "***", "has more than one line", "Give the token alone.")
    return Access(given["username"] or "git", token, key, given["known_hosts"] or "")


def _loopback(host: str) -> bool:
    """True for an address that does not leave this host."""
    return host == "::1" or re.fullmatch(r"127(?:\.\d{1,3}){3}", host) is not None


def dockerfile(params: Params, _catalog: Document) -> Recipe:
    """A recipe whose Dockerfile is part of the source: `source` and `build`, checked.

    :raises InvalidOption: names option, value and remedy.
    """
    given = params["build"] or {}
    builder = given.get("builder") or "classic"
    secrets = tuple((s["name"], s["value"]) for s in given.get("secrets") or ())
    for name, _value in secrets:
        grammar.SECRET.check("build.secrets.name", name)
    if secrets and builder != "buildkit":
        raise InvalidOption("build.secrets", secrets[0][0], "needs BuildKit", "Set build.builder to buildkit.")
    for reference in given.get("cache_from") or ():
        grammar.IMAGE.check("build.cache_from", reference)
    return Recipe(
        source=source(params),
        dockerfile=inside("build.dockerfile", given.get("dockerfile") or "Dockerfile"),
        target=_matching("build.target", given.get("target"), _TARGET, "the name of a stage"),
        args=pairs("build.args", given.get("args")),
        platform=_matching("build.platform", given.get("platform"), _PLATFORM, "a platform such as linux/amd64"),
        labels=pairs("build.labels", given.get("labels")),
        network=_network(given.get("network")),
        builder=builder,
        cache_from=tuple(given.get("cache_from") or ()),
        secrets=secrets,
        limits=limits(given),
    )


def limits(given: Params) -> BuildLimits:
    """How long, how large and how many, checked."""
    found = BuildLimits(
        timeout=float(given.get("timeout", BuildLimits.timeout)),
        max_size=checks.size("build.max_size", given.get("max_size") or "0"),
        concurrency=given.get("concurrency", BuildLimits.concurrency),
    )
    positive("build.timeout", found.timeout)
    positive("build.concurrency", found.concurrency)
    return found


def _matching(option: str, value: str | None, pattern: t.Pattern[str], words: str) -> str | None:
    if value is not None and not pattern.fullmatch(value):
        raise InvalidOption(option, value, f"is not {words}", "Correct the value.")
    return value


def _network(value: str | None) -> str | None:
    return None if value is None else grammar.NETWORK.check("build.network", value)


def pairs(option: str, given: Params | None) -> tuple[tuple[str, str], ...]:
    """A dictionary of an option as names and texts, in its order."""
    pairs = []
    for key, value in (given or {}).items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", str(key)):
            raise InvalidOption(option, key, "is not a name", "Use letters, digits and _ . -")
        pairs.append((str(key), checks.scalar(f"{option}.{key}", value)))
    return tuple(sorted(pairs))


def runner(params: Params, catalog: Document) -> Recipe:
    """A recipe whose Dockerfile is written from a language image and a preset: `source` and `runner`, checked.

    :param catalog: the host's runners and presets.
    :raises InvalidOption: names option, value and remedy.
    """
    given = params["runner"] or {}
    name, preset = given.get("image"), given.get("preset") or "auto"
    env = dict(pairs("runner.build_env", given.get("build_env")))
    _refuse_reserved("runner.build_env", env)
    _refuse_lines("runner.build_env", env)
    if name is not None:
        runners.runner_of(catalog, name, ())
    commands = {key: given.get(f"{key}_command") for key in runners.COMMANDS}
    for key, text in commands.items():
        if text is not None and (not text.strip() or "\x00" in text):
            raise InvalidOption(f"runner.{key}_command", text, "is empty", "Give a command, or leave the option out.")
    facts = {
        "image": name,
        "runners": runners.enabled(catalog),
        "presets": runners.presets_of(catalog, preset),
        "commands": commands,
        "env": env,
    }
    return Recipe(
        source=source(params),
        dockerfile=runners.GENERATED,
        generated="runner",
        facts=canonical(facts),
        network=_network(given.get("network")),
        limits=limits(given),
    )


def runs(params: Params, catalog: Document) -> dict[str, t.Any]:
    """The parameters of a runner's container: port, limits of the catalog, the command before a deployment.

    :raises InvalidOption: a variable is the platform's own (DP-T14), or a limit is above the catalog's.
    """
    given = params["runner"] or {}
    _refuse_reserved("env", params["env"])
    found = dict(params)
    if params["port"] is None:
        found["port"] = runners.PORT
    rows = [runners.runner_of(catalog, given["image"], ())] if given.get("image") else runners.enabled(catalog)
    for option in ("memory", "cpus"):
        found[option] = _limited(option, params[option], rows)
    if given.get("pre_deploy_command") and not params["release_command"]:
        found["release_command"] = ["/bin/sh", "-ec", given["pre_deploy_command"]]
    return found


def _limited(option: str, value: t.Any, rows: t.Sequence[Document]) -> t.Any:
    """A limit, or the catalog's usual one; of several runners that it may come to be, what suits them all."""

    def measure(limit: t.Any) -> float:
        return float(checks.size(option, limit) if option == "memory" else limit)

    bounds = [row[f"max_{option}"] for row in rows if f"max_{option}" in row]
    usual = [row[option] for row in rows if option in row]
    if value is None:
        return min(usual, key=measure) if usual else None
    most = min(bounds, key=measure) if bounds else None
    if most is not None and measure(value) > measure(most):
        raise InvalidOption(
            option, value, f"is above {most}, the most by the catalog", "Lower it, or set runner.image."
        )
    return value


def _refuse_reserved(option: str, env: t.Iterable[str]) -> None:
    for key in env:
        if str(key) in runners.RESERVED or str(key).startswith("TIDEGATE_"):
            raise InvalidOption(option, key, "is set by the platform", "Remove it.")


def _refuse_lines(option: str, env: t.Mapping[str, str]) -> None:
    """What stands behind a line break would be an instruction of the Dockerfile."""
    for key, value in env.items():
        if re.search(r"[\r\n]", value):
            remedy = "Give one line, or put it into a file of the source."
            raise InvalidOption(option, key, "has more than one line", remedy)


_SERVERS = {"caddy": "docker.io/library/caddy:2.11.7", "nginx": "docker.io/library/nginx:1.29.3"}
_HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")  # a hyphen before it orders Caddy to remove the header
_NO_TEXT = re.compile(r"[\r\n{}$]|`.*\\|\\.*`")  # the last two: what neither way of quoting can hold


def static(params: Params, catalog: Document) -> Recipe:
    """A recipe that puts a site into the image of a static server: `source` and `static`, checked.

    :raises InvalidOption: names option, value and remedy.
    """
    given = params["static"] or {}
    server = given.get("server") or "caddy"
    command, maker = given.get("build_command"), given.get("build_image")
    if bool(command) != bool(maker):
        raise InvalidOption("static.build_image", maker, "goes with static.build_command", "Give both, or neither.")
    if maker and ":" not in maker and "@" not in maker:
        maker = runners.runner_of(catalog, maker, ())["image"]
    for option, reference in (("static.image", given.get("image")), ("static.build_image", maker)):
        if reference:
            grammar.IMAGE.check(option, reference)
    missing = given.get("not_found")
    if missing and given.get("spa"):
        raise InvalidOption("static.not_found", missing, "contradicts static.spa", "Remove one of them.")
    facts = {
        "server": server,
        "image": given.get("image") or _SERVERS[server],
        "build_command": command,
        "build_image": maker,
        "output": _plain("static.output", given.get("output") or "."),
        "spa": bool(given.get("spa")),
        "not_found": _plain("static.not_found", missing) if missing else None,
        "headers": dict(_headers(given.get("headers"))),
    }
    return Recipe(
        source=source(params),
        dockerfile=site.GENERATED,
        generated="static",
        facts=canonical(facts),
        network=_network(given.get("network")),
        limits=limits(given),
    )


def _plain(option: str, path: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._/-]+", path):
        raise InvalidOption(option, path, "is not a plain path", "Use letters, digits and . _ - /")
    return inside(option, path)


def _headers(given: Params | None) -> t.Iterator[tuple[str, str]]:
    for name, value in sorted((given or {}).items()):
        text = checks.scalar(f"static.headers.{name}", value)
        if not _HEADER.fullmatch(str(name)) or _NO_TEXT.search(text):
            remedy = "Use plain text without braces and $, and not both of ` and \\."
            raise InvalidOption("static.headers", name, "is not a header", remedy)
        yield str(name), text


def serves(params: Params, old: str) -> dict[str, t.Any]:
    """The parameters of a site's container: nothing of it can be written but /tmp.

    :param old: the folder of the host that old assets are kept in.
    """
    given = params["static"] or {}
    positive("static.keep_assets", given.get("keep_assets", 0.0), strict=False)
    found = dict(params)
    found.update(port=params["port"] or site.PORT, read_only=True, tmpfs=sorted({*params["tmpfs"], "/tmp"}))  # noqa: S108
    if found["port"] != site.PORT:
        raise InvalidOption("port", found["port"], f"is not the server's, {site.PORT}", "Remove it.")
    if given.get("keep_assets", 0.0):
        mount = {"source": old, "target": site.OLD, "read_only": True, "shared": False, "engine": False}
        found["volumes"] = [*(v for v in params["volumes"] if v["target"] != site.OLD), mount]
    if (given.get("server") or "caddy") == "caddy":
        # Its binary carries this file capability, and could not even be executed without it in the bounding set.
        found["cap_add"] = sorted({*params["cap_add"], "NET_BIND_SERVICE"})
    return found
