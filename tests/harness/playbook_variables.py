"""What playbooks read from outside: their variables, found by walking through every template."""

from __future__ import annotations

import typing as t
from pathlib import Path

import yaml
from jinja2 import Environment, nodes

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
FILES = sorted([*(p for p in PLAYBOOKS.rglob("*.yml") if p.name != "components.yml"), *PLAYBOOKS.rglob("*.j2")])
# What Ansible itself knows, and what a document of data or a loop gives a name to.
MAGIC = {"ansible_check_mode", "ansible_play_batch", "ansible_play_hosts", "ansible_play_hosts_all", "group_names"}
MAGIC |= {
    "ansible_failed_result",
    "ansible_limit",
    "ansible_version",
    "ansible_playbook_python",
    "hostvars",
    "inventory_hostname",
    "groups",
    "item",
    "omit",
    "now",
    "lookup",
    "query",
    "dict",
    "tidegate_awx",
}
BARE = {"that", "when", "until", "failed_when", "changed_when"}


def expressions(node: t.Any, key: str = "") -> t.Iterator[str]:
    """Every template of a document, as Jinja reads it."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from expressions(value, str(name))
    elif isinstance(node, list):
        for value in node:
            yield from expressions(value, key)
    elif isinstance(node, str):
        yield "{{ " + node + " }}" if key in BARE else node


def named_inside(node: t.Any) -> t.Iterator[str]:
    """Names that the playbooks give: facts, results, variables of tasks and loops."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("register", "loop_var"):
                yield value
            elif key in ("vars", "ansible.builtin.set_fact") and isinstance(value, dict):
                yield from value
            yield from named_inside(value)
    elif isinstance(node, list):
        for value in node:
            yield from named_inside(value)


def templates(path: Path) -> list[str]:
    """The templates of a file."""
    return [path.read_text()] if path.suffix == ".j2" else list(expressions(yaml.safe_load(path.read_text())))


def environment() -> Environment:
    """Jinja with the names of our filters and tests, which only have to be parsed."""
    return Environment(autoescape=True)


INSIDE = MAGIC | {
    "tidegate_components",
    "tidegate_plan",
    "tidegate_asked_environment",
    "tidegate_place",
    "tidegate_beside",
    "tidegate_hosts_meant",
    "tidegate_hosts_said",
    "tidegate_hosts_first",
    "tidegate_hosts_rest",
}
ASK = {f"tidegate.platform.{name}" for name in ("given", "listed", "aimed", "canary")}
for one in FILES:
    if one.suffix == ".yml":
        INSIDE |= set(named_inside(yaml.safe_load(one.read_text())))


def bare(tree: nodes.Node, free: set[str]) -> t.Iterator[str]:
    """Variables from outside that are read without asking whether they are empty."""
    if isinstance(tree, nodes.Filter) and tree.name in ASK:
        inner = tree.node
        if isinstance(inner, nodes.Filter) and inner.name == "default":
            for argument in [*inner.args, *tree.args]:
                yield from bare(argument, free)
            return
    if isinstance(tree, nodes.Name) and tree.name in free:
        yield tree.name
    for child in tree.iter_child_nodes():
        yield from bare(child, free)


def outside(path: Path) -> dict[str, bool]:
    """The variables from outside that a file reads, and whether each is asked for emptiness in it."""
    found: dict[str, bool] = {}
    for text in templates(path):
        tree = environment().parse(text)
        names = {n.name for n in tree.find_all(nodes.Name) if n.ctx == "load"}
        own = {n.name for n in tree.find_all(nodes.Name) if n.ctx == "store"}
        free = names - own - INSIDE
        unasked = set(bare(tree, free))
        for name in free:
            found[name] = found.get(name, False) or name not in unasked
    return found
