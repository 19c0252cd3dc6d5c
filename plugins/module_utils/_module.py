# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The boundary: the only file that knows AnsibleModule, and the only `except`. Private to tidegate.platform."""

from __future__ import annotations

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from . import _engine
from ._clock import Clock
from ._converge import Outcome, converge, new_world, open_platform, preview
from ._errors import Canceled, TidegateError
from ._model import Release
from ._parse import parse
from ._secrets import Redactor, Secrets
from ._spec import Spec
from ._world import World


def run(spec: Spec) -> None:
    """Parse, converge (or preview in check mode), report."""
    begun = time.monotonic()
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    if _engine.IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("docker"), exception=_engine.IMPORT_ERROR)
    clock, secrets = Clock(), Secrets(module.params["state_dir"])
    world: World | None = None
    try:
        want = parse(module.params, secrets.version)
        on = open_platform(module.params, secrets, clock)
        if module.check_mode:
            outcome = preview(want, on)
        else:
            world = new_world(want, on)
            world.interrupts.install()
            outcome = converge(want, world)
    except TidegateError as error:
        _warn(module, world)
        module.fail_json(**_failure(error, world, _redactor(module.params)))
    _warn(module, world)
    stats = {
        "engine_requests": on.engine.requests,
        "seconds": round(time.monotonic() - begun, 4),
        "sdk_seconds": round(_engine.IMPORT_SECONDS, 4),
    }
    module.exit_json(**_success(outcome, module._diff), stats=stats)


def _warn(module: AnsibleModule, world: World | None) -> None:
    for text in world.warnings if world else ():
        module.warn(_redactor(module.params)(text))


def _redactor(params: t.Mapping[str, t.Any]) -> Redactor:
    return Redactor([*(s["value"] for s in params["secrets"]), params["registry_password"] or ""])


def _success(outcome: Outcome, with_diff: bool) -> dict[str, t.Any]:
    result: dict[str, t.Any] = {
        "changed": outcome.changed,
        "reason": outcome.reason,
        "steps": outcome.steps,
        "deployment": outcome.deployment,
        "release": _release(outcome.live),
        "previous": _release(outcome.previous),
        "connections": outcome.cut,
    }
    if with_diff:
        result["diff"] = {"before": outcome.before, "after": outcome.after}
    return result


def _failure(error: TidegateError, world: World | None, redact: Redactor) -> dict[str, t.Any]:
    deployment = None
    if world is not None and world.recorded:
        conclusion = "canceled" if isinstance(error, Canceled) else "failed"
        deployment = {"id": world.deployment, "status": "completed", "conclusion": conclusion}
    return {
        "msg": redact(str(error)),
        "step": error.step,
        "kind": type(error).__name__,
        "remedy": error.remedy,
        "logs": redact(error.logs).splitlines(),
        "steps": [{**row, "detail": redact(row["detail"])} for row in world.steps] if world else [],
        "deployment": deployment,
        "changed": False,
    }


def _release(release: Release | None) -> dict[str, t.Any] | None:
    if release is None:
        return None
    return {
        "id": release.id,
        "image": release.image,
        "image_id": release.image_id,
        "containers": list(release.containers),
        "state": release.state,
    }
