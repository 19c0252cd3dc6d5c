"""A model in which requests are under way (T7): no plan stops a container with requests that it did not drain."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.foretell import after
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.phase_plans import committed_at
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.plan import decide
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.recovery import (
    decide_recovery,
    finish,
    give_up,
    revert,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.retention import retained
from ansible_collections.tidegate.platform.plugins.module_utils._core.decide.rollback import rollback_target
from ansible_collections.tidegate.platform.plugins.module_utils._core.values import identity
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.actual import Actual
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.identity import Document
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.plan import Plan, Step, Verb
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.release import (
    Attempt,
    RecordedRelease,
    Standing,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.workload import State, Workload
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from .deployed import NEW, candidate, hosts, planned, released, wants


@dataclass
class Users:
    """Requests under way, by container and by the port that they went to, and those that were cut.

    Whatever is routed has requests at any moment: the model knows no quiet one. It reads routes, and what a drain step
    says that it counts; how that was found out is the code's own affair.
    """

    have: Actual
    flying: dict[str, set[int]] = field(default_factory=dict)
    cut: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Requests are under way before anything begins."""
        self._arrive()

    def meet(self, steps: t.Iterable[Step]) -> Actual:
        """What the steps come to, with requests arriving all the time."""
        for step in steps:
            if step.verb is Verb.DRAIN:
                self._drained(step)
            if step.verb in (Verb.STOP, Verb.REAP):
                self._stopped(step)
            self.have = after(self.have, Plan((step,)))
            self._arrive()
        return self.have

    def _arrive(self) -> None:
        serving = {container.name for container in self.have.containers if container.state == "running"}
        for name, port in targets(self.have.route):
            if name in serving:
                self.flying.setdefault(name, set()).add(port)

    def _drained(self, step: Step) -> None:
        """What is not routed any more is empty then, on the ports that were counted and on no other."""
        routed = {name for name, _port in targets(self.have.route)}
        counted = dict(step.leaving.ports) if step.leaving else {}
        for name in set(step.containers) - routed:
            self.flying[name] = self.flying.get(name, set()) - set(counted.get(name, ()))

    def _stopped(self, step: Step) -> None:
        running = {container.name for container in self.have.containers if container.state == "running"}
        for name in step.containers:
            if name in running and self.flying.pop(name, set()):
                self.cut.append(f"{step.verb.value} {name}")


def targets(route: Document | None) -> set[tuple[str, int]]:
    """Where a routing document sends requests: names of containers, and ports."""
    services = (route or {}).get("http", {}).get("services", {}).values()
    urls = [urlsplit(server["url"]) for one in services for server in one["loadBalancer"]["servers"]]
    return {(str(url.hostname), int(url.port or 80)) for url in urls}


# A host that has something and no record is adopted before anything is decided; that is told elsewhere.
recorded = hosts().filter(lambda have: have.live is not None or not have.containers)


@settings(max_examples=400, deadline=None)
@given(wants, hosts())
def test_no_request_is_cut_by_a_change(want: Workload, have: Actual) -> None:
    """T7, B3, B5: whatever changes, `absent` and `stopped` included."""
    users = Users(have)
    users.meet(planned(want, have).steps)
    assert users.cut == []


@settings(max_examples=400, deadline=None)
@given(wants, hosts(), st.data())
def test_no_request_is_cut_by_a_failure(want: Workload, have: Actual, data: st.DataObject) -> None:
    """T7, B3: taken back from any step before `persist`."""
    steps = planned(want, have).steps
    until = next((n for n, s in enumerate(steps) if s.verb is Verb.PERSIST), len(steps))
    assume(until)
    begun = steps[: data.draw(st.integers(1, until))]
    users = Users(have)
    users.meet(begun)
    users.meet(undo for step in reversed(begun) for undo in step.undo)
    assert users.cut == []


@settings(max_examples=400, deadline=None)
@given(wants.filter(lambda w: w.state is State.PRESENT), recorded, st.data())
def test_no_request_is_cut_after_a_crash(want: Workload, have: Actual, data: st.DataObject) -> None:
    """T7, B3, B12: killed after any step, recovered, killed in that, recovered again, and declared again."""
    plan = planned(want, have)
    assume(plan.candidate is not None)
    users = Users(have)
    users.meet(plan.steps[: data.draw(st.integers(0, len(plan.steps)))])
    users.have = replace(users.have, attempt=Attempt(NEW, plan.candidate))
    first = decide_recovery(want, users.have).steps
    users.meet(first[: data.draw(st.integers(0, len(first)))])
    users.have = replace(users.have, attempt=Attempt(NEW, plan.candidate))
    users.have = replace(users.meet(decide_recovery(want, users.have).steps), attempt=None)
    again = candidate(want, identity.deployment_id(9, b"z" * 10))
    users.meet(decide(want, users.have, again).steps)
    assert users.cut == []


@settings(max_examples=400, deadline=None)
@given(wants.filter(lambda w: w.state is State.PRESENT), recorded, st.data())
def test_no_request_is_cut_by_a_fleet(want: Workload, have: Actual, data: st.DataObject) -> None:
    """T7, B3, B6: switched with all hosts, then finished, reverted, or given up because it does not answer."""
    plan = planned(want, have)
    assume(plan.candidate is not None)
    green = plan.candidate
    assert green is not None
    users = Users(have)
    users.meet(plan.steps[: committed_at(plan.steps) + 1])
    users.have = replace(users.have, attempt=Attempt(NEW, green))
    ending = data.draw(st.sampled_from(["finish", "revert", "give_up"]))
    live = users.have.live
    assume(ending != "give_up" or (live is not None and live.id != green.id))
    if ending == "finish":
        users.meet(finish(want, users.have, green))
    else:
        users.meet({"revert": revert, "give_up": give_up}[ending](want, users.have).steps)
    assert users.cut == []


histories = st.lists(st.tuples(st.integers(1, 3), st.booleans()), min_size=1, max_size=12)


@settings(max_examples=300, deadline=None)
@given(histories, st.integers(0, 4), st.data())
def test_what_serves_and_what_served_last_is_kept(
    history: list[tuple[int, bool]], retain: int, data: st.DataObject
) -> None:
    """T7, A11: whatever was deployed, gone back from and declared; and a rollback goes nowhere else."""
    kept: list[RecordedRelease] = [
        released(number, "bad" if bad else None, version=version) for number, (version, bad) in enumerate(history, 1)
    ]
    live = data.draw(st.sampled_from(kept)).release
    last = data.draw(st.sampled_from([None, *(entry.release for entry in kept)]))
    live = replace(live, snapshot={**live.snapshot, "retain": retain})
    known = Standing(live, last)
    found = retained(kept, known)
    assert found[0].id == live.id
    assert last is None or last.id in {release.id for release in found}
    assert len({release.id for release in found}) == len(found) <= 2 * retain + 2
    for release in found[1:]:
        assert rollback_target(kept, known, release.id).id == release.id
