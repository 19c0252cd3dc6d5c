"""Playbook runs by a process that has Ansible loaded already and forks for each: loading it is half of a run's cost.

A run is the real `ansible-playbook` from its argument list on. Molecule and the demonstration start the program itself.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import traceback
import typing as t
from pathlib import Path

# What a run imports in any case, before it forks for its first task.
PRELOADED = (
    "ansible.executor.playbook_executor",
    "ansible.executor.module_common",
    "ansible.plugins.strategy.linear",
    "ansible.plugins.action.normal",
    "ansible.plugins.connection.local",
)


class Done(t.NamedTuple):
    """How a run ended, and everything that it wrote."""

    code: int
    output: str


class Loaded:
    """The process. It ends with the one that began it.

    :param env: its environment; Ansible reads its configuration when it is loaded.
    """

    def __init__(self, env: dict[str, str]) -> None:
        argv = [sys.executable, __file__]
        self._process = subprocess.Popen(argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, argv: list[str], env: dict[str, str]) -> Done:
        """The end of one run, with an environment of its own and the working directory of now."""
        order_in, answer_out = self._process.stdin, self._process.stdout
        assert order_in
        assert answer_out
        with tempfile.NamedTemporaryFile("r", encoding="utf-8", errors="replace") as output:
            print(
                json.dumps({"argv": argv, "env": env, "cwd": os.getcwd(), "output": output.name}),
                file=order_in,
                flush=True,
            )
            answer = answer_out.readline()
            assert answer, "the process that has Ansible loaded is gone"
            return Done(int(answer), output.read())


def carry_out(order: dict[str, t.Any]) -> t.NoReturn:
    """Become the run; never comes back."""
    code = 250
    try:
        os.environ.clear()
        os.environ.update(order["env"])
        os.chdir(order["cwd"])
        into = os.open(order["output"], os.O_WRONLY | os.O_APPEND)
        for number, descriptor in enumerate((os.open(os.devnull, os.O_RDONLY), into, into)):
            os.dup2(descriptor, number)
        code = importlib.import_module("ansible.cli.playbook").main(order["argv"]) or 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001 (whatever it was, the test is to see it)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Load Ansible, then fork for every line of the standard input."""
    sys.path.remove(str(Path(__file__).parent))
    importlib.import_module("ansible.cli.playbook")
    for name in PRELOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            carry_out(json.loads(line))
        _child, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
