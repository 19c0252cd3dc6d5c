"""Files that Compose reads because a Compose file names them: counted where they are inside, refused beyond the source."""

from __future__ import annotations

import typing as t
from pathlib import Path

import compose
import names
import pytest
from harness.platforms import Options, Platform, Task, containers, docker

MODULE = "tidegate.platform.workload_compose"
PLAIN = f"image: {names.image('app')}, command: [sleep, '1000'], stop_signal: SIGKILL, healthcheck: {{test: [CMD, 'true'], interval: 300ms}}"


@pytest.fixture(autouse=True)
def real_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    """`docker compose` is the real one."""
    monkeypatch.setenv("DOCKER_CONFIG", str(compose.config()))


@pytest.fixture
def declared(platform: Platform, name: str, tmp_path: Path) -> t.Callable[..., Options]:
    """What becomes of a project in a folder, by the file's text; check mode, unless something is to run."""
    source = tmp_path / "source"
    source.mkdir()
    (tmp_path / "host.env").write_text("CANARY=host-canary-17\n")

    def run(text: str = "", *, check: bool = True, **more: t.Any) -> Options:
        if text:
            (source / "compose.yaml").write_text(text)
        given = {"network": platform.network, **more.pop("compose", {})}
        options = {"name": name, "source": {"path": str(source)}, "compose": given, **more}
        (result,) = platform.directly(Task(options, check, MODULE))
        return result

    return run


BEYOND = {
    "env_file": "services: {{web: {{{plain}, env_file: {host}}}}}",
    "env_file above": "services: {{web: {{{plain}, env_file: [{{path: ../host.env, required: false}}]}}}}",
    "env_file by a link": "services: {{web: {{{plain}, env_file: link.env}}}}",
    "env_file by a variable": "services: {{web: {{{plain}, env_file: '${{WHERE:-{host}}}'}}}}",
    "env_file in other words": 'services:\n  web: {{{plain}, "env\\x5ffile": "\\x2e./host.env"}}',
    "env_file after another end of line": "services: {{web: {{{plain}}}}}\rinclude: [../host.yaml]\n",
    "label_file": "services: {{web: {{{plain}, label_file: [{host}]}}}}",
    "extends": "services: {{web: {{extends: {{file: ../host.yaml, service: web}}}}}}",
    "include": "include: [{{path: [sub/a.yaml, {folder}/host.yaml]}}]\nservices: {{web: {{{plain}}}}}",
    "env_file of an include": "include: [{{path: sub/a.yaml, env_file: ../host.env}}]\nservices: {{web: {{{plain}}}}}",
    "what is included": "include: [sub/b.yaml]\nservices: {{web: {{{plain}}}}}",
    "what is extended": "services: {{web: {{extends: {{file: sub/c.yaml, service: c}}}}}}",
    "another document": "services: {{web: {{{plain}}}}}\n--- # two\nservices:\n  web: {{env_file: ../host.env}}\n",
}


@pytest.mark.parametrize("text", BEYOND.values(), ids=BEYOND)
def test_a_source_has_no_files_of_the_host_read(
    declared: t.Callable[..., Options], tmp_path: Path, name: str, text: str
) -> None:
    """C6: whoever may write a repository does not get what root of its hosts may read; nothing of it is said."""
    source = tmp_path / "source"
    (tmp_path / "host.yaml").write_text(f"services: {{web: {{{PLAIN}, environment: {{CANARY: host-canary-17}}}}}}")
    (source / "link.env").symlink_to(tmp_path / "host.env")
    (source / "sub").mkdir()
    (source / "sub" / "a.yaml").write_text(f"services: {{a: {{{PLAIN}}}}}")
    (source / "sub" / "b.yaml").write_text(f"services: {{b: {{{PLAIN}, env_file: ../../host.env}}}}")
    (source / "sub" / "c.yaml").write_text(f"services: {{c: {{{PLAIN}, env_file: ../../host.env}}}}")
    result = declared(text.format(plain=PLAIN, host=tmp_path / "host.env", folder=tmp_path))
    assert result["failed"], result
    assert "is a file outside of the source" in result["msg"], result
    assert "host-canary" not in str(result)
    assert containers(name) == []


FETCHED = {
    "include": "include: ['git://127.0.0.1:9/r.git']\nservices: {{web: {{{plain}}}}}",
    "include of a registry": "include: [{{path: 'oci://127.0.0.1:9/r:1'}}]\nservices: {{web: {{{plain}}}}}",
    "include over https": "include: ['https://127.0.0.1:9/r.git#main:sub']\nservices: {{web: {{{plain}}}}}",
    "extends": "services: {{web: {{extends: {{file: 'git@127.0.0.1:r.git', service: web}}}}}}",
    "what is not there": "include: [none.yaml]\nservices: {{web: {{{plain}}}}}",
}


@pytest.mark.parametrize("text", FETCHED.values(), ids=FETCHED)
def test_a_source_has_nothing_fetched_that_nobody_knows(declared: t.Callable[..., Options], text: str) -> None:
    """A2, C6: what Compose fetches may name files of the host, and its changes would be no other release."""
    result = declared(text.format(plain=PLAIN))
    assert result["failed"], result
    assert "is no file of the source" in result["msg"], result


def test_an_include_may_have_no_file_of_variables_or_one_by_a_variable(
    declared: t.Callable[..., Options], tmp_path: Path
) -> None:
    """C6: `/dev/null` is how to have none; what cannot be followed is refused, unless unsafe is said."""
    (tmp_path / "source" / "a.yaml").write_text(f"services: {{a: {{{PLAIN}}}}}")
    none = declared(f"include: [{{path: a.yaml, env_file: /dev/null}}]\nservices: {{web: {{{PLAIN}}}}}")
    assert not none["failed"], none
    (tmp_path / "source" / "a.yaml").write_text(f"services: {{a: {{{PLAIN}, env_file: '${{DB_ENV:-web.env}}'}}}}")
    (tmp_path / "source" / "web.env").write_text("A=1\n")
    assert "cannot be followed" in declared()["msg"]
    assert not declared(unsafe=True)["failed"]


def test_variables_beside_a_file_are_no_link_out_of_the_source(
    declared: t.Callable[..., Options], tmp_path: Path
) -> None:
    """C6: Compose reads `.env` unasked, and its values get into whatever the file says."""
    (tmp_path / "source" / ".env").symlink_to(tmp_path / "host.env")
    result = declared(f"services: {{web: {{{PLAIN}, environment: {{A: '${{CANARY}}'}}}}}}")
    assert "is a file outside of the source" in result["msg"], result
    assert "host-canary" not in str(result)


def test_files_of_a_source_count_by_what_is_in_them(
    declared: t.Callable[..., Options], tmp_path: Path, name: str
) -> None:
    """A2: of variables, of labels, extended and included: each change is another release that has it."""
    source = tmp_path / "source"
    (source / "sub").mkdir()
    files = {
        "web.env": "GIVEN=@\n",
        "web.labels": "given=@\n",
        "sub/base.yaml": f"services: {{base: {{{PLAIN}, env_file: base.env, environment: {{EXTENDED: '@'}}}}}}",
        "sub/base.env": "BASE=@\n",
        "sub/more.yaml": "services: {more: {extends: {file: base.yaml, service: base}}}",
    }
    for path, text in files.items():
        (source / path).write_text(text.replace("@", "one"))
    result = declared(
        "include: [sub/more.yaml]\n"
        "services:\n"
        "  web: {extends: {file: sub/base.yaml, service: base}, env_file: web.env, label_file: web.labels}\n",
        check=False,
    )
    assert not result["failed"], result
    assert not declared()["changed"]
    for path, text in files.items():
        if "@" in text:
            (source / path).write_text(text.replace("@", "two"))
            assert declared()["changed"], f"{path} does not count"
            (source / path).write_text(text.replace("@", "one"))
    assert not declared()["changed"]
    for path, text in files.items():
        (source / path).write_text(text.replace("@", "two"))
    result = declared(check=False)
    assert not result["failed"], result
    filters = ["--filter", f"label=tidegate.workload={name}", "--filter", "label=com.docker.compose.service=web"]
    (web,) = docker("ps", "-q", *filters).split()
    said = docker("inspect", "--format", "{{json .Config.Env}} {{json .Config.Labels}}", web)
    assert not [text for text in ("GIVEN=two", "BASE=two", "EXTENDED=two", '"given":"two"') if text not in said], said
    assert len(containers(name)) == 2
    docker("rm", "-f", *containers(name))


def test_what_has_to_be_read_from_the_host_is_said_and_counts(
    declared: t.Callable[..., Options], tmp_path: Path, name: str
) -> None:
    """A2, C6: of a source with unsafe, of a definition in the play with it or without: by its content."""
    text = "services: {{web: {{{plain}, label_file: [{host}]}}}}".format(plain=PLAIN, host=tmp_path / "host.env")
    made = declared(text, check=False, unsafe=True)
    assert not made["failed"], made
    assert not declared(unsafe=True)["changed"]
    (tmp_path / "host.env").write_text("CANARY=other\n")
    assert declared(unsafe=True)["changed"]
    (tmp_path / "host.env").write_text("CANARY=host-canary-17\n")
    assert "outside of the source" in declared()["msg"], "also of a definition that is known from before"
    docker("rm", "-f", *containers(name))
    (tmp_path / "host.env").chmod(0o600)
    web = {"extends": {"file": "/etc/shadow", "service": "web"}}
    refused = declared(source=None, compose={"definition": {"services": {"web": web}}})
    assert refused["failed"], refused
    assert "root:" not in str(refused)
