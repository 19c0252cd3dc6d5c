# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller does for a module of texts: it knows where they were written. Private to tidegate.platform."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action.normal import ActionModule
from ansible_collections.tidegate.platform.plugins.plugin_utils._meant import unclear


class TextAction(ActionModule):
    """The module of the same name, after a look at what it is given."""

    SPEC: t.ClassVar[dict[str, t.Any]] = {}

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the module, unless a text is not what was written."""
        wrong = unclear(self.SPEC, self._task.args)
        if wrong:
            raise AnsibleActionFail(wrong)
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        return result
