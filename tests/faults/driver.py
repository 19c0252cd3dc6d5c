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
from ansible_collections.tidegate.platform.plugins.module_utils import (
    _acts,
    _again,
    _apply,
    _assets,
    _backup,
    _bake,
    _building,
    _clock,
    _compose,
    _declare,
    _divert,
    _doctor,
    _drain,
    _engine,
    _files,
    _gate,
    _info,
    _logs,
    _make,
    _names,
    _operate,
    _prune,
    _rolling,
    _route_files,
    _spec,
    _store,
    _traefik,
    _verbs,
)
from ansible_collections.tidegate.platform.plugins.module_utils._call import Call
from ansible_collections.tidegate.platform.plugins.module_utils._errors import TidegateError, Unhealthy
from ansible_collections.tidegate.platform.plugins.module_utils._model import Verb
from ansible_collections.tidegate.platform.plugins.module_utils._result import failure
from ansible_collections.tidegate.platform.plugins.plugin_utils._shape import misfit

STORIES: dict[str, tuple[t.Callable[[Call], dict[str, t.Any]], _spec.Spec]] = {
    "image": (_declare.declares("image"), _spec.WORKLOAD_IMAGE),
    "dockerfile": (_declare.declares("dockerfile"), _spec.WORKLOAD_DOCKERFILE),
    "static": (_declare.declares("static"), _spec.WORKLOAD_STATIC),
    "compose": (_declare.declares("compose"), _spec.WORKLOAD_COMPOSE),
    "runner": (_declare.declares("runner"), _spec.WORKLOAD_RUNNER),
    "declare_many": (_verbs.many, _spec.WORKLOADS),
    "reconcile": (_again.reconcile, _spec.RECONCILE),
    "rollback": (_again.rollback, _spec.ROLLBACK),
    "cancel": (_again.cancel, _spec.CANCEL),
    "prune": (_prune.prune, _spec.PRUNE),
    "info": (_info.info, _spec.INFO),
    "control": (_operate.control, _spec.CONTROL),
    "exec": (_operate.execute, _spec.EXEC),
    "logs": (_logs.logs, _spec.LOGS),
    "platform_backup": (_backup.backup, _spec.BACKUP),
    "platform_restore": (_backup.restore, _spec.RESTORE),
    "platform_doctor": (_doctor.doctor, _spec.DOCTOR),
}
# What is called in the middle of each step: the kill comes when half of its work is done.
MIDDLES: dict[Verb, tuple[t.Any, str]] = {
    Verb.PULL: (_store.Store, "remember_pull"),
    Verb.PLACE: (_compose.Compose, "place"),
    Verb.ROLL: (_rolling, "_pass"),
    Verb.UP: (_rolling, "_pass"),
    Verb.KEEP_ASSETS: (_assets, "keep"),
    Verb.BUILD: (_building.Builder, "_take"),
    Verb.HOLD: (_route_files.RouteFiles, "announce"),
    Verb.RELEASE_COMMAND: (_make, "_exit_code"),
    Verb.START: (_engine.Engine, "start"),
    Verb.STAND_IN: (_engine.Engine, "start"),
    Verb.DIVERT: (_divert, "_run"),
    Verb.UNDIVERT: (_divert, "_run"),
    Verb.GATE: (_gate, "probe"),
    Verb.SWITCH: (_route_files.RouteFiles, "announce"),
    Verb.UNROUTE: (_route_files.RouteFiles, "announce"),
    Verb.PERSIST: (_store, "_claim"),
    Verb.WITHDRAW: (_store, "_claim"),
    Verb.BAKE: (_bake, "_look"),
    Verb.DRAIN: (_drain.Sockets, "__call__"),
    Verb.STOP: (_engine.Engine, "stop"),
    Verb.REAP: (_engine.Engine, "remove"),
    Verb.RESUME: (_engine.Engine, "resume"),
}
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
        return lambda world: print(_store.Store(world.on.state_dir).cancel(world.deployment), file=sys.stderr)
    if "fill" in fault:
        return lambda _world: fill(fault["fill"])
    if "run" in fault:
        # `{green}` is what the first container of this very deployment is going to be called.
        return lambda world: run(
            [
                word.replace("{green}", _names.container_names(world.want.name, world.deployment, 1)[0])
                for word in fault["run"]
            ]
        )
    return die


def arm(fault: dict[str, t.Any]) -> None:
    """Prepare an event: in the middle of a step, or right after it, once; of a switch, also when all were asked.

    With `undoing` the step fails when it is done, and the event comes after the first thing that is done to take it back.
    """
    step, happens = Verb(fault["step"]), event(fault)
    act = _acts.ACTS[step]

    def after(world: t.Any, planned: t.Any) -> str:
        detail = act(world, planned)
        _acts.ACTS[step] = act
        happens(world)
        return detail

    def middle(world: t.Any, planned: t.Any) -> str:
        points = {"before": (_files, "place"), "asked": (_traefik.Traefik, "place")}
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
        _acts.ACTS[step] = act
        perform = _apply._perform

        def first(world: t.Any, *rest: t.Any) -> None:
            perform(world, *rest)
            happens(world)

        setattr(_apply, "_perform", first)  # noqa: B010
        raise Unhealthy("it is taken back, as the test says", subject=world.key)

    ways = {"after": after, "middle": middle, "before": middle, "asked": middle, "undoing": undoing}
    _acts.ACTS[step] = ways[fault["when"]]


def die_before(target: str) -> None:
    """Prepare a kill right before something gets this name."""
    real = os.rename

    def wrapped(source: t.Any, path: t.Any, **options: t.Any) -> None:
        if str(path) == target:
            die(None)
        real(source, path, **options)

    setattr(os, "rename", wrapped)  # noqa: B010


class Shifted(_clock.Clock):
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
    call.interrupts.install()
    try:
        document = story(call)
    except TidegateError as error:
        document = {**failure(error, None, str), "failed": True}
    return {**document, "warnings": call.warnings}


def main() -> None:
    """Run one story, or those of the standard input, a line each."""
    for line in sys.stdin if sys.argv[1] == "-" else sys.argv[1:]:
        print(json.dumps(carry_out(json.loads(line))), flush=True)
        gc.collect()  # a store that is open would keep its file system busy


if __name__ == "__main__":
    main()
