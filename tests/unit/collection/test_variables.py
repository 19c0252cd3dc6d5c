"""What the world hands in is text: each boolean, number, list and mapping of a role is what was meant, wherever it comes from."""

from __future__ import annotations

import base64
import importlib
import time
import typing as t
from pathlib import Path

import jinja2
import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from jinja2 import nodes

ROOT = Path(__file__).resolve().parents[3]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
# Of this collection; none is looked for where these texts are rendered.
FILTERS = {
    f"tidegate.platform.{name}": function
    for path in sorted((ROOT / "plugins" / "filter").glob("*.py"))
    for name, function in importlib.import_module(f"ansible_collections.tidegate.platform.plugins.filter.{path.stem}")
    .FilterModule()
    .filters()
    .items()
}
# What makes a value of text: the habit of all roles.
MAKES = {"bool": {"bool"}, "int": {"int"}}


class Use(t.NamedTuple):
    """Where a variable, or a suboption of one, is taken as it is."""

    place: str
    name: str
    text: str


def options(spec: dict[str, t.Any], types: t.Collection[str], prefix: str = "") -> dict[str, str]:
    """Every option and suboption of these types, by name; a suboption's name begins with a dot."""
    found = {}
    for name, option in spec.items():
        if option["type"] in types:
            found[f"{prefix}{name}"] = option["type"]
        found |= options(option.get("options", {}), types, ".")
    return found


def spec_of(role: str) -> dict[str, t.Any]:
    """A role's options."""
    document = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())
    found: dict[str, t.Any] = document["argument_specs"]["main"]["options"]
    return found


def texts(role: str) -> t.Iterator[tuple[str, str]]:
    """Every text of a role that may be an expression: of tasks, variables and templates, bare conditions as expressions."""
    for part in ("tasks", "vars", "handlers", "templates"):
        for path in sorted((ROOT / "roles" / role / part).glob("*")):
            place = str(path.relative_to(ROOT))
            if part == "templates":
                yield place, path.read_text()
            else:
                yield from ((place, text) for text in _strings(yaml.safe_load(path.read_text()), ""))


BARE = ("when", "until", "failed_when", "changed_when", "that")


def _strings(document: t.Any, key: str) -> t.Iterator[str]:
    if isinstance(document, dict):
        for name, value in document.items():
            yield from _strings(value, str(name))
    elif isinstance(document, list):
        for item in document:
            yield from _strings(item, key)
    elif isinstance(document, str) and key not in ("fail_msg", "msg"):  # which say what was given
        yield f"{{{{ {document} }}}}" if key in BARE and "{{" not in document and "{%" not in document else document


def bare(place: str, text: str, wanted: dict[str, str]) -> list[Use]:
    """Uses of these variables that no filter makes of their type first."""
    found: list[Use] = []

    def visit(node: nodes.Node, made: frozenset[str]) -> None:
        if isinstance(node, nodes.Filter) and node.node is not None:
            own = {node.name} if node.name in ("bool", "int") else made if node.name == "default" else frozenset[str]()
            visit(node.node, frozenset(own))
            for other in (*node.args, *node.kwargs):
                visit(other, frozenset())
            return
        name = node.name if isinstance(node, nodes.Name) else None
        if isinstance(node, nodes.Getattr):
            name = f".{node.attr}"
        elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
            name = f".{node.arg.value}"
        if name in wanted and not MAKES[wanted[name]] & made:
            found.append(Use(place, name, text.strip()[:120]))
        for child in node.iter_child_nodes():
            visit(child, frozenset())

    visit(jinja2.Environment().parse(text), frozenset())
    return found


@pytest.mark.parametrize("role", ROLES)
def test_booleans_and_numbers_are_made_of_text_where_they_are_used(role: str) -> None:
    """D1: `-e x=false`, an INI inventory and a survey hand in text, which is true, and no number."""
    wanted = options(spec_of(role), ("bool", "int"))
    found = [use for place, text in texts(role) for use in bare(place, text, wanted)]
    assert found == []


def trusted(value: t.Any) -> t.Any:
    """The same, its texts as templates."""
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [trusted(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) else value


def touched(sources: dict[str, t.Any], given: t.Collection[str]) -> dict[str, t.Any]:
    """Those of the sources in whose text one of the names is, or the name of one that is touched."""
    written = {name: repr(source) for name, source in sources.items()}
    names, fresh = set(given), set(given)
    while fresh:
        fresh = {name for name, text in written.items() if name not in names and any(one in text for one in fresh)}
        names |= fresh
    return {name: source for name, source in sources.items() if name in names}


def rendered(role: str, given: dict[str, t.Any]) -> dict[str, t.Any]:
    """What the role makes of variables, and of its templates that they reach, without what only a host knows."""
    folder = ROOT / "roles" / role
    variables: dict[str, t.Any] = {"inventory_hostname": "host", "role_path": str(folder)}
    for name in ("defaults", "vars"):
        path = folder / name / "main.yml"
        variables |= yaml.safe_load(path.read_text()) if path.exists() else {}
    variables = trusted({**variables, **given})
    found = {}
    sources = {**variables, **{p.name: trust_as_template(p.read_text()) for p in folder.glob("templates/*.j2")}}
    templar = Templar(loader=DataLoader(), variables=variables)
    templar.environment.filters.update(FILTERS)
    for name, source in touched(sources, given).items():
        try:
            found[name] = templar.template(source)
        except AnsibleError:
            continue
    return {name: value for name, value in found.items() if name not in given}


SPELLED: dict[str, list[tuple[t.Any, str]]] = {"bool": [(True, "yes"), (False, "false")], "int": [(7, "7")]}


@pytest.mark.parametrize("role", ROLES)
def test_a_value_as_text_is_the_value(role: str) -> None:
    """D1: whatever a role makes of a boolean or a number, it makes of its text, too, for each option and each spelling."""
    for name, kind in options(spec_of(role), ("bool", "int")).items():
        for value, text in [] if name.startswith(".") else SPELLED[kind]:
            meant = rendered(role, {name: value})
            assert (name, text, rendered(role, {name: text})) == (name, text, meant)


def test_what_a_variable_reaches_is_rendered() -> None:
    """The look above can fail: a variable is seen through another one in a template; others are left out."""
    sources = {"a": "{{ x }}", "page.j2": "{% if a %}1{% endif %}", "other": "{{ y }}"}
    assert set(touched(sources, ["x"])) == {"a", "page.j2"}
    assert "entry.conf.j2" in rendered("traefik", {"traefik_http_port": 81})


@pytest.mark.parametrize(
    ("unit", "first", "others", "shared"),
    [
        pytest.param("", "", False, False, id="none"),
        pytest.param("/srv/mine", "", False, False, id="its own"),
        pytest.param("/srv//mine/", "/var/lib/tidegate", False, False, id="its own, however it is written"),
        pytest.param("/srv/theirs", "", True, False, id="another platform's"),
        pytest.param("", "/srv/mine", False, True, id="its own, under the first platform's name"),
    ],
)
def test_units_are_those_of_the_platform_that_they_name(unit: str, first: str, others: bool, shared: bool) -> None:
    """A reconciliation of one platform by the units of another would repair what nobody declared."""

    def there(state_dir: str) -> dict[str, str]:
        text = f"ExecStart=python3 x --state-dir={state_dir} --routes-dir=y\n"
        return {"content": base64.b64encode(text.encode()).decode()} if state_dir else {"msg": "there is none"}

    given = {"reconcile_state_dir": "/srv/mine", "reconcile_there": {"results": [there(unit), there(first)]}}
    made = rendered("reconcile", given)
    assert (made["reconcile_others"], made["reconcile_shared"]) == (others, shared)


def test_a_bare_use_is_seen() -> None:
    """The look itself can fail: as a condition, in a sum, behind a default, in a list of names."""
    wanted = {"x": "bool", "n": "int", ".deep": "bool"}
    for text in (
        "{{ 'a' if x else 'b' }}",
        "{{ n + 1 }}",
        "{{ x | default(false) }}",
        "{{ y.deep }}",
        "{{ [n] | max }}",
    ):
        assert len(bare("", text, wanted)) == 1, text
    for text in ("{{ 'a' if x | bool else 'b' }}", "{{ n | int + 1 }}", "{{ y['deep'] | default(false) | bool }}"):
        assert bare("", text, wanted) == [], text


KEYWORDS = ("become", "no_log", "max_fail_percentage", "keep_days")  # Ansible, or a module, makes these of text


def loose(text: str) -> list[str]:
    """Booleans of a playbook whose text would count as it is."""
    made: set[int] = set()
    found = []
    for node in jinja2.Environment().parse(text).find_all(nodes.Filter):
        if node.name == "bool" and node.node is not None:
            made.add(id(node.node))
        elif node.name == "tidegate.platform.given" and node.args and id(node) not in made:
            constant = node.args[0].value if isinstance(node.args[0], nodes.Const) else None
            found += [text] if isinstance(constant, bool) else []
    return found


def keyed(document: t.Any, key: str = "") -> t.Iterator[tuple[str, str]]:
    """Every text of a document, with the key that it stands at."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield from keyed(value, str(name))
    elif isinstance(document, list):
        for item in document:
            yield from keyed(item, key)
    elif isinstance(document, str):
        yield key, f"{{{{ {document} }}}}" if key in BARE and "{{" not in document else document


@pytest.mark.parametrize("path", sorted((ROOT / "playbooks").rglob("*.yml")), ids=lambda path: path.name)
def test_booleans_of_playbooks_are_made_of_text(path: Path) -> None:
    """D1: `-e remove_data=false` and a survey's "false" are text."""
    texts = [text for key, text in keyed(yaml.safe_load(path.read_text())) if key not in KEYWORDS]
    assert [found for text in texts for found in loose(text)] == []


def test_what_surveys_ask_as_a_boolean_or_number_is_known() -> None:
    """D1: each is read by a playbook, which the test above walks."""
    questions = yaml.safe_load((ROOT / "playbooks" / "vars" / "awx.yml").read_text())["tidegate_awx"]["questions"]
    asked = {name for name, row in questions.items() if row.get("choices") == ["false", "true"]}
    assert asked
    read = "".join(path.read_text() for path in (ROOT / "playbooks").glob("*.yml"))
    assert [name for name in asked if f"{name} | default('') | tidegate.platform.given(false) | bool" not in read] == []


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "UTC", "Asia/Tokyo"])
def test_a_copy_of_a_fetch_that_is_under_way_is_left_wherever_the_controller_is(
    monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    """West of Greenwich it was taken for one of yesterday hours too early: UTC was read as local time."""
    tasks = yaml.safe_load((ROOT / "playbooks" / "tasks" / "fetch.yml").read_text())
    (old,) = (row["vars"]["tidegate_old_left"] for row in tasks if "tidegate_old_left" in row.get("vars", {}))
    day, moment = 86400, time.time()
    found = {name: {"path": name, "mtime": moment - age} for name, age in (("new", day - 60), ("old", day + 60))}
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        given = {"tidegate_left": {"files": list(found.values())}, "tidegate_own_left": []}
        assert Templar(loader=DataLoader(), variables=given).template(trust_as_template(old)) == ["old"]
    finally:
        monkeypatch.undo()
        time.tzset()
