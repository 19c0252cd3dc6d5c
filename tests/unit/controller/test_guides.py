"""Examples of the guides are real: modules, options, roles' variables, workload files, playbooks and what they are given with `-e`."""

from __future__ import annotations

import json
import re
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.tidegate.platform.plugins.filter.selection import selection
from ansible_collections.tidegate.platform.plugins.module_utils._core.options import argument_specs
from ansible_collections.tidegate.platform.plugins.plugin_utils._workload_files import Reader

ROOT = Path(__file__).resolve().parents[3]
OURS = "tidegate.platform."
Spec = t.Dict[str, t.Any]
# A block of somebody else's begins with the name of its file.
FOREIGN = re.compile(r"# (compose\.yaml|config/deploy\.yml|execution-environment\.yml)\n")
FENCE = re.compile(r"^( *)```(yaml|sh)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
VAULT = re.compile(r"lookup\('community\.(?:hashi_vault\.vault_kv2_get|sops\.sops)'.*?\)(?=\.secret| \| from_yaml)")
RUN = re.compile(r"ansible-playbook tidegate\.platform\.(\w+)")
GIVEN = re.compile(r"-e '?\{?\"?(\w+)\"?[=:]")
# What a play or a task may say beside its module; ansible-lint knows the rest.
WORDS = {"name", "register", "when", "changed_when", "become", "vars", "loop", "no_log"}
SOURCES = {f"workload_{kind}": kind for kind in argument_specs.SOURCES}


def text_of(place: str) -> str:
    """All that is in the YAML files of some folders."""
    return "".join(path.read_text() for path in ROOT.glob(place))


PLAYBOOKS = {path.stem: path.read_text() for path in (ROOT / "playbooks").glob("*.yml")}
KNOWN = set(re.findall(r"\w+", text_of("playbooks/**/*.yml") + text_of("roles/*/meta/argument_specs.yml")))
ROLES: dict[str, Spec] = {
    path.parents[1].name: yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"]
    for path in ROOT.glob("roles/*/meta/argument_specs.yml")
}
OF_ROLES = {name: option for options in ROLES.values() for name, option in options.items()}


class Block(t.NamedTuple):
    """A fenced block of a page."""

    page: str
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        """Where it is, for people."""
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, without what a list around them indents."""
    text = page.read_text()
    return [
        Block(
            str(page.relative_to(ROOT)),
            text[: match.start()].count("\n") + 1,
            match[2],
            re.sub(f"^{match[1]}", "", match[3], flags=re.MULTILINE),
        )
        for match in FENCE.finditer(text)
    ]


BLOCKS = [block for page in sorted((ROOT / "docs").rglob("*.md")) for block in blocks(page)]
SHELL = [block for block in BLOCKS if block.kind == "sh"]
YAML = [block for block in BLOCKS if block.kind == "yaml" and not FOREIGN.match(block.text)]


class Checked:
    """What is wrong with one document, told with its templates filled in."""

    def __init__(self, text: str, folder: Path) -> None:
        self.folder, self.problems = folder, list[str]()
        (folder / "block.yml").write_text(VAULT.sub("{'secret': {}}", text))
        loader = DataLoader()
        document = loader.load_from_file(str(folder / "block.yml"), cache="none", trusted_as_template=True)
        own = variables(document)
        unsaid = set(re.findall(r"(?:\{\{|~)\s*(\w+)", text)) - {*own, "lookup", "inventory_dir"}
        self.used = {name for name in own if re.search(rf"\b{name}\b(?!:)", text)}
        self.templar = Templar(loader=loader, variables={**dict.fromkeys(unsaid, "said-elsewhere"), **own})
        self._document(document)

    def _document(self, document: t.Any) -> None:
        if isinstance(document, list) and all("hosts" in entry for entry in document):
            for play in document:
                self._play(play)
        elif isinstance(document, list):
            self._tasks(document)
        elif "all" in document:
            self._variables(document["all"]["vars"])
        elif {"name", "environments"} & set(document):
            self._workloads([document])
        else:
            self._variables(document)

    def _play(self, play: Spec) -> None:
        self._variables(play.get("vars", {}))
        for role in play.get("roles", ()):
            self._role(role["role"].removeprefix(OURS), role.get("vars", {}))
        self._tasks([*play.get("pre_tasks", ()), *play.get("tasks", ())])

    def _tasks(self, tasks: t.Iterable[Spec]) -> None:
        for task in tasks:
            (module,) = set(task) - WORDS
            self._module(module, self.templar.template(task[module]) or {})

    def _module(self, module: str, options: Spec) -> None:
        """Of this collection: names, types, choices, contradictions. Of Ansible: names. Of others nothing is here to ask."""
        name = module.removeprefix(OURS)
        if module.startswith("ansible.builtin."):
            self._names(module, options, builtin(module))
        elif name == "workloads":
            self._spec(module, argument_specs.WORKLOADS, options)
            self._workloads(options["workloads"])
        elif name in SOURCES:
            self._spec(module, getattr(argument_specs, name.upper()), options)
            host = {*argument_specs.HOST, *argument_specs.PROGRESS, "force"}
            own = {key: value for key, value in options.items() if key not in host}
            self._workloads([{"type": SOURCES[name], **own}])
        elif module.startswith(OURS):
            spec = re.sub("^(workload|platform)_", "", name).upper()
            self._spec(module, getattr(argument_specs, spec, {}), options)
        elif module != "community.docker.docker_container":
            self.problems.append(f"{module} is no module that is known here")

    def _names(self, what: str, given: t.Iterable[str], known: t.Container[str]) -> None:
        self.problems += [f"{what} has no option {name}" for name in given if name not in known]

    def _spec(self, what: str, spec: Spec, given: Spec) -> None:
        self.problems += [
            f"{what}: {message}" for message in ArgumentSpecValidator(spec).validate(given).error_messages
        ]

    def _role(self, role: str, given: Spec) -> None:
        given = self.templar.template(given)
        spec = {name: option for name, option in ROLES[role].items() if name in given}
        self._spec(f"role {role}", spec, given)

    def _variables(self, given: Spec) -> None:
        """Variables of roles and playbooks, and those of one's own that something uses."""
        roles = {name: self.templar.template(value) for name, value in given.items() if name in OF_ROLES}
        self._spec("role", {name: OF_ROLES[name] for name in roles}, roles)
        if "workloads" in given:
            chosen = selection(self.templar.template(given["workloads"]), "host", {"all": ["host"]}, names=[])
            self.problems += [chosen["problem"]] if chosen["problem"] else []
            self._workloads(chosen["arguments"].values())
        ours = re.compile("^(tidegate_|" + "|".join(f"{role}_" for role in ROLES) + ")")
        for name in given:
            free = name.startswith(("ansible_", "vault_")) or (name in self.used and not ours.match(name))
            if name not in KNOWN and not free:
                self.problems.append(f"nothing reads the variable {name}")

    def _workloads(self, declared: t.Iterable[Spec]) -> None:
        """Everything that workload files are checked for: schema, options, contradictions, routes that two claim."""
        loader = DataLoader()
        reader = Reader(loader, Templar(loader=loader, variables={}), "")
        for number, workload in enumerate(declared):
            file = self.folder / f"workload-{number}.yml"
            file.write_text(json.dumps(self.templar.template(workload)))
            reader.read(str(file))
        self.problems += reader.problems


def variables(document: t.Any) -> Spec:
    """Variables that a document sets."""
    if isinstance(document, dict):
        return document["all"]["vars"] if "all" in document else document
    return {name: value for entry in document for name, value in entry.get("vars", {}).items()}


def builtin(module: str) -> set[str]:
    """Options of a module of ansible-core."""
    done = subprocess.run(["ansible-doc", "-j", module], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout)[module]["doc"]["options"])


@pytest.mark.parametrize("block", YAML, ids=str)
def test_an_example_is_real(block: Block, tmp_path: Path) -> None:
    assert Checked(block.text, tmp_path).problems == []


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_commands_name_playbooks_and_what_they_read(block: Block) -> None:
    for line in block.text.splitlines():
        run = RUN.search(line)
        if run:
            assert run[1] in PLAYBOOKS, line
            assert [name for name in GIVEN.findall(line) if name not in KNOWN] == [], line


WRONG = {
    "an option": ("- tidegate.platform.workload_image: {name: a, image: 'a:1', imagee: x}", "imagee"),
    "an option below": (
        "- tidegate.platform.workload_image: {name: a, image: 'a:1', health: {pathh: /}}",
        "pathh",
    ),
    "a type": ("- tidegate.platform.workload_image: {name: a, image: 'a:1', port: eighty}", "eighty"),
    "a contradiction": (
        "- tidegate.platform.workload_image: {name: a, image: 'a:1', routes: [{host: a.test}]}",
        "port",
    ),
    "a module": ("- tidegate.platform.workload_imagee: {name: a}", "workload_imagee"),
    "a choice": ("- tidegate.platform.workload_control: {name: a, state: gone}", "gone"),
    "of Ansible": ("- ansible.builtin.debug: {message: x}", "message"),
    "a role's": ("traefik_http_portt: 80", "traefik_http_portt"),
    "a role's type": ("traefik_http_port: eighty", "eighty"),
    "a role's suboption": ("traefik_resolvers: [{name: a, email: b, chal: dns}]", "chal"),
    "a playbook's": ("tidegate_backup_kept: 3", "tidegate_backup_kept"),
    "a workload of the inventory": ("all: {vars: {workloads: [{name: a, imagee: 'a:1'}]}}", "imagee"),
    "a workload file": ("{name: a, image: 'a:1', environments: {staging: {replica: 2}}}", "replica"),
}


@pytest.mark.parametrize(("text", "word"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_found(text: str, word: str, tmp_path: Path) -> None:
    """The check itself can fail."""
    assert word in " ".join(Checked(text, tmp_path).problems)


def test_every_guide_has_examples_that_are_checked() -> None:
    """A fence that is written another way would be none."""
    pages = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs" / "guides").glob("*.md")}
    assert len(pages) == 7
    assert {block.page for block in YAML} >= pages
    fences = sum(path.read_text().count("```") for path in (ROOT / "docs").rglob("*.md"))
    others = sum(path.read_text().count("```text") for path in (ROOT / "docs").rglob("*.md"))
    assert len(BLOCKS) == fences // 2 - others
