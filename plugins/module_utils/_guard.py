# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command is begun with, so that it never outlives the run that began it. Private to tidegate.platform.

A parent that is killed cannot end its children, and the kernel ends none but the first. So a watcher goes before the
command: it reads from a pipe that the run alone writes to. A word says that the command is over; the pipe's end without
one, that the run is dead. Then the whole session of the command is ended, whoever is in it.
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


def watched(argv: t.Sequence[str], pipe: int) -> list[str]:
    """The command behind its watcher; it has to begin a session of its own.

    :param pipe: the reading end, which the command inherits.
    """
    return [sys.executable, "-I", "-S", "-c", _WATCH, str(pipe), *argv]
