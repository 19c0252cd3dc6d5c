"""AWX: what `awx.yml` tells it is what its modules take, and every job template's playbook runs as AWX runs it."""

from __future__ import annotations

import json
import shutil
import typing as t
from dataclasses import replace
from pathlib import Path

import ansible_runner
import images
import names
import pytest
import wheel
import yaml
from harness.platforms import Options, Platform, Task, containers, docker

PLAYBOOKS = names.ROOT / "playbooks"
PASSED = ("ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_HOME", "PATH")
CANARY = "canary-for-awx-77ac"
# Real modules with the real argument specifications; what would talk to AWX says instead what it was asked.
RECORDER = """
from ansible.module_utils.basic import AnsibleModule


class ControllerAPIModule(AnsibleModule):
    def __init__(self, argument_spec=None, **options):
        super().__init__(argument_spec=argument_spec, **options)
        self.exit_json(changed=False, asked={k: v for k, v in self.params.items() if v is not None})
"""


def awx() -> Options:
    """What AWX is told, as it stands in the file."""
    document: Options = yaml.safe_load((PLAYBOOKS / "vars" / "awx.yml").read_text())["tidegate_awx"]
    return document


def test_every_playbook_has_a_job_template_and_every_question_is_asked() -> None:
    said = awx()
    templates = {row["playbook"]: row for row in said["job_templates"]}
    assert {*templates, "awx"} == {path.stem for path in PLAYBOOKS.glob("*.yml")}
    asked = {name for row in [*said["job_templates"], said["workflow"]] for name in row.get("survey", ())}
    assert asked == set(said["questions"])
    nodes = {node["identifier"]: node for node in said["workflow"]["nodes"]}
    followers = {name for node in nodes.values() for name in [*node.get("success", ()), *node.get("failure", ())]}
    assert followers < set(nodes)
    assert {node["template"] for node in nodes.values()} < set(templates)


def test_the_modules_of_awx_take_what_they_are_given(platform: Platform, tmp_path: Path) -> None:
    """The real collection's specifications, every task of the playbook, every item of the data."""
    real = wheel.collections("awx.awx") / "ansible_collections" / "awx"
    shutil.copytree(real, tmp_path / "ansible_collections" / "awx")
    recorder = tmp_path / "ansible_collections" / "awx" / "awx" / "plugins" / "module_utils" / "controller_api.py"
    recorder.write_text(RECORDER)
    collections, platform.collections = platform.collections, f"{platform.collections}:{tmp_path}"
    try:
        play = platform.playbook("tidegate.platform.awx").ok()
    finally:
        platform.collections = collections
    asked = [one["asked"] for result in play.results for one in result.get("results", [result])]
    said = awx()
    assert len(asked) == 5 + len(said["credential_types"]) + len(said["job_templates"])
    jobs = {row["playbook"]: row for row in asked if "playbook" in row}
    assert set(jobs) == {f"playbooks/{row['playbook']}.yml" for row in said["job_templates"]}
    survey = jobs["playbooks/teardown.yml"]["survey_spec"]["spec"]
    assert [question["variable"] for question in survey] == [
        "workload",
        "tidegate_environment",
        "confirm",
        "remove_volumes",
    ]
    assert not jobs["playbooks/site.yml"]["survey_enabled"]
    (workflow,) = (row for row in asked if "workflow_nodes" in row)
    nodes = {node["identifier"]: node for node in workflow["workflow_nodes"]}
    assert nodes["verify"]["related"]["failure_nodes"] == [{"identifier": "rollback"}]
    registry = next(row for row in asked if row["name"] == "Tidegate registry")
    assert registry["injectors"]["extra_vars"]["tidegate_registry_password"] == "{{ password }}"
    assert registry["injectors"]["extra_vars"]["tidegate_registry"] == "{{ registry }}"


class Jobs:
    """Runs playbooks as AWX does: ansible-runner, a survey's answers as extra variables, every event kept."""

    def __init__(self, platform: Platform, folder: Path) -> None:
        self.platform, self.folder = platform, folder
        self.events = ""
        self.ran: list[str] = []

    def __call__(self, playbook: str, _status: str = "successful", **answers: t.Any) -> Options:
        """The events of a run by task, each with the last result; the answers are what the survey lets one say."""
        template = next(row for row in awx()["job_templates"] if row["playbook"] == playbook)
        questions = awx()["questions"]
        variables = {questions[name].get("variable", name): questions[name] for name in template.get("survey", ())}
        given = {name: answers.pop(name, question["default"]) for name, question in variables.items()}
        assert set(answers) <= {"workload_files", "tidegate_backup_passphrase", "tidegate_expect_healthy"}, answers
        environment = self.platform.environment(self.folder)
        (folder := self.folder / f"job-{len(self.ran)}").mkdir()
        done = ansible_runner.run(
            private_data_dir=str(folder),
            playbook=str(PLAYBOOKS / f"{playbook}.yml"),
            inventory={"all": {"hosts": self.platform.hosts()}},
            extravars={**given, **answers},
            envvars={k: v for k, v in environment.items() if k in PASSED},
            quiet=True,
        )
        self.ran.append(playbook)
        rows = list(done.events)
        text = "".join(json.dumps(row) for row in rows)
        assert done.status == _status, "".join(str(row.get("stdout", "")) + "\n" for row in rows)
        self.events += text
        return {
            row["event_data"]["task"]: row["event_data"]["res"] for row in rows if "res" in row.get("event_data", {})
        }


def shop_of(platform: Platform, name: str) -> Options:
    """A workload that has a secret."""
    return {
        "name": name,
        "version": "1",
        "image": names.image("app").rpartition(":")[0],
        "port": 8000,
        "networks": [platform.network],
        "health": {"path": "/healthz", "deadline": 10},
        "drain": {"timeout": 2},
        "secrets": [{"name": "db", "value": CANARY}],
        "routes": [{"host": f"{name}.test"}],
    }


@pytest.fixture
def jobs(own: Platform, tmp_path: Path) -> Jobs:
    """Jobs on a platform of their own, whose workload has a secret."""
    workload = shop_of(own, own.label)
    older = next(image for image in images.HOST_IMAGES if image.name == "traefik")
    images.up((older,))
    own.variables.update(
        {"workloads": [workload], "platform_base_group": own.label, "traefik_image": names.image("traefik", older.tag)}
    )
    return Jobs(own, tmp_path)


def test_jobs_of_one_workload_run_with_what_their_surveys_leave_open(
    platform: Platform, name: str, tmp_path: Path
) -> None:
    """DP-31, D1: what nobody answered is empty, and as if it had not been given; no event has a secret."""
    declared = {**platform.variables, "workloads": [shop_of(platform, name)]}
    jobs = Jobs(replace(platform, variables=declared), tmp_path)
    jobs("deploy", workload=name)
    jobs("deploy", workload=name, version="2")
    assert platform.version(f"{name}.test") == "2"
    jobs("rollback", workload=name)
    assert platform.version(f"{name}.test") == "1"
    assert name in str(jobs("status", tidegate_expect_healthy=True)["Show"]["msg"])
    assert jobs("cancel", workload=name)["Cancel"]["reason"] == "no deployment is under way"
    jobs("teardown", workload=name, confirm=name)
    assert containers(name) == []
    assert CANARY not in jobs.events


@pytest.mark.second
def test_every_job_template_runs_as_awx_runs_it(own: Platform, jobs: Jobs) -> None:
    """DP-31 to DP-36: the whole life of a host by jobs; what surveys leave open is empty; no event has a secret."""
    shop, host = own.label, f"{own.label}.test"
    refused = jobs("doctor", "failed", reach=names.REGISTRY, domains="localhost")
    assert f"not fit: name {host}. The table" in refused["Judge"]["msg"], "a record of the declared name is missing"
    jobs("site")
    jobs("deploy", workload=shop)
    assert own.version(host) == "1"
    jobs("deploy", workload=shop, version="2")
    assert own.version(host) == "2"
    jobs("redeploy", workload=shop)
    assert own.version(host) == "1", "what is declared, not what was deployed last"
    jobs("rollback", workload=shop)
    assert own.version(host) == "2"
    assert shop in str(jobs("status", tidegate_expect_healthy=True)["Show"]["msg"])
    docker("stop", "-t", "1", *containers(shop))
    assert jobs("reconcile")["Reconcile"]["changed"]
    assert own.version(host) == "2"
    assert jobs("cancel", workload=shop)["Cancel"]["reason"] == "no deployment is under way"
    jobs("prune")
    archive = jobs("backup", tidegate_backup_passphrase=f"{CANARY}-passphrase")["Back up"]["archive"]
    operated(own, jobs)
    upgraded(own, jobs)
    jobs("teardown", workload=shop, confirm=shop)
    assert containers(shop) == []
    kept = own.root / "kept.enc"
    shutil.copy(archive, kept)
    assert "needs consent" in own.playbook("tidegate.platform.uninstall", confirm="yes").output
    jobs("uninstall", confirm="uninstall", remove_data="true")
    assert docker("ps", "-aq", "--filter", f"label=tidegate.state_dir={own.state}") == ""
    assert not own.state.exists()
    jobs("restore", archive=str(kept), tidegate_backup_passphrase=f"{CANARY}-passphrase")
    assert own.version(host) == "2"
    files = own.root / "workloads"
    files.mkdir()
    (files / "shop.yml").write_text(f"name: shop\nimage: {names.image('app')}\nport: 8000\n")
    jobs("validate", workload_files=str(files))
    assert {row["playbook"] for row in awx()["job_templates"]} == set(jobs.ran)
    assert CANARY not in jobs.events


def live_image(own: Platform, component: str) -> str:
    """The image that a component's live release was declared with."""
    options = {"names": [component], "environment": "platform"}
    (found,) = own.directly(Task(options, module="tidegate.platform.workload_info"))
    return str(found["workloads"][0]["release"]["image"])


def operated(own: Platform, jobs: Jobs) -> None:
    """DP-34: a component is stopped, started and restarted; others stay as they are."""
    before = containers(own.label)
    page = next(name for name in containers("catch-all") if own.network in docker("inspect", name))
    operate = "tidegate.platform.operate"
    assert "is not clear" in own.playbook(operate, components="nothing", operation="stop").output
    own.playbook(operate, components="traefik", operation="stop").ok()
    assert docker("inspect", "--format", "{{.State.Running}}", page) == "false"
    own.playbook(operate, components="traefik", operation="start").ok()
    assert own.version(f"{own.label}.test") == "2"
    jobs("operate", components="traefik", operation="restart")
    assert own.version(f"{own.label}.test") == "2"
    assert containers(own.label) == before


def upgraded(own: Platform, jobs: Jobs) -> None:
    """DP-32: hooks between the versions run in order, one that fails stops; what was said is what was done."""
    folder = own.root / "hooks" / "traefik"
    folder.mkdir(parents=True)
    mark = own.root / "mark"
    for version in ("3.7.13", "3.7.14", "3.7.15", "3.8.0"):
        (folder / f"{version}.yml").write_text(f"- ansible.builtin.shell: echo {version} >> {mark}\n")
    older, newer = own.variables["traefik_image"], names.image("traefik", "3.7.15")
    own.variables.update({"traefik_image": newer, "tidegate_hooks": str(folder.parent)})
    (folder / "3.7.14.yml").write_text("- ansible.builtin.fail: {msg: not yet}\n")
    assert "not yet" in own.playbook("tidegate.platform.upgrade", components="traefik").output
    assert not mark.exists()
    assert live_image(own, "traefik") == older
    (folder / "3.7.14.yml").write_text(f"- ansible.builtin.shell: echo 3.7.14 >> {mark}\n")
    done = jobs("upgrade", components="traefik")
    assert done["Say what is to be done"]["msg"] == [f"traefik: {older} -> {newer}, after 3.7.14, 3.7.15"]
    assert mark.read_text().split() == ["3.7.14", "3.7.15"]
    assert live_image(own, "traefik") == newer
