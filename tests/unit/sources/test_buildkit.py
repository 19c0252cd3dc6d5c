"""What BuildKit is called with."""

from __future__ import annotations

from ansible_collections.tidegate.platform.plugins.module_utils._core.sources import buildkit

from unit.declarations import CANARY, dockerfile


def test_buildkit_gets_secrets_by_file() -> None:
    """A secret's value is in no argument."""
    want = dockerfile(
        build={"builder": "buildkit", "secrets": [{"name": "npm", "value": CANARY}], "args": {"A": "1"}, "target": "x"}
    )
    assert want.recipe
    argv = buildkit.command(want.recipe, "/tree", "ref:1", {"l": "v"}, {"npm": "/private/npm"})
    assert argv[:2] == ["docker", "build"]
    assert {"--secret=id=npm,src=/private/npm", "--build-arg=A=1", "--label=l=v", "--target=x", "--tag=ref:1"} <= set(
        argv
    )
    assert argv[-2:] == ["--", "/tree"]
    assert CANARY not in " ".join(argv)
