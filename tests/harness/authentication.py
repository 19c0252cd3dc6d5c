"""A middleware that asks somebody else about every request, and is answered slowly."""

from __future__ import annotations

import contextlib
import json
import os
import time
import typing as t

import names

from .platforms import Options, Platform, docker


@contextlib.contextmanager
def authentication(platform: Platform, *seconds: float) -> t.Iterator[str]:
    """A chain of middlewares that each ask somebody who takes his time."""
    name = f"auth{os.urandom(3).hex()}"
    docker("run", "-d", "--name", name, "--network", platform.network, "--label", f"{names.LABEL}=1",
           "-e", "PORT=8123", names.image("app"))  # fmt: skip
    rows: Options = {
        f"{name}-{number}": {"forwardAuth": {"address": f"http://{name}:8123/slow?seconds={one}"}}
        for number, one in enumerate(seconds)
    }
    rows[name] = {"chain": {"middlewares": list(rows)}}
    path = platform.state / "routes" / f"{name}.yml"
    path.write_text(json.dumps({"http": {"middlewares": rows}}))
    try:
        until = time.monotonic() + 10
        while platform.get("localhost", f"/api/http/middlewares/{name}@file", port=platform.ports.api)[0] != 200:
            assert time.monotonic() < until
            time.sleep(0.05)
        yield f"{name}@file"
    finally:
        path.unlink()
        docker("rm", "-f", name)
