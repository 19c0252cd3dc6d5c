"""Real `ansible-playbook` runs against the real engine, and independent looks at what they left."""

from __future__ import annotations

import contextlib
import functools
import http.client
import json
import os
import socket
import sqlite3
import subprocess
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import names

from .loaded import Loaded
from .stories import Tellers

HERE = Path(__file__).parent
MODULE = "tidegate.platform.workload_image"
Options = dict[str, t.Any]


@functools.cache
def loaded(configuration: tuple[tuple[str, str], ...]) -> Loaded:
    """One process that has Ansible loaded for each test process, by Ansible's configuration in the environment."""
    return Loaded({**os.environ, **dict(configuration), "PATH": f"{names.venv()}:{os.environ['PATH']}"})


@functools.cache
def tellers(collections: str, configuration: str, path: str) -> Tellers:
    """Processes that have the modules loaded, for each test process, configuration of Docker's client and search path."""
    return Tellers({**os.environ, "PYTHONPATH": collections, "DOCKER_CONFIG": configuration, "PATH": path})


@dataclass
class Task:
    """One module call; a failure does not end the play."""

    options: Options
    check: bool = False
    module: str = MODULE


class Ports(t.NamedTuple):
    """Ports of a platform's entry points and API on this machine."""

    http: int
    https: int
    api: int


@dataclass
class Platform:
    """A provisioned platform of one test session: ports, directories and network of its own."""

    root: Path
    label: str
    ports: Ports
    variables: Options = field(default_factory=dict)
    collections: str = str(names.COLLECTIONS)

    @property
    def state(self) -> Path:
        """Its state directory."""
        return self.root / "state"

    def route(self, workload: str, environment: str = "production") -> Path:
        """A workload's route file."""
        return self.state / "routes" / "workloads" / f"{workload}.{environment}.yml"

    @property
    def network(self) -> str:
        """Its network."""
        return f"tidegate-{self.label}"

    def places(self) -> Options:
        """The module's options for this host."""
        return {
            "state_dir": str(self.state),
            "routes_dir": str(self.state / "routes"),
            "traefik_api": f"http://127.0.0.1:{self.ports.api}",
        }

    def inventory(self) -> Options:
        """Inventory variables for roles and playbooks."""
        return {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "tidegate_become": False,
            "tidegate_state_dir": str(self.state),
            "docker_source": "none",
            "traefik_image": names.image("traefik", "3.7.15"),
            "traefik_catch_all_image": names.image("caddy", "2.11.7"),
            "traefik_network": self.network,
            "platform_base_networks": [{"name": self.network}],
            "platform_base_group": "root",
            "tidegate_backup_dir": str(self.root / "backups"),
            "traefik_address": "127.0.0.1",
            "traefik_http_port": self.ports.http,
            "traefik_https_port": self.ports.https,
            "traefik_api_port": self.ports.api,
            **self.variables,
        }

    def hosts(self) -> dict[str, Options]:
        """Inventory variables of every host."""
        return {"localhost": self.inventory()}

    def playbook(self, name: str, *arguments: str, **extra: t.Any) -> Play:
        """Run a playbook by path or full name."""
        self.root.mkdir(parents=True, exist_ok=True)
        inventory = self.root / "inventory.json"
        inventory.write_text(json.dumps({"all": {"hosts": self.hosts()}}))
        capture = self.root / f"capture-{os.urandom(4).hex()}.jsonl"
        argv = ["ansible-playbook", name, "-i", str(inventory), *arguments]
        if extra:
            argv += ["-e", json.dumps(extra)]
        env = self.environment(capture)
        done = loaded(tuple((k, v) for k, v in env.items() if k.startswith("ANSIBLE_"))).run(argv, env)
        rows = [json.loads(line) for line in capture.read_text().splitlines()] if capture.exists() else []
        return Play(done.code, done.output, rows)

    def environment(self, capture: Path) -> dict[str, str]:
        """Environment of ansible-playbook."""
        env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE" and not k.startswith("ANSIBLE_")}
        return {
            **env,
            "ANSIBLE_COLLECTIONS_PATH": self.collections,
            "ANSIBLE_HOME": str(names.ROOT / ".cache" / "ansible"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_CONFIG": str(HERE / "ansible.cfg"),
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "capture",
            "CAPTURE_FILE": str(capture),
            "PATH": f"{names.venv()}:{os.environ['PATH']}",
        }

    def write_play(self, tasks: t.Sequence[Task]) -> Path:
        """A playbook file with these tasks."""
        entries = [
            {
                "name": f"task {number}",
                task.module: {**self.places(), **task.options},
                "check_mode": task.check,
                "diff": True,
                "ignore_errors": True,
            }
            for number, task in enumerate(tasks)
        ]
        self.root.mkdir(parents=True, exist_ok=True)
        path = self.root / f"play-{os.urandom(4).hex()}.json"
        path.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": entries}]))
        return path

    def tasks(self, *tasks: Task) -> list[Options]:
        """Results of these module calls, in order."""
        play = self.playbook(str(self.write_play(tasks)))
        results = play.results
        assert len(results) == len(tasks), play.output
        return results

    def directly(self, *tasks: Task) -> list[Options]:
        """The same without Ansible around it, for many: each task of a play is a process that compiles the module anew."""
        kinds = [task.module.rpartition(".")[2].removeprefix("workload_") for task in tasks]
        return self.stories(
            {"story": kind, "params": task.options, "check": task.check, "diff": True}
            for kind, task in zip(kinds, tasks, strict=True)
        )

    def stories(self, orders: t.Iterable[Options]) -> list[Options]:
        """Results of these stories of modules, by one process; a traceback is a failure."""
        configuration = os.environ.get("DOCKER_CONFIG", "")
        return tellers(self.collections, configuration, os.environ["PATH"])(
            {**order, "params": {**self.places(), **order["params"]}} for order in orders
        )

    def apply(self, **options: t.Any) -> Options:
        """Result of one declaration, without Ansible around it."""
        return self.directly(Task(options))[0]

    def get(
        self, host: str, path: str = "/", address: str = "127.0.0.1", port: int = 0
    ) -> tuple[int, dict[str, str], str]:
        """Status, headers and body through the proxy, or from a port of its own."""
        connection = http.client.HTTPConnection(address, port or self.ports.http, timeout=10)
        try:
            connection.request("GET", path, headers={"Host": host})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode()
        finally:
            connection.close()

    def version(self, host: str) -> str:
        """Version of the demonstration application that answers."""
        status, _headers, body = self.get(host)
        assert status == 200, body
        return str(json.loads(body)["version"])

    def rows(self, query: str, *values: t.Any) -> list[t.Any]:
        """Rows of the store, read past the platform's own code."""
        with sqlite3.connect(f"file:{self.state / 'tidegate.db'}?mode=ro", uri=True) as db:
            return db.execute(query, values).fetchall()


@dataclass
class Play:
    """A finished playbook run."""

    code: int
    output: str
    rows: list[Options]

    def ok(self) -> Play:
        """The same, if it succeeded."""
        assert self.code == 0, self.output
        return self

    @property
    def results(self) -> list[Options]:
        """What each task returned."""
        return [{"failed": row["failed"], **row["result"]} for row in self.rows]

    @property
    def changed(self) -> list[str]:
        """Names of the tasks that changed something."""
        return [row["task"] for row in self.rows if row["result"].get("changed")]


def fresh(prefix: str) -> Platform:
    """A platform that nobody has, with ports that nothing listens on now."""
    label = f"{prefix}{os.urandom(3).hex()}"
    return Platform(names.CACHE / label, label, Ports(*free_ports(3)))


@contextlib.contextmanager
def provisioned(made: Platform) -> t.Iterator[Platform]:
    """Set up by the real playbook, and taken away by it."""
    try:
        made.playbook("tidegate.platform.site").ok()
        yield made
    finally:
        made.playbook("tidegate.platform.site", traefik_state="absent")
        docker("network", "rm", made.network, check=False)


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _port in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for used in sockets:
        used.close()
    return ports


def docker(*arguments: str, check: bool = True) -> str:
    """Output of the docker command: an independent look at the engine."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, done.stderr
    return done.stdout.strip()


def containers(workload: str, *, everything: bool = True) -> list[str]:
    """Names of a workload's containers."""
    flags = ["-a"] if everything else []
    form = ["--format", "{{.Names}}"]
    return sorted(docker("ps", *flags, "--filter", f"label=tidegate.workload={workload}", *form).split())
