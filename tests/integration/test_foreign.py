"""What is somebody else's stays as it is, whatever it is called (A8, A10); and what is fetched stays (A4)."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import names
import yaml
from harness.platforms import Options, Platform, Play, docker


@dataclass
class Several(Platform):
    """Several hosts, which are one machine; `own` are the variables of each."""

    own: dict[str, Options] = field(default_factory=dict)

    def hosts(self) -> dict[str, Options]:
        """Inventory variables of each."""
        return {name: {**self.inventory(), **more} for name, more in self.own.items()}


def packed(document: t.Any) -> str:
    """As `slurp` has it."""
    return base64.b64encode(json.dumps(document).encode()).decode()


def part(platform: Platform, role: str, tasks: str, variables: Options, after: t.Sequence[Options] = ()) -> Play:
    """A run of one file of a role's tasks, and then of these."""
    included = {"name": f"tidegate.platform.{role}", "tasks_from": tasks}
    entries = [{"ansible.builtin.include_role": included}, *after]
    platform.root.mkdir(parents=True, exist_ok=True)
    path = platform.root / f"part-{role}.json"
    defaults = {"group/tidegate.platform.tidegate": {"state_dir": "{{ tidegate_state_dir }}"}}
    play = {"hosts": "all", "gather_facts": False, "module_defaults": defaults, "tasks": entries}
    path.write_text(json.dumps([play]))
    return platform.playbook(str(path), **variables)


def test_a_network_of_somebody_else_outlives_the_proxy(own: Platform) -> None:
    """A8: it was removed by its name; the platform's own goes by its label."""
    entry = f"{own.network}-entry"
    docker("network", "create", entry)
    try:
        part(own, "traefik", "uninstall.yml", {}).ok()
        assert docker("network", "inspect", "--format", "{{.Name}}", entry) == entry
        docker("network", "rm", entry)
        labels = ["--label", "tidegate.managed=1", "--label", f"tidegate.state_dir={own.state}"]
        docker("network", "create", *labels, entry)
        part(own, "traefik", "uninstall.yml", {}).ok()
        assert docker("network", "ls", "-q", "--filter", f"name={entry}") == ""
    finally:
        docker("network", "rm", entry, check=False)


def test_a_directory_of_somebody_else_is_refused_as_the_state_directory(own: Platform, tmp_path: Path) -> None:
    """A8: /srv became root's alone; an empty one, one that is ours and one of before there were records are taken."""
    given: Options = {"platform_base_state_dir": str(own.state)}
    own.state.mkdir()
    own.state.chmod(0o755)
    (own.state / "index.html").write_text("somebody's")
    refused = part(own, "platform_base", "ground.yml", given)
    assert refused.code != 0
    assert "there is something else in it: index.html" in " ".join(refused.output.split())
    assert own.state.stat().st_mode & 0o777 == 0o755
    (own.state / "index.html").rename(tmp_path / "index.html")
    part(own, "platform_base", "ground.yml", given).ok()
    (own.state / "notes").write_text("beside what is ours")
    assert part(own, "platform_base", "ground.yml", given).ok().changed == []
    (own.root / "state.made" / "platform_base.json").unlink()
    assert part(own, "platform_base", "ground.yml", given).code != 0
    (own.state / "tidegate.db").write_text("")
    part(own, "platform_base", "ground.yml", given).ok()


def test_what_a_first_run_left_is_the_platforms_own(own: Platform) -> None:
    """A8: what ended early on a host without a platform left locks and a key, and every later run of site was refused."""
    given: Options = {"platform_base_state_dir": str(own.state)}
    for name in ("locks", "refused", "work"):
        (own.state / name).mkdir(parents=True)
    (own.state / "secret.key").write_text("")
    own.state.chmod(0o755)
    assert part(own, "platform_base", "ground.yml", given).code != 0, "anybody may have made what anybody can read"
    own.state.chmod(0o700)
    part(own, "platform_base", "ground.yml", given).ok()


LOGS: list[tuple[str, Options, Options, str, t.Any]] = [
    ("none", {}, {}, "json-file", "5"),
    ("theirs", {"log-driver": "journald", "log-opts": {"tag": "x"}}, {}, "journald", None),
    ("given", {"log-driver": "journald", "log-opts": {"tag": "x"}}, {"docker_log_driver": "local"}, "local", "5"),
    ("by extra", {}, {"docker_extra_options": {"log-driver": "syslog"}}, "syslog", None),
    ("same", {"log-driver": "local", "log-opts": {"compress": "false"}}, {}, "local", "5"),
]


def test_a_log_driver_that_is_there_stays(own: Platform) -> None:
    """A10: it was replaced, and the engine did not start with another driver's options; taken out, it is as before."""
    role = names.ROOT / "roles" / "docker"
    shown = {
        "wanted": "{{ docker_daemon_wanted }}",
        "own": "{{ docker_daemon_own }}",
        "base": "{{ docker_daemon_base }}",
    }
    play = {
        "hosts": "all",
        "gather_facts": False,
        "vars_files": [str(role / "vars" / "main.yml")],
        "tasks": [{"ansible.builtin.debug": {"msg": shown}}],
    }
    (own.root / "look.json").write_text(json.dumps([play]))

    defaults = yaml.safe_load((role / "defaults" / "main.yml").read_text())

    def look(there: dict[str, Options], made: dict[str, Options]) -> dict[str, Options]:
        looked = {**defaults, "docker_swarm_state": {"stat": {"exists": False}}, "docker_info": {}}
        rows = {
            case: {
                **looked,
                "docker_daemon_file": {"content": packed(there[case])},
                "platform_base_recorded": "{{ '" + packed(made[case]) + "' | b64decode | from_json }}",
            }
            for case, *_rest in LOGS
        }
        many = Several(
            own.root, own.label, own.ports, own={case: {**rows[case], **given} for case, _there, given, *_rest in LOGS}
        )
        done = many.playbook(str(own.root / "look.json"), "--forks", "1").ok()
        return {row["host"]: row["result"]["msg"] for row in done.rows}

    before = {case: there for case, there, *_rest in LOGS}
    first = look(before, {case: {} for case in before})
    wanted = {case: row["wanted"] for case, row in first.items()}
    for case, _there, _given, driver, files in LOGS:
        options = wanted[case].get("log-opts", {})
        assert (case, wanted[case]["log-driver"], options.get("max-file")) == (case, driver, files)
        assert options.get("tag") == {"journald": "x", "json-file": "{{.Name}}"}.get(driver)
    again = look(wanted, {case: {"daemon": {"own": row["own"], "before": row["base"]}} for case, row in first.items()})
    assert {case: row["wanted"] for case, row in again.items()} == wanted
    assert {case: {k: v for k, v in row["base"].items() if k[:3] == "log"} for case, row in again.items()} == before


def test_an_archive_is_written_over_no_other_one(own: Platform, tmp_path: Path) -> None:
    """A4: of hosts that call themselves alike one was left; the plaintext copy of a killed fetch was left for good."""
    contents = {"one": "of one", "two": "of two"}
    for host, text in contents.items():
        (tmp_path / host).mkdir()
        (tmp_path / host / "x.tar.gz").write_text(text)
    (left := Path(f"/var/tmp/.tidegate-fetch-{os.urandom(6).hex()}-left")).mkdir()
    (old := Path(f"{left}-old")).mkdir()
    os.utime(old, (0, 0))
    (aside := Path(f"/var/tmp/.tidegate-fetch-{os.urandom(6).hex()}-other")).mkdir()
    play = {
        "hosts": "all",
        "gather_facts": False,
        "vars": {
            "tidegate_fetch_to": str(tmp_path / "to"),
            "tidegate_fetch_file": "{{ tidegate_fetch_to }}/{{ inventory_hostname }}/x.tar.gz",
            "tidegate_fetch_copy": left.name.removesuffix("left"),
            "tidegate_archives": {h: {"sha256": hashlib.sha256(c.encode()).hexdigest()} for h, c in contents.items()},
            "tidegate_backup": "{{ {'archive': FOLDER ~ '/' ~ inventory_hostname ~ '/x.tar.gz'} "
            "| combine(tidegate_archives[inventory_hostname]) }}".replace("FOLDER", f"'{tmp_path}'"),
        },
        "tasks": [{"ansible.builtin.include_tasks": str(names.ROOT / "playbooks" / "tasks" / "fetch.yml")}],
    }
    (path := own.root / "fetch.json").write_text(json.dumps([play]))
    two = Several(own.root, own.label, own.ports, own={"one": {}, "two": {}})
    try:
        two.playbook(str(path)).ok()
        assert {h: (tmp_path / "to" / h / "x.tar.gz").read_text() for h in contents} == contents
        assert (left.exists(), old.exists(), aside.exists()) == (False, False, True)
        (tmp_path / "to" / "one" / "x.tar.gz").write_text("of another one")
        refused = two.playbook(str(path))
        assert refused.code != 0
        assert "is there with another content" in " ".join(refused.output.split())
        assert (tmp_path / "to" / "one" / "x.tar.gz").read_text() == "of another one"
    finally:
        for folder in (left, old, aside):
            if folder.exists():
                folder.rmdir()
