"""The second half of the demonstration: a whole host with a database and a cache, and what their rows survive."""

from __future__ import annotations

import http.client
import json
import sys
import time
import typing as t
from pathlib import Path

import hosts
import images
import shell

NAME = "demo-1"
INVENTORY = Path(__file__).parent / "host.yml"
Ansible = t.Callable[..., str]
"""Runs a playbook with extra variables; its output."""


def ask(address: str, method: str = "GET", within: float = 60.0) -> dict[str, t.Any]:
    """What the guestbook answers, as soon as it does."""
    end = time.monotonic() + within
    while True:
        connection = http.client.HTTPConnection(address, 80, timeout=5)
        try:
            connection.request(method, "/", headers={"Host": "guestbook.example.org", "Content-Length": "0"})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status == http.HTTPStatus.OK:
                return t.cast("dict[str, t.Any]", json.loads(body))
            said = f"{answer.status} {body[:80]!r}"
        except OSError as error:
            said = str(error)
        finally:
            connection.close()
        if time.monotonic() > end:
            sys.exit(f"demo: the guestbook does not answer: {said}")
        time.sleep(0.2)


class Story:
    """Tells each chapter with its seconds and what the guestbook says after it."""

    def __init__(self, ansible: Ansible) -> None:
        images.up((*images.HOST_IMAGES, *images.STACK_IMAGES))
        hosts.down(NAME)
        facts = hosts.up(NAME, "host-engine")
        self.address = facts["ansible_host"]
        self._ansible, self._facts = ansible, json.dumps(facts)
        self.entries = 0

    def play(self, title: str, playbook: str, *extra: str) -> str:
        """A playbook on the host."""
        begun = time.monotonic()
        output = self._ansible(playbook, self._facts, *extra, inventory=INVENTORY)
        print(f"    {title:<66} {time.monotonic() - begun:6.1f} s", flush=True)
        return output

    def kept(self, after: str) -> None:
        """The rows are what they were, or the demonstration ends."""
        said = ask(self.address)
        print(f"    {'after ' + after:<66} {said['entries']} entries, visit {said['visits']}", flush=True)
        if said["entries"] != self.entries:
            sys.exit(f"demo: {self.entries} entries were written")

    def write(self, count: int) -> None:
        """Entries of so many visitors."""
        for _visitor in range(count):
            self.entries = ask(self.address, "POST")["entries"]


def tell(ansible: Ansible) -> None:
    """Provision, deploy, write; then redeploy, lose everything, restore, restart."""
    print("\n  a host of its own: Traefik, PostgreSQL, Redis, and a guestbook that uses both", flush=True)
    story = Story(ansible)
    try:
        story.play("site, on a host with nothing but an engine's packages", "site")
        story.play("deploy", "deploy")
        story.write(25)
        story.kept("25 visitors")
        story.play("redeploy: other containers", "redeploy", "workload=guestbook")
        story.kept("it")
        output = story.play("backup", "backup")
        archive = next(word.strip('":,') for word in output.split() if "/tidegate-" in word and ".tar.gz" in word)
        story.play("uninstall, with all data", "uninstall", "confirm=uninstall", "remove_data=true")
        story.play("restore, from the archive", "restore", f"archive={archive}")
        story.kept("a loss of everything and the restore")
        begun = time.monotonic()
        shell.run(["docker", "restart", "-t", "20", f"testbed-{NAME}"])
        story.address = hosts.up(NAME, "host-engine")["ansible_host"]  # it may be another one
        ask(story.address)
        print(f"    {'restart of the host, with nobody there':<66} {time.monotonic() - begun:6.1f} s", flush=True)
        story.kept("it")
    finally:
        hosts.down(NAME)
