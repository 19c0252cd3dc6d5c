"""Measures workloads that are built, and Compose projects, against docker and Compose themselves: `make bench-sources`.

What an unchanged source costs, and what a change of a Compose project loses. Medians and spread of one run; ratios
compare, absolute times are this machine's.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import time
import typing as t
from pathlib import Path

import common
from common import ROOT, play, say, spread, verdict

import compose  # isort: skip
import names  # isort: skip
from harness.platforms import Options, Platform, docker  # isort: skip
from harness.load import Client, Target  # isort: skip

TREE = ROOT / "tests" / "harness" / "trees" / "app"
RATE = 100
CHANGES = 6


def timed(argv: list[str], **more: str) -> float:
    """Seconds of a whole process."""
    begun = time.monotonic()
    subprocess.run(argv, env={**os.environ, **more}, check=True, capture_output=True)
    return time.monotonic() - begun


class Bench:
    """One platform, and the same things beside it by docker's own commands."""

    def __init__(self, platform: Platform, rounds: int) -> None:
        self.platform, self.rounds = platform, rounds
        self.name = f"bench-{os.urandom(3).hex()}"
        self.folder = platform.root / "rival"
        self.folder.mkdir()
        self.config = {"DOCKER_CONFIG": str(compose.config())}
        os.environ.update(self.config)

    def remove(self, kind: str) -> None:
        """Tear the workload down."""
        gone = {**self.platform.places(), "name": self.name, "state": "absent"}
        play(self.platform, f"tidegate.platform.workload_{kind}", [gone])

    def built(self) -> None:
        """An unchanged Dockerfile: nothing is built, against a `docker build` whose every step is cached."""
        tree = Path(shutil.copytree(TREE, self.folder / "tree"))
        args = {"BASE": names.image("app"), "RELEASE": "1"}
        one = {
            **self.platform.places(),
            "name": self.name,
            "source": {"path": str(tree), "remote": True},
            "build": {"args": args},
            "networks": [self.platform.network],
        }
        module = "tidegate.platform.workload_dockerfile"
        play(self.platform, module, [one])
        words = [word for key, value in args.items() for word in ("--build-arg", f"{key}={value}")]
        rival = ["docker", "build", "-q", "-t", f"{self.name}:1", "--label", f"{names.LABEL}=1", *words, str(tree)]
        timed(rival, DOCKER_BUILDKIT="0")
        _seconds, results = play(self.platform, module, [one] * self.rounds)
        assert not any(result["changed"] for result in results)
        inside = [result["stats"]["seconds"] for result in results]
        cached = [timed(rival, DOCKER_BUILDKIT="0") for _round in range(self.rounds)]
        print("\nan unchanged Dockerfile")
        say("ours, inside the module: neither built nor restarted", spread(inside))
        say("docker build with every step cached, whole process", spread(cached))
        verdict("unchanged in less than a cached build", statistics.median(inside) < statistics.median(cached))
        self.remove("dockerfile")
        docker("rmi", "-f", f"{self.name}:1", check=False)

    def project(self, version: str) -> Options:
        """A Compose project of five services, one of them routed."""
        idle: Options = {"image": names.image("app"), "command": ["sleep", "infinity"], "init": True}
        web: Options = {"image": names.image("app", version), "stop_grace_period": "3s"}
        side = {f"side{number}": {**idle, "labels": {names.LABEL: "1"}} for number in range(4)}
        return {"services": {"web": {**web, "labels": {names.LABEL: "1"}}, **side}}

    def stack(self, version: str) -> Options:
        """Our declaration of it."""
        web = {"name": "web", "port": 8000, "health": {"path": "/healthz"}}
        own = {"network": self.platform.network, "services": [{**web, "routes": [{"host": f"{self.name}.test"}]}]}
        declared = {"name": self.name, "strategy": "rolling", "drain": {"timeout": 5}}
        return {**self.platform.places(), **declared, "compose": {**own, "definition": self.project(version)}}

    def rival(self, version: str) -> float:
        """Seconds of bare `docker compose up -d` of the same project, with the routed network."""
        project = self.project(version)
        project["services"]["web"]["networks"] = ["default", "routed"]
        project["networks"] = {"routed": {"name": self.platform.network, "external": True}}
        path = self.folder / "compose.json"
        path.write_text(json.dumps({"name": f"{self.name}-rival", **project}))
        return timed(["docker", "compose", "-f", str(path), "up", "-d"])

    def stacks(self) -> None:
        """An unchanged project, and six changes of its routed service under load."""
        module = "tidegate.platform.workload_compose"
        play(self.platform, module, [self.stack("1")])
        self.rival("1")
        route = self.route()
        _seconds, results = play(self.platform, module, [self.stack("1")] * self.rounds)
        assert not any(result["changed"] for result in results)
        inside = [result["stats"]["seconds"] for result in results]
        bare = [self.rival("1") for _round in range(self.rounds)]
        print("\na Compose project of five services, unchanged")
        say("ours, inside the module", spread(inside))
        say("bare docker compose up -d, whole process", spread(bare))
        ratio = statistics.median(inside) / statistics.median(bare)
        verdict(f"unchanged in no more than docker compose up -d ({ratio:.2f})", ratio <= 1.0)
        versions = (["2", "1"] * CHANGES)[:CHANGES]
        ours = self.under_load(f"{self.name}.test", lambda: play(self.platform, module, [*map(self.stack, versions)]))
        theirs = self.under_load("rival.test", lambda: [self.rival(version) for version in versions])
        print(f"\n{CHANGES} changes of its routed service, {RATE} requests a second")
        say("ours, rolling: requests lost", f"{ours[0]:8d} of {ours[1]}")
        say("docker compose up -d: requests lost", f"{theirs[0]:8d} of {theirs[1]}")
        verdict("0 requests lost", ours[0] == 0)
        route.unlink()
        subprocess.run(
            ["docker", "compose", "-p", f"{self.name}-rival", "down", "-t", "0"], check=True, capture_output=True
        )
        self.remove("compose")

    def route(self) -> Path:
        """A route to the rival's service, with the timeouts that ours have."""
        path = self.platform.state / "routes" / "rival.yml"
        server = {"url": f"http://{self.name}-rival-web-1:8000"}
        document = {
            "routers": {"rival": {"rule": "Host(`rival.test`)", "service": "rival", "entryPoints": ["web"]}},
            "services": {"rival": {"loadBalancer": {"servers": [server], "serversTransport": "rival"}}},
            "serversTransports": {"rival": {"forwardingTimeouts": {"dialTimeout": "5s", "idleConnTimeout": "500ms"}}},
        }
        path.write_text(json.dumps({"http": document}))
        while self.platform.get("rival.test")[0] != 200:
            time.sleep(0.05)
        return path

    def under_load(self, host: str, change: t.Callable[[], object]) -> tuple[int, int]:
        """Requests lost and sent while something is changed."""
        client = Client(Target(host, port=self.platform.ports.http), "keepalive", RATE).start()
        try:
            change()
        finally:
            count = client.stop()
        return count.lost, count.requests

    def sweep(self) -> None:
        """Whatever a measurement that failed left."""
        for project in (f"{self.name}-rival", f"tg-{self.name}-production"):
            own = docker("ps", "-aq", "--filter", f"label=com.docker.compose.project={project}").split()
            if own:
                docker("rm", "-f", *own)
        own = docker("ps", "-aq", "--filter", f"label=tidegate.workload={self.name}").split()
        if own:
            docker("rm", "-f", *own)


def main() -> None:
    """Measure; exit 1 when a budget is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="repetitions of each measurement")
    options = parser.parse_args()
    benches: list[Bench] = []

    def clean(_platform: Platform) -> None:
        for one in benches:
            one.sweep()

    with common.provisioned(clean) as platform:
        bench = Bench(platform, options.rounds)
        benches.append(bench)
        bench.built()
        bench.stacks()
    common.end()


if __name__ == "__main__":
    main()
