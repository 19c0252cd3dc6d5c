#!/usr/bin/python
# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_backup
short_description: Back up a host's platform into one verified archive
version_added: 0.1.0
description:
  - Writes everything that makes this host's platform into one archive - records, secrets, certificates, routes,
    definitions of Compose projects, images that were built here, what is in named volumes, and a dump of the server of
    the role C(postgres).
  - The record is copied as of one moment, whatever is deployed meanwhile. The archive is read again, and every file
    compared with what was read of it, before it gets its name.
  - Data in directories of the host that workloads mount, and in volumes without a name, are not part of it.
  - Of files in volumes it has owners, modes, times, links and file capabilities, as the engine copies them. Access
    lists (POSIX ACLs) and other extended attributes, such as C(user.*) of Samba, are not part of it, nor are sockets.
    Who needs them has them written into a file of the volume, such as by C(getfacl -R) and C(getfattr -dR).
author:
  - tidegate.platform contributors (@tidegate)
extends_documentation_fragment:
  - tidegate.platform.attributes
  - tidegate.platform.host
attributes:
  diff_mode:
    support: none
options:
  directory:
    description: Directory of archives on this host. It is made when it is missing.
    type: path
    default: /var/backups/tidegate
  name:
    description: Name of the archive without its ending; of host and time if omitted.
    type: str
  group:
    description: Group that may read the archive, whose mode is 0640.
    type: str
  passphrase:
    description: Encrypts the archive by C(openssl) (AES-256, key by PBKDF2). The same one restores it.
    type: str
  images:
    description:
      - Take in the images that no registry has, of live releases and of those that can be gone back to.
      - Others are pulled by their digests at a restore.
    type: bool
    default: true
  volumes:
    description:
      - Take in what is in the named volumes of all workloads, but for the roles of PostgreSQL, Loki and Alloy;
        also of those that have no container just now, and those that a teardown kept.
      - A volume that a live workload mounts and that is not there is warned of, and no older archive is removed then.
      - A PostgreSQL that is stopped cannot be dumped; its volume is in the archive instead, whatever is said here.
      - Who writes a volume stands still (C(docker pause)) while a workload's volumes are copied - the workload, and any
        other container that mounts one of them for writing -, so that they are as after a power
        cut, which databases come back from. What a program has only in its memory is not in them. It goes on as soon
        as they are copied, or the run ends, whatever ends it; see C(paused).
      - A container that crashes again and again, or is started meanwhile, does not stand still. It is warned of, and no
        older archive is removed then.
      - Each copy is compared by its names with what the volume has, where its files are to be seen on this host (not on
        a share that nobody has mounted just now); one that lacks something fails the backup.
      - A restore makes the volumes that its host does not have. One that is there is left as it is, with a warning.
      - So are data that lie elsewhere, in a directory or on a share behind a volume, unless nothing is there.
    type: bool
    default: true
  keep:
    description:
      - How many archives stay in the directory, this one included; older ones are removed once this one is read again,
        compared and on the disk. All stay if omitted.
      - Only archives of this host and state directory that nobody named by O(name) are counted and removed.
      - A host is told by its C(/etc/machine-id), too, as others may have its name. Archives of earlier versions,
        which do not say of which machine they are, stay until somebody removes them.
    type: int
  spare:
    description: Archives that stay whatever O(keep) says, such as one that is about to be restored.
    type: list
    elements: path
    default: []
"""

EXAMPLES = r"""
- name: Back up
  tidegate.platform.platform_backup:
    group: tidegate
    passphrase: "{{ vault_backup_passphrase }}"
"""

RETURN = r"""
archive:
  description: Path of the archive; a file with the ending C(.sha256) beside it has its checksum.
  returned: success
  type: str
sha256:
  description: Checksum of the archive; null in check mode.
  returned: success
  type: str
bytes:
  description: Size of the archive.
  returned: success
  type: int
files:
  description: How many files are in it.
  returned: success
  type: int
images:
  description: Names of the images in it.
  returned: success
  type: list
  elements: str
postgres:
  description: Whether a dump of PostgreSQL is in it.
  returned: success
  type: bool
paused:
  description: The containers that stood still while their volumes were copied.
  returned: success
  type: list
  elements: dict
  contains:
    container:
      description: Its name.
      type: str
    seconds:
      description: For how long.
      type: float
removed:
  description: Archives that were removed because newer ones are enough.
  returned: success
  type: list
  elements: str
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

from ..module_utils._core.options.argument_specs import BACKUP
from ..module_utils._core.stories.backup import backup
from ..module_utils._core.stories.module import run


def main() -> None:
    """Run the module."""
    run(BACKUP, backup)


if __name__ == "__main__":
    main()
