"""Loki and Alloy: what they are configured with, always; their real images, where the engine has them."""

from __future__ import annotations

import json
import re
import typing as t

import names
import pytest
import shell
import yaml
from harness.platforms import Options, Platform, Task, docker

LOKI = yaml.safe_load((names.ROOT / "roles" / "loki" / "defaults" / "main.yml").read_text())["loki_image"]
ALLOY = yaml.safe_load((names.ROOT / "roles" / "alloy" / "defaults" / "main.yml").read_text())["alloy_image"]


def played(platform: Platform, tasks: list[Options], **variables: t.Any) -> t.Any:
    """A play of these tasks."""
    path = platform.root / "logs.json"
    path.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    return platform.playbook(str(path), **variables)


def rendered(platform: Platform, role: str, expression: str, **variables: t.Any) -> t.Any:
    """What a role's variables come to."""
    include = {"name": f"tidegate.platform.{role}", "tasks_from": "preflight.yml", "public": True}
    show = {"ansible.builtin.debug": {"msg": expression}}
    return played(platform, [{"ansible.builtin.include_role": include}, show], **variables).ok().results[-1]["msg"]


def test_the_configuration_of_loki_is_data(platform: Platform) -> None:
    """The store that was chosen, retention, limits, and anything of Loki's own on top."""
    plain = rendered(platform, "loki", "{{ loki_document }}")
    assert plain["schema_config"]["configs"][0]["object_store"] == "filesystem"
    assert "aws" not in plain["storage_config"]
    assert (plain["compactor"]["retention_enabled"], plain["limits_config"]["retention_period"]) == (True, "720h")
    key = "a-key-of-s3-8812"
    bucket = {"bucket": "logs", "region": "eu", "access_key": "id", "secret_key": key, "path_style": True}
    settings = {"limits_config": {"max_streams_per_user": 5}, "server": {"log_level": "debug"}}
    options = {"loki_store": "s3", "loki_s3": bucket, "loki_retention_days": 0, "loki_settings": settings}
    other = rendered(platform, "loki", "{{ loki_document }}", **options)
    assert other["schema_config"]["configs"][0]["object_store"] == other["compactor"]["delete_request_store"] == "s3"
    assert other["storage_config"]["aws"]["secret_access_key"] == key
    assert other["storage_config"]["aws"]["s3forcepathstyle"] is True
    assert other["compactor"]["retention_enabled"] is False
    assert (other["limits_config"]["max_streams_per_user"], other["limits_config"]["retention_period"]) == (5, "0h")
    assert (other["server"]["log_level"], other["server"]["http_listen_port"]) == ("debug", 3100)


def test_a_store_that_is_not_complete_is_refused(platform: Platform) -> None:
    role = {"ansible.builtin.include_role": {"name": "tidegate.platform.loki"}}
    refused = played(platform, [role], loki_store="s3", loki_s3={"bucket": "logs", "region": "eu"})
    assert refused.code != 0
    assert "loki_store=s3 needs access_key, secret_key in loki_s3." in refused.output


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ('{"level":"info","msg":"listens"}', "info"),
        ("2026-01-31T12:00:00Z WARNING low on space", "warn"),
        ("level=err msg=no", "error"),
        ("[ERROR] in handler", "error"),
        ("panic: runtime error", "fatal"),
        ("CRITICAL no database", "fatal"),
        ("2 errors found in terrain", ""),
        ("informed of it", ""),
    ],
)
def test_levels_are_recognised(line: str, level: str) -> None:
    """The expression that Alloy gets, and what other names of levels become: DP-25."""
    variables = yaml.safe_load((names.ROOT / "roles" / "alloy" / "vars" / "main.yml").read_text())
    match = re.search(variables["alloy_level_expression"], line)
    found = match["level"].lower() if match else ""
    assert variables["alloy_levels"].get(found, found) == level


def test_the_configuration_of_alloy_names_what_the_engine_writes(platform: Platform) -> None:
    """Few labels, no Docker socket; what the role docker has the engine write is what is read: DP-25."""
    path = names.ROOT / "roles" / "alloy" / "templates" / "config.alloy.j2"
    text = rendered(platform, "alloy", f"{{{{ lookup('ansible.builtin.template', '{path}') }}}}", alloy_host='a"b')
    written = rendered(platform, "docker", "{{ docker_daemon_own }}")["log-opts"]
    for attribute in written["labels"].split(","):
        assert f'"\\"{attribute}\\""' in text
    assert written["tag"] == "{{.Name}}"
    labels = re.findall(r"stage\.labels \{\s+values = \{(.*?)\}", text, re.DOTALL)
    assert re.findall(r"(\w+) =", " ".join(labels)) == ["workload", "environment", "stream", "level"]
    assert 'host = "a\\"b"' in text
    assert '{{ else if eq $level \\"warning\\" }}warn{{ else if' in text
    assert '}}fatal{{ else }}{{ $level }}{{ end }}"' in text
    assert text.count("{") == text.count("}") + text.count("{{") - text.count("}}")
    assert "docker.sock" not in text


def test_a_configuration_that_its_program_refuses_touches_nothing(platform: Platform) -> None:
    """The check by the image's own binary, with another binary: as an unprivileged user, from its input, secrets unseen."""
    include = {"name": "tidegate.platform.platform_base", "tasks_from": "verify.yml"}
    secret = "a-secret-in-a-configuration"
    for content, code in ((f"good {secret}", 0), (f"bad {secret}", 2)):
        verify = {
            "image": names.image("app"),
            "user": "10001:10001",
            "entrypoint": "/bin/sh",
            "command": ["-c", "grep -q good /dev/stdin || { echo line 1 is wrong >&2; exit 1; }"],
            "config": content,
        }
        variables = {"platform_base_docker_host": "unix:///var/run/docker.sock", "platform_base_verify": verify}
        play = played(platform, [{"ansible.builtin.include_role": include, "vars": variables}])
        assert play.code == code, play.output
        assert ("line 1 is wrong" in play.output) == bool(code)
        assert secret not in play.output
        assert secret not in json.dumps([row["result"] for row in play.rows])


def test_logs_outlive_their_containers_in_the_real_loki(platform: Platform) -> None:
    """DP-25, with the real images: by release, beyond 5,000 lines, after the container is gone."""
    missing = [image for image in (LOKI, ALLOY) if docker("image", "inspect", image, check=False) in ("", "[]")]
    if missing:
        pytest.skip(f"the engine does not have {', '.join(missing)}, and there is nowhere to pull it from")
    network = f"{platform.network}-internal"
    variables = {
        "loki_network": network,
        "alloy_network": network,
        "alloy_loki_url": "http://loki:3100/loki/api/v1/push",
    }
    roles = [{"ansible.builtin.include_role": {"name": f"tidegate.platform.{name}"}} for name in ("loki", "alloy")]
    try:
        played(platform, roles, **variables).ok()
        talk = "i=0; while [ $i -lt 12000 ]; do echo line $i; i=$((i+1)); done; exec sleep 600"
        made = platform.apply(
            name="talker",
            image=names.image("app"),
            command=["sh", "-c", talk],
            networks=[platform.network],
            log_options={"labels": "tidegate.workload,tidegate.environment,tidegate.deployment", "tag": "{{.Name}}"},
        )
        platform.apply(name="talker", state="absent")
        options = {"name": "talker", "release": made["release"]["id"]}

        def complete() -> bool:
            (said,) = platform.directly(Task(options, module="tidegate.platform.workload_logs"))
            return bool(said.get("text") == [f"line {number}" for number in range(12000)])

        shell.wait_until("every line is in Loki", complete, 60)
    finally:
        away = {"loki_state": "absent", "loki_remove_data": True, "alloy_state": "absent", "alloy_remove_data": True}
        played(platform, roles, **variables, **away)
        docker("network", "rm", network, check=False)
