# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that ends a run's commands and containers when the run itself is killed.

A parent that is killed cannot end its children, and the kernel ends none but the first. So a watcher goes before the
command: it reads from a pipe that the run alone writes to. A word says that the command is over; the pipe's end without
one, that the run is dead. Then the whole session of the command is ended, whoever is in it. The same way
containers that stand still for the length of a run go on.
"""

from __future__ import annotations

import sys
import typing as t

# Runs on any Python, without this collection; its arguments are the pipe and the command.
_WATCH = """
import os, signal, sys, time
pipe, argv, leader = int(sys.argv[1]), sys.argv[2:], os.getpid()
if os.fork():
    os.close(pipe)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execvp(argv[0], argv)
    except OSError as error:
        os.write(2, str(error).encode())
    os._exit(127)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
if os.read(pipe, 1):
    os._exit(0)
def others():
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open("/proc/" + name + "/stat", errors="replace") as stream:
                    facts = stream.read().rpartition(")")[2].split()
                if int(facts[3]) == leader and facts[0] != "Z":
                    found.append(int(name))
            except (OSError, IndexError):
                pass
    return found
def end(number):
    for pid in others():
        try:
            os.kill(pid, number)
        except OSError:
            pass
end(signal.SIGTERM)
for _look in range(50):
    if not others():
        os._exit(0)
    time.sleep(0.1)
while others():
    end(signal.SIGKILL)
    time.sleep(0.01)
"""

# The same for containers; its arguments are the pipe, where the engine answers, and their names.
_UNPAUSE = """
import http.client, os, signal, socket, sys, urllib.parse
pipe, engine, names = int(sys.argv[1]), urllib.parse.urlsplit(sys.argv[2]), sys.argv[3:]
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
os.write(1, b"x")
if os.read(pipe, 1):
    os._exit(0)
for name in names:
    try:
        line = http.client.HTTPConnection(engine.hostname or "engine", engine.port, timeout=60)
        if "unix" in engine.scheme:
            line.sock = socket.socket(socket.AF_UNIX)
            line.sock.connect(urllib.parse.unquote("/" + (engine.netloc + engine.path).lstrip("/")))
        line.request("POST", "/containers/" + urllib.parse.quote(name) + "/unpause")
        line.getresponse().read()
    except (OSError, http.client.HTTPException):
        pass
"""


def unpausing(engine: str, names: t.Sequence[str], pipe: int) -> list[str]:
    """The watcher after which these containers go on; it says with one letter that it watches.

    :param engine: where the engine answers.
    :param pipe: the reading end, which it inherits.
    """
    return [sys.executable, "-I", "-S", "-c", _UNPAUSE, str(pipe), engine, *names]


def watcher_command(argv: t.Sequence[str], pipe: int) -> list[str]:
    """The command behind its watcher; it has to begin a session of its own.

    :param pipe: the reading end, which the command inherits.
    """
    return [sys.executable, "-I", "-S", "-c", _WATCH, str(pipe), *argv]
