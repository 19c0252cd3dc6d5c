# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts a playbook is aimed at: a name that names nothing is refused, before anything is touched."""

from __future__ import annotations

import difflib
import re
import typing as t

from ansible import constants
from ansible.errors import AnsibleError, AnsibleFilterError
from ansible.inventory.manager import InventoryManager, split_host_pattern
from ansible.parsing.dataloader import DataLoader
from ansible_collections.tidegate.platform.plugins.filter.asked import listed

Groups = t.Mapping[str, t.Sequence[str]]
NOBODY = "all:!all"
SHOWN = 10


def aimed(value: t.Any, groups: Groups, limit: t.Any = None, destroys: bool = False) -> str:
    """The pattern of the hosts that are meant, its parts with commas between.

    :param value: hosts, groups and patterns; a blank one is for all hosts.
    :param groups: the inventory's hosts by group.
    :param limit: what `--limit` says; `None` without one.
    :param destroys: whether a blank value or limit is refused, because a variable that is empty would mean every host.
    """
    terms = _terms(value)
    if destroys and not terms:
        raise AnsibleFilterError("tidegate_hosts is empty. Say whom it is about, or all with -e tidegate_hosts=all.")
    if destroys and limit is not None and not _terms(limit):
        raise AnsibleFilterError("--limit is empty. Say whom it is about, or all with --limit all.")
    if _nobody(groups):
        return ",".join(terms or ["all"])
    _known("tidegate_hosts", terms, groups)
    within = [term for term in _terms(limit) if not term.startswith("@")]
    _known("--limit", within, groups)
    if (terms or limit) and not _hosts(terms or ["all"], groups, limit):
        both = f"tidegate_hosts={','.join(terms) or 'all'}" + (f" within --limit {limit}" if limit else "")
        raise AnsibleFilterError(f"{both} names no host, and nothing would be done. Correct it.")
    return ",".join(terms or ["all"])


def canary(value: t.Any, meant: str, groups: Groups, limit: t.Any = None) -> str:
    """The pattern of the canary's hosts, which are some of those that are meant; of nobody without one.

    :param meant: a pattern as `aimed` gives it.
    """
    terms = _terms(value)
    if not terms or _nobody(groups):
        return NOBODY
    _known("tidegate_canary", terms, groups)
    within = _hosts(_terms(meant), groups, limit)
    found = _hosts(terms, groups)
    beside = [host for host in found if host not in within]
    if beside or not found:
        whom = f"{', '.join(beside)}, which is not meant" if beside else "no host"
        raise AnsibleFilterError(
            f"tidegate_canary={','.join(terms)} names {whom}. Meant are {_some(within)}. Name a canary of these."
        )
    return ",".join(found)


def without(meant: str, canaries: str) -> str:
    """The pattern of those that are meant beside the canary.

    :param canaries: a pattern as `canary` gives it.
    """
    return ",".join([meant, *(f"!{host}" for host in _terms(canaries) if canaries != NOBODY)])


def takes(value: t.Any, host: str, groups: Groups) -> bool:
    """Whether a host is in one of the groups that a declaration names; `all` is every host of the inventory.

    :param groups: the inventory's hosts by group, in which a `localhost` that nobody named is not.
    """
    return any(host in groups.get(name, ()) for name in listed(value))


def nearest(names: t.Sequence[str], known: t.Iterable[str]) -> str:
    """What may have been meant by names that name nothing, as a sentence."""
    there = sorted(set(known))
    close = [near for name in names for near in difflib.get_close_matches(name, there, n=3, cutoff=0.5)]
    if close:
        return f"Did you mean {_some(list(dict.fromkeys(close)))}?"
    return f"There are {_some(there)}." if there else "There are none."


def _some(names: t.Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "") or "none"


def _terms(value: t.Any) -> list[str]:
    """The parts of a pattern; commas and colons may be mixed, other than in Ansible's own."""
    rows = value if isinstance(value, (list, tuple)) else [value]
    texts = [part for row in rows if row is not None for part in str(row).split(",")]
    return [term for text in texts for term in split_host_pattern(text)]


def _nobody(groups: Groups) -> bool:
    """Whether there is no inventory, as in syntax checks: Ansible says so, and nobody could be touched."""
    return not any(groups.values())


def _known(variable: str, terms: t.Sequence[str], groups: Groups) -> None:
    """Refuse parts that name neither a host nor a group, nor match one."""
    names = {*groups, *(host for hosts in groups.values() for host in hosts)}
    strangers = [bare for bare in (term.lstrip("!&") for term in terms) if not _named(bare, names, groups)]
    if strangers:
        raise AnsibleFilterError(
            f"{variable} names {', '.join(strangers)}, and no host or group of the inventory is called so. "
            f"{nearest(strangers, names - {'all', 'ungrouped'})} Nothing was touched."
        )


def _named(term: str, names: t.Collection[str], groups: Groups) -> bool:
    if term in names or term in constants.LOCALHOST:
        return True
    return bool(re.search(r"[*?\[~]", term)) and bool(_hosts([term], groups))


def _hosts(terms: t.Sequence[str], groups: Groups, limit: t.Any = None) -> list[str]:
    """The hosts of a pattern, as Ansible reads it."""
    manager = InventoryManager(DataLoader(), parse=False)
    for group, hosts in groups.items():
        manager.add_group(group)
        for host in hosts:
            manager.add_host(host, group=group)
    try:
        manager.subset(str(limit) if limit else None)
        return [host.name for host in manager.get_hosts(pattern=list(terms))]
    except AnsibleError as error:
        raise AnsibleFilterError(f"{','.join(terms)} cannot be read as hosts: {error}") from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """By name."""
        return {"aimed": aimed, "canary": canary, "without": without, "nearest": nearest, "takes": takes}
