# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The boundary: the only file that knows AnsibleModule."""

from __future__ import annotations

import resource
import time

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ..engine import client
from ..options.argument_specs import given
from ..options.checks import Spec
from ..options.masks import LEAST_MASKED, masked, secret_values
from ..values.redaction import Redactor
from .call import Call
from .result import Story, told


def run(spec: Spec, story: Story, *, needs_sdk: bool = True) -> None:
    """Parse, tell the story (or in check mode foretell it), report.

    :param needs_sdk: it is refused where the Docker SDK is missing.
    """
    begun = time.monotonic()
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    module.no_log_values = {value for value in module.no_log_values if len(value) >= LEAST_MASKED}
    if needs_sdk and client.IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("docker"), exception=client.IMPORT_ERROR)
    call = Call(given(spec, module.params), module.check_mode, module._diff)
    document = told(story, call, Redactor(secret_values(module.params, spec)))
    for text in call.warnings:
        module.warn(text)
    document["invocation"] = {"module_args": masked(module.params, spec)}
    document["stats"] = {
        "engine_requests": call.engine_requests,
        "seconds": round(time.monotonic() - begun, 4),
        "sdk_seconds": round(client.IMPORT_SECONDS, 4),
        "peak_memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    if document.get("failed"):
        module.fail_json(**document)
    module.exit_json(**document)
