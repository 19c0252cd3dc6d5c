"""Sources and builds: what is accepted, and one clear error for each thing that is not."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.of_record import declaration_of_record
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.parse import Context
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import InvalidOption
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.release import Release
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.workload import Strategy

from unit.declarations import CANARY, dockerfile

GIT = {"git": "https://git.test/shop.git"}


BAD: list[tuple[str, dict[str, t.Any], str, str]] = [
    ("no source", {"source": None}, "source", "either path or git"),
    ("two sources", {"source": {"path": "/a", **GIT}}, "source", "either path or git"),
    ("relative path", {"source": {"path": "a/b"}}, "source.path", "absolute"),
    ("climbing path", {"source": {"path": "/a/../../etc"}}, "source.path", ".."),
    ("climbing subdirectory (AW-T20)", {"source": {**GIT, "subdirectory": "a/../../b"}}, "source.subdirectory", "out"),
    ("outer subdirectory (AW-T20)", {"source": {**GIT, "subdirectory": "../x"}}, "source.subdirectory", "out"),
    ("absolute subdirectory", {"source": {**GIT, "subdirectory": "/etc"}}, "source.subdirectory", "out"),
    ("option as URL", {"source": {"git": "--upload-pack=reboot"}}, "source.git", "not the URL"),
    ("program as URL", {"source": {"git": "ext::sh -c reboot"}}, "source.git", "not the URL"),
    ("option as host", {"source": {"git": "ssh://-oProxyCommand=reboot/x"}}, "source.git", "not the URL"),
    ("option as scp host", {"source": {"git": "git@-oProxyCommand:x"}}, "source.git", "not the URL"),
    ("plain path as URL", {"source": {"git": "/srv/shop.git"}}, "source.git", "not the URL"),
    ("password in URL", {"source": {"git": f"https://u:{CANARY}@git.test/x"}}, "source.git", "user name or password"),
    ("token in URL", {"source": {"git": f"https://{CANARY}@git.test/x"}}, "source.git", "user name or password"),
    ("empty password", {"source": {"git": f"https://{CANARY}:@git.test/x"}}, "source.git", "user name or password"),
    ("password of ssh", {"source": {"git": f"ssh://u:{CANARY}@git.test/x"}}, "source.git", "user name or password"),
    ("token as query", {"source": {"git": f"https://git.test/x?token={CANARY}"}}, "source.git", "behind its path"),
    ("pattern as host", {"source": {"git": "ssh://git@*/x"}}, "source.git", "not the URL"),
    ("port", {"source": {"git": "https://git.test:https/x"}}, "source.git", "not the URL"),
    ("token in clear", {"source": {"git": "http://git.test/x", "token": CANARY}}, "source.token", "everybody"),
    ("token in clear at home", {"source": {"git": "http://localhost/x", "token": CANARY}}, "source.token", "everybody"),
    ("token for ssh", {"source": {"git": "git@git.test:x", "token": CANARY}}, "source.token", "means nothing"),
    ("key for https", {"source": {**GIT, "deploy_key": CANARY}}, "source.deploy_key", "means nothing"),
    ("option as ref", {"source": {**GIT, "ref": "--all"}}, "source.ref", "branch"),
    ("range as ref", {"source": {**GIT, "ref": "a..b"}}, "source.ref", "branch"),
    ("blank in ref", {"source": {**GIT, "ref": "a b"}}, "source.ref", "branch"),
    ("token for a path", {"source": {"path": "/a", "token": CANARY}}, "source.token", "nothing"),
    ("key and token", {"source": {**GIT, "token": CANARY, "deploy_key": CANARY}}, "source.deploy_key", "contradicts"),
    ("two lines of token", {"source": {**GIT, "token": f"{CANARY}\nx"}}, "source.token", "one line"),
    ("no time", {"source": {**GIT, "timeout": 0}}, "source.timeout", "above 0"),
    ("no size", {"source": {**GIT, "max_size": "much"}}, "source.max_size", "not a size"),
    ("climbing Dockerfile", {"build": {"dockerfile": "../Dockerfile"}}, "build.dockerfile", "out"),
    ("option as target", {"build": {"target": "--x"}}, "build.target", "stage"),
    ("bad platform", {"build": {"platform": "linux"}}, "build.platform", "platform"),
    ("option as argument", {"build": {"args": {"--x": "1"}}}, "build.args", "name"),
    ("boolean argument", {"build": {"args": {"X": True}}}, "build.args.X", "string"),
    ("option as network", {"build": {"network": "--x"}}, "build.network", "network"),
    ("option as cache", {"build": {"cache_from": ["--x"]}}, "build.cache_from", "image"),
    (
        "secret of the classic builder",
        {"build": {"secrets": [{"name": "a", "value": CANARY}]}},
        "build.secrets",
        "BuildKit",
    ),
    ("no build time", {"build": {"timeout": 0}}, "build.timeout", "above 0"),
    ("image of another type", {"image": "shop:1"}, "image", "means nothing for type=dockerfile"),
    ("source of another type", {"type": "image", "image": "shop:1"}, "source", "means nothing for type=image"),
]


@pytest.mark.parametrize(("title", "options", "option", "words"), BAD, ids=[row[0] for row in BAD])
def test_one_error_that_names_option_value_and_remedy(
    title: str, options: dict[str, t.Any], option: str, words: str
) -> None:
    with pytest.raises(InvalidOption) as caught:
        dockerfile(**options)
    assert caught.value.option == option, title
    assert words in str(caught.value)
    assert caught.value.remedy
    assert CANARY not in str(caught.value)


def test_built_workloads_replace_in_place_unless_told_otherwise() -> None:
    """DS-01, DS-T16."""
    assert dockerfile().strategy is Strategy.RECREATE
    assert dockerfile(strategy="blue-green").strategy is Strategy.BLUE_GREEN


def test_a_record_has_no_secret_and_makes_the_workload_again() -> None:
    """DP-T15: neither token nor key nor build secret nor the place of this run's archive."""
    source = {**GIT, "token": CANARY}
    build = {"builder": "buildkit", "secrets": [{"name": "npm", "value": CANARY}]}
    want = dockerfile(source=source, build=build)
    assert CANARY not in repr(want)
    assert CANARY not in repr(want.snapshot)
    release = Release("01", "tidegate.local/shop:1", "sha256:1", "f", ("c",), None, want.snapshot)
    back = declaration_of_record(release, {}, Context(lambda value: f"v{len(value)}"))
    assert (back.artifact, back.container.image) == ("sha256:1", "tidegate.local/shop:1")
