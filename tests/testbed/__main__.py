"""Brings real parts up on one machine and takes exactly them away: `testbed up [everything] | down [--keep-images] | host-up NAME [IMAGE]`."""

from __future__ import annotations

import json
import shutil
import sys
import time

import engine
import hosts
import images
import names
import registry
import shell
from state import State


def up(parts: list[str]) -> None:
    """Bring up the engine, registries, images and the network; everything that is there is left as it is."""
    begin = time.monotonic()
    state = State()
    engine.up(state)
    registry.up(state)
    images.up(images.EVERY if "everything" in parts else images.IMAGES)
    if not shell.succeeds(["docker", "network", "inspect", names.NETWORK]):
        shell.run(["docker", "network", "create", "--label", f"{names.LABEL}=1", names.NETWORK])
    shell.say(f"up in {time.monotonic() - begin:.1f} s")


def down(keep_images: bool) -> None:
    """Remove what carries the testbed's label, then stop what it started."""
    if engine.ready():
        label = f"label={names.LABEL}"
        for kind, listing in (("container", ["-aq"]), ("network", ["-q"]), ("volume", ["-q"])):
            ids = shell.run(["docker", kind, "ls", *listing, "--filter", label]).split()
            if ids:
                force = ["--force"] if kind == "container" else []
                shell.run(["docker", kind, "rm", *force, *ids])
        if not keep_images:
            images.down()
            shutil.rmtree(names.CACHE / "registry", ignore_errors=True)
    State().end()
    shell.say("down")


def main(argv: list[str]) -> None:
    """Read the command line."""
    if argv[:1] == ["up"]:
        up(argv[1:])
    elif argv[:1] == ["down"]:
        down("--keep-images" in argv)
    elif argv[:1] == ["host-up"] and len(argv) in (2, 3):
        (names.CACHE / f"{argv[1]}.json").write_text(json.dumps(hosts.up(*argv[1:])))
    elif argv[:1] == ["host-down"] and len(argv) == 2:
        hosts.down(argv[1])
    else:
        sys.exit(
            "usage: python3 tests/testbed up [everything] | down [--keep-images] | host-up NAME [IMAGE] | host-down NAME"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
