#!/usr/bin/python
# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_restore
short_description: Put a backup of a platform on a host
version_added: 0.1.0
description:
  - Verifies an archive of M(tidegate.platform.platform_backup) to the last byte, then puts its records, secrets,
    certificates, routes and images on this host. M(tidegate.platform.reconcile) then makes every live release run
    again, and the role C(postgres) restores the dump.
  - Images that a registry has are pulled by their digests, with what C(docker login) left on this host. Where one of a
    live release cannot be had, nothing is touched.
  - A platform that is there is refused, unless O(replace) is set. Its directory is then put aside, not removed.
  - Named volumes that are there are left as they are, also with O(replace); so are directories and shares behind
    volumes, unless they are empty. A warning says how the archive's data come in their place.
  - A run that is interrupted while it fills volumes leaves a note beside the state directory. Nothing is deployed on
    those volumes until another restore has filled them, which makes them anew unless somebody used them since.
  - Where its record is damaged, so that no backup can be made of it, what a running PostgreSQL of it has is put aside
    with it, as C(platform/postgres-before-restore.sql.gz).
  - A restore that is killed while it puts the directory in its place leaves a note, C(STATE_DIR.restoring). Until a
    restore ends, everything else is refused, so that nobody takes the host for an empty one.
author:
  - tidegate.platform contributors (@tidegate)
extends_documentation_fragment:
  - tidegate.platform.attributes
  - tidegate.platform.host
attributes:
  diff_mode:
    support: none
options:
  archive:
    description: The archive on this host.
    type: path
    required: true
  passphrase:
    description: What it was encrypted with.
    type: str
  replace:
    description: Remove the containers of the platform that is there, and put its state directory aside.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Restore
  tidegate.platform.platform_restore:
    archive: /var/backups/tidegate/tidegate-web1-20261121T230000Z.tar.gz

- name: Make it run
  tidegate.platform.reconcile:
"""

RETURN = r"""
releases:
  description: The live release of each workload, by the workload's key.
  returned: success
  type: dict
made_at:
  description: When the archive was made, in UTC.
  returned: success
  type: str
host:
  description: Of which host it is.
  returned: success
  type: str
postgres:
  description: Whether a dump of PostgreSQL waits for the role C(postgres) now.
  returned: success
  type: bool
pulled:
  description: Images of live and retained releases that this host did not have and a registry had.
  returned: success
  type: list
  elements: str
volumes:
  description: Volumes that are in the archive. Those that the host did not have were made, with what was in them.
  returned: success
  type: list
  elements: str
aside:
  description: Where the directory of the platform that was there is now; null if there was none.
  returned: success
  type: str
kind:
  description: The kind of failure, stable for use in conditions.
  returned: failure
  type: str
  sample: EngineFailure
remedy:
  description: What to do about it.
  returned: failure
  type: str
stats:
  description: What the run cost inside the module.
  returned: always
  type: dict
  contains:
    engine_requests:
      description: Requests sent to the Docker Engine.
      type: int
    seconds:
      description: Seconds from the begin of the run to its result, without loading Python modules.
      type: float
    sdk_seconds:
      description: Seconds that loading the Docker SDK took.
      type: float
    peak_memory:
      description: Bytes of memory that the module took at most.
      type: int
"""

from ..module_utils._core.options.argument_specs import RESTORE
from ..module_utils._core.stories.module import run
from ..module_utils._core.stories.restore import restore


def main() -> None:
    """Run the module."""
    run(RESTORE, restore)


if __name__ == "__main__":
    main()
