# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of BuildKit, where the host has it. Pure.

The SDK has no call for it; secrets of a build exist nowhere else (https://docs.docker.com/build/building/secrets/).
A client of version 23 or newer hands `docker build` to its plugin buildx; older ones have it built in.
"""

from __future__ import annotations

import os
import typing as t

from ..values.recipe import Recipe

# The builder of the engine itself, whatever builder the user of this host has chosen: its images are the engine's.
ENVIRONMENT = {"DOCKER_BUILDKIT": "1", "BUILDX_BUILDER": "default"}


def command(
    recipe: Recipe, root: str, reference: str, labels: t.Mapping[str, str], secrets: t.Mapping[str, str]
) -> list[str]:
    """Arguments of `docker build`, to be run with `ENVIRONMENT`.

    :param secrets: names of secrets, and the files that hold their values.
    """
    argv = ["docker", "build", "--progress=plain", f"--tag={reference}"]
    argv.append(f"--file={os.path.join(root, recipe.dockerfile)}")
    argv += [f"--build-arg={key}={value}" for key, value in recipe.args]
    argv += [f"--label={key}={value}" for key, value in sorted(labels.items())]
    argv += [f"--secret=id={name},src={path}" for name, path in sorted(secrets.items())]
    argv += [f"--cache-from={name}" for name in recipe.cache_from]
    for option, value in (("target", recipe.target), ("platform", recipe.platform), ("network", recipe.network)):
        argv += [f"--{option}={value}"] if value else []
    return [*argv, "--", root]
