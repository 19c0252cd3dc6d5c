"""What the version 0.1.0 wrote on a host is read, and counts as unchanged: its archive, its labels, what was declared."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.candidate import candidate
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.claims import claims_of
from ansible_collections.tidegate.platform.plugins.module_utils._core.deploy.store import Store
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine.listing import ownership, subject_of
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.clock import Clock
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.places import Places
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.secrets import Secrets
from ansible_collections.tidegate.platform.plugins.module_utils._core.options import argument_specs
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.parse import Context, parse
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy.routing_documents import (
    document,
    stack_document,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy.traefik import Traefik
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources.compose import Compose
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories import backup_archive
from ansible_collections.tidegate.platform.plugins.module_utils._core.values import release_text
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.actual import Actual, Image
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.identity import Subject
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.release import Release
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.workload import Workload

SAMPLES = Path(__file__).parent / "samples"
DECLARED = json.loads((SAMPLES / "declared.json").read_text())
LABELS: dict[str, dict[str, str]] = json.loads((SAMPLES / "labels.json").read_text())
SHOP = Subject(DECLARED["image"]["name"], "production")
STACK = Subject(DECLARED["compose"]["name"], "production")


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The state directory of the archive."""
    into = tmp_path_factory.mktemp("sample") / "state"
    archive = str(SAMPLES / "archive.tar.gz")
    assert {row["name"] for row in backup_archive.verify(archive)["volumes"]} >= {f"{SHOP.workload}-data"}
    backup_archive.unpack(archive, "state", str(into))
    return str(into)


def live(state: str, subject: Subject) -> Release:
    """The live release on record."""
    release = Store(state).known(subject)[subject].live
    assert release is not None
    return release


def declared(state: str, kind: str) -> Workload:
    """The same declaration, today."""
    spec, params = getattr(argument_specs, f"WORKLOAD_{kind.upper()}"), DECLARED[kind]
    given = ArgumentSpecValidator(copy.deepcopy(spec)).validate({**params, "state_dir": DECLARED["state_dir"]})
    assert given.error_messages == []
    return parse({**given.validated_parameters, "type": kind}, Context(Secrets(state).version, DECLARED["state_dir"]))


def test_a_store_is_read(state: str) -> None:
    """The releases, newest first, that of the record's own file as well."""
    store = Store(state)
    assert set(store.known()) >= {SHOP, STACK}
    kept = [entry.release for entry in store.releases(SHOP)]
    assert [release.image.rpartition(":")[2] for release in kept] == ["2", "1"]
    files = Path(state, "records", f"{SHOP.workload}.production").iterdir()
    found = [release_text.found(file.read_text()) for file in files]
    assert sorted(release.id for release in found if release is not None and release in kept) == sorted(
        release.id for release in kept
    )


def test_a_container_is_unchanged(state: str) -> None:
    """The fingerprint counts every field's name of a container's specification: none may be renamed."""
    want, was = declared(state, "image"), live(state, SHOP)
    image = Image(id=was.image_id)
    made = candidate(want, Actual(image=image), was.id)
    assert (made.fingerprint, made.containers, made.snapshot) == (was.fingerprint, was.containers, was.snapshot)
    assert claims_of(made) == claims_of(was) != []


def test_a_project_is_unchanged(state: str) -> None:
    """The identity of its definition, the fingerprints of its services, and the routes beside them."""
    want, was = declared(state, "compose"), live(state, STACK)
    compose = Compose(Places(state).stack(f"{STACK.workload}.production"), "", Clock(), lambda _line: None)
    definition = compose.known(was.image_id)
    assert definition is not None
    made = candidate(want, Actual(definition=definition), was.id)
    assert (made.fingerprint, made.snapshot) == (was.fingerprint, was.snapshot)
    labelled = {
        row["com.docker.compose.service"]: row["tidegate.fingerprint"] for row in LABELS.values() if "team" not in row
    }
    assert {service.name: service.fingerprint for service in definition.services} == labelled


def test_route_files_are_what_would_be_written(state: str) -> None:
    """Also to the last key: else every workload's routes would move at the first run of a new version."""
    traefik = Traefik(f"{state}/routes", "http://127.0.0.1:1", 1.0, Clock())
    was = live(state, SHOP)
    want = declared(state, "image")
    assert traefik.read(f"{SHOP.workload}.production") == document(want, was.containers) == was.route
    project, had = declared(state, "compose"), live(state, STACK)
    written = stack_document(project, {"web": [name for name in had.containers if "-web-" in name]})
    assert traefik.read(f"{STACK.workload}.production") == written == had.route


def test_labels_say_whose_a_container_is() -> None:
    """All that finds a container again: no label of it may be renamed."""
    for name, labels in LABELS.items():
        subject = STACK if "-stack-" in name else SHOP
        assert subject_of({"Labels": labels}) == subject
        assert ownership(DECLARED["state_dir"], subject).items() <= labels.items()
