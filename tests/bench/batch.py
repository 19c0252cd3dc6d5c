"""Measures many workloads at once against community.docker and bare `docker compose`: `make bench-batch`.

Unchanged ones by number, fifty changed ones under load, a switch among many route files, and a rollback. Medians and
spread of one run; ratios compare, absolute times are this machine's.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import time
import typing as t
from pathlib import Path

import common
from common import play, run_until_ready, say, spread, verdict

import compose  # isort: skip
import names  # isort: skip
from harness.platforms import Options, Platform, docker  # isort: skip
from harness.load import Client, Count, Target  # isort: skip

BATCH = "tidegate.platform.workloads"
LOOP = "community.docker.docker_container"
COMPOSE_MODULE = "community.docker.docker_compose_v2"
IDLE = ["sleep", "infinity"]
CHANGED = 50
# Requests a second on each of five workloads: enough to see what is lost, too few to take the CPU from what is measured.
LIGHT = 3
# A loop of docker_container grows by a third of a second an item; beyond this it would only take long.
LOOPED_MOST = 100


class Bench:
    """One platform, and a Compose project and a loop of containers beside it."""

    def __init__(self, platform: Platform, rounds: int) -> None:
        self.platform, self.rounds = platform, rounds
        self.config = compose.config()
        self.project = f"bench{os.urandom(3).hex()}"
        self.folder = platform.root / "compose"
        self.folder.mkdir()

    # -- the same thing in three ways ---------------------------------------------------------------------------

    def ours(self, count: int, version: str = "1", *, routed: bool = False) -> Options:
        """Our declaration of `count` workloads."""
        common_part = {"image": names.image("app", version), "networks": [self.platform.network], "stop_timeout": 3}
        idle = {"command": IDLE, "health": {"type": "window", "window": 0.05}}
        workloads = []
        for number in range(count):
            name = f"bench-{'r' if routed else 'i'}{number:03d}"
            web = {"port": 8000, "health": {"path": "/healthz"}, "routes": [{"host": f"{name}.test"}]}
            workloads.append({"name": name, **common_part, **(web if routed else idle)})
        return {**self.platform.places(), "workloads": workloads}

    def services(self, count: int, version: str = "1", *, routed: bool = False) -> Path:
        """The same for Compose: image, network, restart policy, security options."""
        service: Options = {
            "image": names.image("app", version),
            "restart": "unless-stopped",
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "stop_grace_period": "3s",
            "networks": ["shared"],
            **({} if routed else {"command": IDLE}),
        }
        prefix = "r" if routed else "i"
        project = {
            "name": self.project + prefix,
            "services": {f"{self.project}-{prefix}{number:03d}": service for number in range(count)},
            "networks": {"shared": {"name": self.platform.network, "external": True}},
        }
        path = self.folder / "compose.yaml"
        path.write_text(json.dumps(project))
        return path

    def containers(self, count: int) -> list[Options]:
        """The same for a loop of docker_container, as tasks of one play."""
        network = [{"name": self.platform.network}]
        return [
            {
                "name": f"{self.project}-l{number:03d}",
                "image": names.image("app"),
                "pull": "missing",
                "command": IDLE,
                "networks": network,
                "restart_policy": "unless-stopped",
                "capabilities": [],
                "cap_drop": ["ALL"],
                "security_opts": ["no-new-privileges:true"],
                "labels": {names.LABEL: "1"},
            }
            for number in range(count)
        ]

    def compose(self, *words: str) -> float:
        """Seconds of a bare `docker compose` process."""
        env = {**os.environ, "DOCKER_CONFIG": str(self.config)}
        begun = time.monotonic()
        argv = ["docker", "compose", "-f", str(self.folder / "compose.yaml"), *words]
        subprocess.run(argv, env=env, check=True, capture_output=True)
        return time.monotonic() - begun

    # -- measurements -------------------------------------------------------------------------------------------

    def unchanged(self, count: int) -> None:
        """One task for all of them, when nothing changed."""
        begun = time.monotonic()
        play(self.platform, BATCH, [self.ours(count)])
        self.services(count)
        self.compose("up", "-d")
        loop = [{key: value for key, value in row.items() if key != "capabilities"} for row in self.containers(count)]
        if count <= LOOPED_MOST:
            play(self.platform, LOOP, loop)
        print(f"\n{count} unchanged workloads (set up in {time.monotonic() - begun:.0f} s)")
        runs = [play(self.platform, BATCH, [self.ours(count)]) for _round in range(self.rounds)]
        inside = [results[0]["stats"]["seconds"] for _seconds, results in runs]
        bare = [self.compose("up", "-d") for _round in range(self.rounds)]
        options = {"project_src": str(self.folder), "state": "present"}
        env = {"environment": {"DOCKER_CONFIG": str(self.config)}}
        module = [play(self.platform, COMPOSE_MODULE, [options], **env)[0] for _round in range(self.rounds)]
        times = 0 if count > LOOPED_MOST else 1 if count > 10 else self.rounds
        looped = [play(self.platform, LOOP, loop)[0] for _round in range(times)]
        assert all(not results[0]["changed"] for _seconds, results in runs)
        say("ours, inside the module", spread(inside))
        say("bare docker compose up -d, whole process", spread(bare))
        say("ours, whole playbook", spread([seconds for seconds, _results in runs], "s", 1))
        say(f"{COMPOSE_MODULE}, whole playbook", spread(module, "s", 1))
        if looped:
            say(f"{LOOP} in a loop, whole playbook", spread(looped, "s", 1))
        say("ours, requests to the engine", f"{runs[0][1][0]['stats']['engine_requests']:8d}")
        say("ours, peak memory of the module", f"{runs[0][1][0]['stats']['peak_memory'] / 2**20:8.1f} MiB")
        ours = statistics.median(seconds for seconds, _results in runs)
        if count == 100:
            verdict("100 unchanged <= 0.3 s inside the module", statistics.median(inside) <= 0.3)
            ratio = statistics.median(inside) / statistics.median(bare)
            verdict(f"100 unchanged within 3 times of bare compose ({ratio:.2f})", ratio <= 3)
            verdict(
                "less wall time than both community.docker modules",
                ours < min(map(statistics.median, (module, looped))),
            )
        self.clear(count)

    def clear(self, count: int) -> None:
        """Take the idle ones away again."""
        self.compose("down", "-t", "0")
        if count <= LOOPED_MOST:
            docker("rm", "-f", *(row["name"] for row in self.containers(count)))
        self.remove([row["name"] for row in self.ours(count)["workloads"]])

    def remove(self, wanted: t.Sequence[str]) -> None:
        """Tear workloads down."""
        absent = [{"name": name, "state": "absent", "stop_timeout": 0, "drain": {"timeout": 0}} for name in wanted]
        play(self.platform, BATCH, [{**self.platform.places(), "workloads": absent}])

    def changed(self) -> None:
        """Fifty changes of version, ours blue-green and Compose's recreate: first timed, then counted under load.

        Not both at once: the load would cost processor time only where it is served.
        """
        play(self.platform, BATCH, [self.ours(CHANGED, routed=True)])
        self.services(CHANGED, routed=True)
        self.compose("up", "-d")
        rival_routes = self.route_compose()
        ours: list[tuple[float, float]] = []
        theirs: list[tuple[float, float]] = []
        versions = (["2", "1"] * self.rounds)[: self.rounds + self.rounds % 2]
        for version in versions:
            ours.append(self.change(version))
            theirs.append(self.recreate(version))
        lost = {"ours": Count(), "compose": Count()}
        for version in ("2", "1"):
            with loads(self.platform, [f"bench-r{n:03d}.test" for n in range(0, CHANGED, 10)], lost["ours"]):
                self.change(version)
            with loads(self.platform, [f"rival-{n:03d}.test" for n in range(0, CHANGED, 10)], lost["compose"]):
                self.recreate(version)
        inside = [seconds for seconds, _whole in ours]
        print(f"\n{CHANGED} changed workloads")
        say("ours, blue-green, inside the module", spread(inside, "s", 1))
        say("ours, blue-green, whole playbook", spread([whole for _seconds, whole in ours], "s", 1))
        bare = [returned for returned, _served in theirs]
        say("docker compose up -d, recreate, whole process", spread(bare, "s", 1))
        say("docker compose up -d, until all of them answer", spread([served for _returned, served in theirs], "s", 1))
        for name, count in lost.items():
            say(f"{name}: lost at {LIGHT} requests a second on five of them", f"{count.lost:8d} of {count.requests}")
        ratio = statistics.median(inside) / statistics.median(bare)
        verdict(f"50 changed in no more wall time than docker compose up -d ({ratio:.2f})", ratio <= 1.0)
        verdict("0 requests lost", lost["ours"].lost == 0)
        rival_routes.unlink()
        self.compose("down", "-t", "0")
        self.remove([row["name"] for row in self.ours(CHANGED, routed=True)["workloads"]])

    def change(self, version: str) -> tuple[float, float]:
        """Seconds inside the module, and of the whole playbook, of fifty blue-green deployments."""
        seconds, results = play(self.platform, BATCH, [self.ours(CHANGED, version, routed=True)])
        assert results[0]["summary"]["changed"] == CHANGED, results[0].get("msg")
        return results[0]["stats"]["seconds"], seconds

    def recreate(self, version: str) -> tuple[float, float]:
        """Seconds of Compose for as many: until it returns, and until all of them answer, as ours do when it returns."""
        self.services(CHANGED, version, routed=True)
        begun = time.monotonic()
        returned = self.compose("up", "-d")
        own = docker("ps", "-q", "--filter", f"label=com.docker.compose.project={self.project}r").split()
        form = '{{(index .NetworkSettings.Networks "' + self.platform.network + '").IPAddress}}'
        for address in docker("inspect", "--format", form, *own).split():
            while not common.answers(address):
                time.sleep(0.01)
        return returned, time.monotonic() - begun

    def route_compose(self) -> Path:
        """Routes to some of Compose's services, so that the same load can be put on them.

        With the timeouts that our routes have: a dial to a container that is gone would otherwise last half a minute, and
        end in one of ours that was given its address meanwhile.
        """
        routers, services = {}, {}
        transports = {"rival": {"forwardingTimeouts": {"dialTimeout": "5s", "idleConnTimeout": "500ms"}}}
        for number in range(0, CHANGED, 10):
            key = f"rival-{number:03d}"
            routers[key] = {"rule": f"Host(`{key}.test`)", "service": key, "entryPoints": ["web"]}
            url = f"http://{self.project}-r{number:03d}:8000"
            services[key] = {"loadBalancer": {"servers": [{"url": url}], "serversTransport": "rival"}}
        path = self.platform.state / "routes" / "rival.yml"
        document = {"routers": routers, "services": services, "serversTransports": transports}
        path.write_text(json.dumps({"http": document}))
        while self.platform.get("rival-000.test")[0] != 200:
            time.sleep(0.05)
        return path

    def routes(self, count: int) -> None:
        """The switch of one workload among many route files, and what the module's memory does."""
        name = "bench-route"
        own = {"name": name, "port": 8000, "health": {"path": "/healthz"}, "networks": [self.platform.network]}
        own.update(routes=[{"host": f"{name}.test"}], drain={"timeout": 1}, stop_timeout=3)
        one = {**self.platform.places(), **own}
        play(self.platform, "tidegate.platform.workload_image", [{**one, "image": names.image("app")}])
        versions = (["2", "1"] * self.rounds)[: self.rounds]
        tasks = [{**one, "image": names.image("app", version)} for version in versions]
        with self.crowd(name, count - 1):
            _seconds, results = play(self.platform, "tidegate.platform.workload_image", tasks)
        switches = [step["seconds"] for r in results for step in r["steps"] if step["name"] == "switch"]
        print(f"\na switch among {count} route files")
        say("route confirmed after", spread(switches))
        say("peak memory of the module", f"{max(r['stats']['peak_memory'] for r in results) / 2**20:8.1f} MiB")
        self.remove([name])

    @contextlib.contextmanager
    def crowd(self, name: str, count: int) -> t.Iterator[None]:
        """Route files of `count` other workloads, as one of ours has them, for the length of a block."""
        notice = self.platform.state / "routes" / "changed"
        text = self.platform.route(name).read_text()
        others = [f"bench-x{number:04d}" for number in range(count)]
        for other in others:
            self.platform.route(other).write_text(text.replace(name, other))
        notice.touch()
        while others and self.platform.get(f"{others[-1]}.test")[0] != 502:
            time.sleep(0.1)
        yield
        for other in others:
            self.platform.route(other).unlink()
        notice.touch()

    def crowded(self, files: int) -> None:
        """Fifty changes beside the routes of many other workloads: Traefik reads all of them at every event."""
        play(self.platform, BATCH, [self.ours(CHANGED, routed=True)])
        with self.crowd("bench-r000", files):
            beside = [self.change(version)[0] for version in ("2", "1") * 2]
        alone = [self.change(version)[0] for version in ("2", "1") * 2]
        print(f"\n{CHANGED} changed workloads beside {files} routes of others")
        say("inside the module, without them", spread(alone, "s", 1))
        say("inside the module, beside them", spread(beside, "s", 1))
        ratio = statistics.median(beside) / statistics.median(alone)
        verdict(f"a batch costs about the same beside {files} other routes ({ratio:.2f})", ratio <= 1.25)
        self.remove([row["name"] for row in self.ours(CHANGED, routed=True)["workloads"]])

    def rollback(self) -> None:
        """Back to the previous release, against the application's own start."""
        name = "bench-back"
        own = {"name": name, "port": 8000, "health": {"path": "/healthz"}, "networks": [self.platform.network]}
        one = {**self.platform.places(), **own, "routes": [{"host": f"{name}.test"}]}
        two = [{**one, "image": names.image("app", version)} for version in ("1", "2")]
        play(self.platform, "tidegate.platform.workload_image", two)
        starts = [run_until_ready(self.platform) for _round in range(self.rounds)]
        goals = (["1", "2"] * self.rounds)[: self.rounds]
        tasks = [{**self.platform.places(), "name": name, "to": goal} for goal in goals]
        _seconds, results = play(self.platform, "tidegate.platform.workload_rollback", tasks)
        assert all(result["changed"] for result in results)
        served = [sum(s["seconds"] for s in r["steps"][:3]) for r in results]
        whole = [result["stats"]["seconds"] for result in results]
        print("\nrollback to the previous release")
        say("docker run until ready (the application's own start)", spread(starts))
        say("until the earlier release serves", spread(served))
        say("all of it, drain and removal included", spread(whole))
        ratio = statistics.median(whole) / statistics.median(starts)
        verdict(f"rollback in less than twice the application's own start ({ratio:.2f})", ratio < 2)
        self.remove([name])

    def sweep(self) -> None:
        """Whatever a measurement that failed left."""
        for prefix in "ri":
            own = docker("ps", "-aq", "--filter", f"label=com.docker.compose.project={self.project}{prefix}").split()
            if own:
                docker("rm", "-f", *own)
        looped = docker("ps", "-aq", "--filter", f"name={self.project}-l").split()
        if looped:
            docker("rm", "-f", *looped)
        label = f"label=tidegate.state_dir={self.platform.state}"
        found = docker("ps", "-a", "--filter", label, "--format", '{{.Label "tidegate.workload"}}').split()
        left = [name for name in found if name.startswith("bench-")]
        if left:
            self.remove(sorted(set(left)))


@contextlib.contextmanager
def loads(platform: Platform, hosts: t.Sequence[str], total: Count) -> t.Iterator[None]:
    """A light load on several hosts for the length of a block; what it counts is added up."""
    clients = [Client(Target(host, port=platform.ports.http), "keepalive", LIGHT).start() for host in hosts]
    try:
        yield
    finally:
        for client in clients:
            count = client.stop()
            total.requests += count.requests
            total.lost += count.lost


def main() -> None:
    """Measure what is asked for; exit 1 when a budget is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="repetitions of each measurement")
    parser.add_argument("--counts", default="1,10,100,300", help="numbers of unchanged workloads")
    parser.add_argument("--files", default="1,100,1000", help="numbers of route files")
    parser.add_argument("--only", default="rollback,routes,crowded,changed,unchanged", help="what to measure")
    options = parser.parse_args()
    benches: list[Bench] = []

    def clean(_platform: Platform) -> None:
        for one in benches:
            one.sweep()

    with common.provisioned(clean) as platform:
        bench = Bench(platform, options.rounds)
        benches.append(bench)
        wanted = options.only.split(",")
        if "rollback" in wanted:
            bench.rollback()
        for count in map(int, options.files.split(",") if "routes" in wanted else ()):
            bench.routes(count)
        if "crowded" in wanted:
            bench.crowded(1000)
        if "changed" in wanted:
            bench.changed()
        for count in map(int, options.counts.split(",") if "unchanged" in wanted else ()):
            bench.unchanged(count)
    common.end()


if __name__ == "__main__":
    main()
