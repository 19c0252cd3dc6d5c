"""Runs the real stories of the modules in a process of its own, and kills that process where a test says so.

    python driver.py '{"story": "image", "params": {…}, "fault": {"step": "switch", "when": "middle"}}'

A fault may also fill a disk, send a signal, ask for a cancellation, run a command or shift the clock.

The code under test has no branch for this: an act is wrapped from outside, or one call inside of it. Without a fault it
is an ordinary run. The result is printed as JSON. With `-`, orders are read from the standard input, a line each.
"""

from __future__ import annotations

import contextlib
import copy
import gc
import json
import os
import signal
import subprocess
import sys
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.tidegate.platform.plugins.module_utils._core.deploy import (
    acts,
    apply,
    bake,
    gates,
    release_command,
    store,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.engine.containers import Containers
from ansible_collections.tidegate.platform.plugins.module_utils._core.host import (
    clock,
    connections,
    filesystem,
    packet_filter,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.options import argument_specs, checks
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy import route_files, traefik
from ansible_collections.tidegate.platform.plugins.module_utils._core.sources import builder, compose, site_assets
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories import (
    backup,
    cancel,
    control,
    declare,
    doctor,
    execute,
    info,
    logs,
    prune,
    reconcile,
    restore,
    rollback,
    workloads,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories.call import Call
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories.result import told
from ansible_collections.tidegate.platform.plugins.module_utils._core.values import identity
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import Unhealthy
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.plan import Verb
from ansible_collections.tidegate.platform.plugins.plugin_utils._shape import misfit

STORIES: dict[str, tuple[t.Callable[[Call], dict[str, t.Any]], checks.Spec]] = {
    "image": (declare.declares("image"), argument_specs.WORKLOAD_IMAGE),
    "dockerfile": (declare.declares("dockerfile"), argument_specs.WORKLOAD_DOCKERFILE),
    "static": (declare.declares("static"), argument_specs.WORKLOAD_STATIC),
    "compose": (declare.declares("compose"), argument_specs.WORKLOAD_COMPOSE),
    "runner": (declare.declares("runner"), argument_specs.WORKLOAD_RUNNER),
    "declare_many": (workloads.workloads, argument_specs.WORKLOADS),
    "reconcile": (reconcile.reconcile, argument_specs.RECONCILE),
    "rollback": (rollback.rollback, argument_specs.ROLLBACK),
    "cancel": (cancel.cancel, argument_specs.CANCEL),
    "prune": (prune.prune, argument_specs.PRUNE),
    "info": (info.info, argument_specs.INFO),
    "control": (control.control, argument_specs.CONTROL),
    "exec": (execute.execute, argument_specs.EXEC),
    "logs": (logs.logs, argument_specs.LOGS),
    "platform_backup": (backup.backup, argument_specs.BACKUP),
    "platform_restore": (restore.restore, argument_specs.RESTORE),
    "platform_doctor": (doctor.doctor, argument_specs.DOCTOR),
}
# What is called in the middle of each step: the kill comes when half of its work is done.
MIDDLES: dict[Verb, tuple[t.Any, str]] = {
    Verb.PULL: (store.Store, "remember_pull"),
    Verb.PLACE: (compose.Compose, "place"),
    Verb.ROLL: (gates, "of_service"),
    Verb.UP: (gates, "of_service"),
    Verb.KEEP_ASSETS: (site_assets, "keep"),
    Verb.BUILD: (builder.Builder, "_take"),
    Verb.HOLD: (route_files.RouteFiles, "announce"),
    Verb.RELEASE_COMMAND: (release_command, "_exit_code"),
    Verb.START: (Containers, "start"),
    Verb.STAND_IN: (Containers, "start"),
    Verb.DIVERT: (packet_filter, "_run"),
    Verb.UNDIVERT: (packet_filter, "_run"),
    Verb.GATE: (gates, "probe"),
    Verb.SWITCH: (route_files.RouteFiles, "announce"),
    Verb.UNROUTE: (route_files.RouteFiles, "announce"),
    Verb.PERSIST: (store, "_claim"),
    Verb.WITHDRAW: (store, "_claim"),
    Verb.BAKE: (bake, "_look"),
    Verb.DRAIN: (connections.Sockets, "__call__"),
    Verb.STOP: (Containers, "stop"),
    Verb.REAP: (Containers, "remove"),
    Verb.RESUME: (Containers, "resume"),
}
for _owner, _name in MIDDLES.values():
    assert hasattr(_owner, _name), f"{_owner} has no {_name} any more"
# Which call it is: the first four of a diversion only look for rules, and the next one for the engine's chain, so that
# one rule is there; the first of its end looks for rules, and the next two take away those that divert the test's own
# connections, so that one rule is left; the first notice of a switch is of its questions.
LATER = {Verb.SWITCH: 2, Verb.BUILD: 3, Verb.GATE: 2, Verb.BAKE: 2, Verb.DRAIN: 2, Verb.DIVERT: 7, Verb.UNDIVERT: 4}


def die(_world: t.Any) -> None:
    """The end of this process, as `kill -9` makes it."""
    os.kill(os.getpid(), signal.SIGKILL)


def fill(path: str) -> None:
    """Leave no room on a file system."""
    with open(os.path.join(path, "filler"), "wb", buffering=0) as stream, contextlib.suppress(OSError):
        while stream.write(b"x" * 4096):
            pass


def run(argv: list[str]) -> None:
    """Run a command of the test's."""
    subprocess.run(argv, check=True, capture_output=True)


def event(fault: dict[str, t.Any]) -> t.Callable[[t.Any], None]:
    """What happens at the armed point: a kill, or what the test says instead."""
    if "signal" in fault:
        return lambda _world: os.kill(os.getpid(), getattr(signal, fault["signal"]))
    if fault.get("cancel"):
        # Another process would write the very same row.
        return lambda world: print(store.Store(world.on.state_dir).cancel(world.deployment.id), file=sys.stderr)
    if "fill" in fault:
        return lambda _world: fill(fault["fill"])
    if "run" in fault:
        # `{green}` is what the first container of this very deployment is going to be called.
        return lambda world: run(
            [
                word.replace("{green}", identity.container_names(world.want.name, world.deployment.id, 1)[0])
                for word in fault["run"]
            ]
        )
    return die


def arm(fault: dict[str, t.Any]) -> None:
    """Prepare an event: in the middle of a step, or right after it, once; of a switch, also when all were asked.

    With `undoing` the step fails when it is done, and the event comes after the first thing that is done to take it back.
    """
    step, happens = Verb(fault["step"]), event(fault)
    act = acts.ACTS[step]

    def after(world: t.Any, planned: t.Any) -> str:
        detail = act(world, planned)
        acts.ACTS[step] = act
        happens(world)
        return detail

    def middle(world: t.Any, planned: t.Any) -> str:
        points = {"before": (filesystem, "place"), "asked": (traefik.Traefik, "place")}
        owner, name = points.get(fault["when"], MIDDLES[step])
        real, calls = getattr(owner, name), []

        def wrapped(*arguments: t.Any, **options: t.Any) -> t.Any:
            calls.append(1)
            if len(calls) == (1 if fault["when"] == "asked" else LATER.get(step, 1)):
                happens(world)
            return real(*arguments, **options)

        setattr(owner, name, wrapped)
        return act(world, planned)

    def undoing(world: t.Any, planned: t.Any) -> str:
        act(world, planned)
        acts.ACTS[step] = act
        perform = apply._perform

        def first(world: t.Any, *rest: t.Any) -> None:
            perform(world, *rest)
            happens(world)

        setattr(apply, "_perform", first)  # noqa: B010
        raise Unhealthy("it is taken back, as the test says", subject=world.key)

    ways = {"after": after, "middle": middle, "before": middle, "asked": middle, "undoing": undoing}
    acts.ACTS[step] = ways[fault["when"]]


def die_before(target: str) -> None:
    """Prepare a kill right before something gets this name."""
    real = os.rename

    def wrapped(source: t.Any, path: t.Any, **options: t.Any) -> None:
        if str(path) == target:
            die(None)
        real(source, path, **options)

    setattr(os, "rename", wrapped)  # noqa: B010


class Shifted(clock.Clock):
    """A host's clock that is wrong by some seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def now(self) -> float:
        """The wrong Unix time."""
        return super().now() + self.seconds


def carry_out(order: dict[str, t.Any]) -> dict[str, t.Any]:
    """The document of one story."""
    story, spec = STORIES[order["story"]]
    wrong = misfit(spec, order["params"])  # as the action plugin does
    if wrong:
        return {"failed": True, "changed": False, "msg": wrong}
    validated = ArgumentSpecValidator(copy.deepcopy(spec)).validate(order["params"])
    if validated.error_messages:
        return {"failed": True, "changed": False, "msg": "; ".join(validated.error_messages)}
    fault = order.get("fault") or {}
    if "step" in fault:
        arm(fault)
    if "rename" in fault:
        die_before(fault["rename"])
    params, check = validated.validated_parameters, bool(order.get("check"))
    call = Call(params, check=check, diff=bool(order.get("diff")), clock=Shifted(fault.get("clock", 0.0)))
    return {**told(story, call, str), "warnings": call.warnings}


def main() -> None:
    """Run one story, or those of the standard input, a line each."""
    for line in sys.stdin if sys.argv[1] == "-" else sys.argv[1:]:
        print(json.dumps(carry_out(json.loads(line))), flush=True)
        gc.collect()  # a store that is open would keep its file system busy


if __name__ == "__main__":
    main()
