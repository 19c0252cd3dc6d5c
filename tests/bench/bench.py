"""Measures the platform against `docker run` and community.docker in one run: `make bench`.

This prints medians and spread (10th to 90th percentile) of every figure, and what each loses under the same load.
Ratios of figures of one run compare; absolute times are this machine's.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import typing as t

import common
from common import play, run_until_ready, say, spread, verdict

import names  # isort: skip
from counting import Relay  # isort: skip
from harness.platforms import Options, Platform, Task, docker  # isort: skip
from harness.load import Client, Count, Target  # isort: skip

RIVAL = "community.docker.docker_container"
PING = "ansible.builtin.ping"
ROUNDS = 5  # interleaved
HOST = "bench.test"
RIVAL_HOST = "rival.test"


class Bench:
    """One platform to measure on."""

    def __init__(self, platform: Platform, rounds: int) -> None:
        self.platform, self.rounds = platform, rounds
        self.relay = Relay(platform.root / "engine.sock")

    def ours(self, version: str = "1", **more: t.Any) -> Options:
        """Our declaration of the application."""
        return {
            "name": "bench",
            "image": names.image("app", version),
            "port": 8000,
            "networks": [self.platform.network],
            "health": {"path": "/healthz"},
            "routes": [{"host": HOST}],
            **more,
        }

    def rival(self, version: str = "1") -> Options:
        """The nearest declaration that community.docker has: same image, network, limits and restart policy."""
        return {
            "name": "bench-rival",
            "image": names.image("app", version),
            "pull": "missing",
            "networks": [{"name": self.platform.network}],
            "restart_policy": "unless-stopped",
            "labels": {names.LABEL: "1"},
            "docker_host": self.relay.address,
        }

    def play(self, module: str, options: t.Sequence[Options]) -> tuple[float, list[Options]]:
        """Seconds and results of one playbook with these tasks."""
        return play(self.platform, module, options)

    def redeploy(self) -> None:
        """Blue-green beyond the application's own start and its drain."""
        plain = [run_until_ready(self.platform) for _round in range(self.rounds)]
        options = [{**self.platform.places(), **self.ours(v)} for v in ["1", *("2", "4") * (self.rounds // 2)]]
        _seconds, results = self.play("tidegate.platform.workload_image", options)
        took, drained = [], []
        for result in results[1:]:
            by_name = {step["name"]: step["seconds"] for step in result["steps"]}
            took.append(result["stats"]["seconds"])
            drained.append(by_name["drain"])
        overhead = [total - drain - statistics.median(plain) for total, drain in zip(took, drained, strict=True)]
        print("\nblue-green redeploy, inside the module")
        say("docker run until ready (the application's own start)", spread(plain))
        say("redeploy, all of it", spread(took))
        say("  of it measured drain", spread(drained))
        say("redeploy beyond own start and drain", spread(overhead))
        verdict("blue-green overhead <= 1 s", statistics.median(overhead) <= 1.0)

    def unchanged(self) -> None:
        """A no-op, inside the module and as a task, against community.docker."""
        places = self.platform.places()
        base = [{**places, **self.ours(), "docker_host": self.relay.address}]
        self.play("tidegate.platform.workload_image", base)
        self.play(RIVAL, [self.rival()])
        before = self.relay.requests
        many, results = self.play("tidegate.platform.workload_image", base * (self.rounds + 1))
        ours_requests = (self.relay.requests - before) / (self.rounds + 1)
        one, _results = self.play("tidegate.platform.workload_image", base)
        before = self.relay.requests
        rival_many, _results = self.play(RIVAL, [self.rival()] * (self.rounds + 1))
        rival_requests = (self.relay.requests - before) / (self.rounds + 1)
        rival_one, _results = self.play(RIVAL, [self.rival()])
        inside = [r["stats"]["seconds"] for r in results]
        print("\nunchanged run")
        say("inside the module, reading and deciding", spread(inside))
        say("  loading the Docker SDK beside it", spread([r["stats"]["sdk_seconds"] for r in results]))
        say("as a task (marginal)", f"{(many - one) / self.rounds * 1000:8.1f} ms")
        say(f"{RIVAL} as a task (marginal)", f"{(rival_many - rival_one) / self.rounds * 1000:8.1f} ms")
        say("Engine requests, ours", f"{ours_requests:8.1f}")
        say(f"Engine requests, {RIVAL}", f"{rival_requests:8.1f}")
        verdict("unchanged <= 4 Engine requests", ours_requests <= 4)
        verdict("unchanged <= 60 ms inside the module", statistics.median(inside) <= 0.060)

    def beside_ping(self) -> None:
        """What Ansible itself costs, and we beside it: a task, and the playbook `deploy` of one unchanged workload."""
        declared = {**self.platform.places(), **self.ours()}
        pings: list[float] = []
        ours: list[float] = []
        plays: list[float] = []
        deploys: list[float] = []
        many = self.rounds // 2
        for _round in range(ROUNDS):
            for module, options, found in ((PING, {}, pings), ("tidegate.platform.workload_image", declared, ours)):
                alone, _results = self.play(module, [options])
                together, _results = self.play(module, [options] * (many + 1))
                found.append((together - alone) / many)
                plays += [alone] if module == PING else []
            begun = time.monotonic()
            played = self.platform.playbook("tidegate.platform.deploy", tidegate_workloads=[self.ours()]).ok()
            deploys.append(time.monotonic() - begun)
            assert played.changed == [], played.changed
        print("\nbeside a task of ansible.builtin.ping, in the same run")
        say("ping as a task (marginal)", spread(pings))
        say("an unchanged workload_image as a task (marginal)", spread(ours))
        say("a play with one ping", spread(plays))
        say("ansible-playbook deploy of one unchanged workload", spread(deploys))
        task = statistics.median(a / b for a, b in zip(ours, pings, strict=True))
        whole = statistics.median(a / b for a, b in zip(deploys, plays, strict=True))
        verdict(f"a task <= 1.8 times a ping ({task:.2f})", task <= 1.8)
        verdict(f"deploy <= 1.5 times a play with one ping ({whole:.2f})", whole <= 1.5)

    def changes(self) -> None:
        """The same change of version under the same load: seconds and requests lost."""
        versions = ["2", "1"] * 3
        self.play("tidegate.platform.workload_image", [{**self.platform.places(), **self.ours()}])
        self.play(RIVAL, [self.rival()])
        route = self.platform.state / "routes" / "rival.yml"
        url = "http://bench-rival:8000"
        service = {"loadBalancer": {"servers": [{"url": url}]}}
        router = {"rule": f"Host(`{RIVAL_HOST}`)", "service": "rival", "entryPoints": ["web"]}
        route.write_text(json.dumps({"http": {"routers": {"rival": router}, "services": {"rival": service}}}))
        while self.platform.get(RIVAL_HOST)[0] != 200:
            time.sleep(0.05)
        ours = self.under_load(
            HOST, "tidegate.platform.workload_image", [{**self.platform.places(), **self.ours(v)} for v in versions]
        )
        theirs = self.under_load(RIVAL_HOST, RIVAL, [self.rival(v) for v in versions])
        print(f"\n{len(versions)} changes of version under 200 requests a second")
        for title, (seconds, count) in (("tidegate.platform.workload_image", ours), (RIVAL, theirs)):
            say(
                title,
                f"{count.lost} lost of {count.requests}, slowest {count.slowest * 1000:.0f} ms, {seconds / len(versions):.2f} s a change",
            )
        route.unlink()
        docker("rm", "-f", "bench-rival")
        verdict("0 requests lost", ours[1].lost == 0)

    def under_load(self, host: str, module: str, options: t.Sequence[Options]) -> tuple[float, Count]:
        """Seconds of the playbook and what the load counted."""
        client = Client(Target(host, port=self.platform.ports.http), "keepalive", 200).start()
        seconds, _results = self.play(module, options)
        return seconds, client.stop()


def clean(platform: Platform) -> None:
    """Take away what the measurements made."""
    docker("rm", "-f", "bench-rival", check=False)
    platform.tasks(Task({"name": "bench", "state": "absent"}))


def main() -> None:
    """Provision, measure, take everything away; exit 1 when a budget is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="repetitions of each measurement")
    rounds = parser.parse_args().rounds
    with common.provisioned(clean) as platform:
        bench = Bench(platform, rounds)
        for measure in (bench.redeploy, bench.unchanged, bench.beside_ping, bench.changes):
            measure()
    common.end()


if __name__ == "__main__":
    main()
