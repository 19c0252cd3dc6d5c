# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections of a network namespace, and when each last sent and received, as the kernel says (sock_diag(7))."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import threading
import typing as t

_SOCK_DIAG, _BY_FAMILY, _ERROR, _DONE = 4, 20, 2, 3
_REQUEST_DUMP = 0x301
_INFO = 2
_NEW_NETWORK = 0x40000000
ESTABLISHED, SYN_SENT = 1, 2
# Of struct inet_diag_msg; and where struct tcp_info has the moments of the last data and ACKs, the bytes received, and
# the segments sent that had data.
_MESSAGE_SIZE, _LAST, _RECEIVED, _SEGMENTS = 72, 44, 128, 156
# Milliseconds after which nobody who dialed for a request is still about to send it.
_FRESH = 250
# Milliseconds within which data that was got is acknowledged (Linux delays it by 200 at most, TCP_DELACK_MAX).
_DELAY = 1000


class Connection(t.NamedTuple):
    """A connection that this side may have begun: milliseconds since it last sent data, got data, got an ACK."""

    state: int
    remote_port: int
    sent: int
    received: int
    acknowledged: int
    bytes_received: int
    data_segments_sent: int = 1

    @property
    def waits(self) -> bool:
        """True when the last word was this side's: something was asked, and nothing answered yet.

        Both may fall into one tick of the kernel's clock. Then an ACK that came a little later, without data, tells;
        one that came much later is of a probe whether the other side is still there. What was never asked anything is
        a spare: Go dials for a request, and sends it by another connection that became free first.
        """
        if self.state == SYN_SENT:
            return True
        if not self.bytes_received:
            return self.data_segments_sent > 0 or self.sent < _FRESH
        same_tick = self.sent == self.received
        return self.sent < self.received or (same_tick and 0 < self.sent - self.acknowledged <= _DELAY)


class Diag:
    """A look into one network namespace.

    :param pid: a process of it; None is this process's own.
    :raises OSError: the kernel does not say, or this process may not ask.
    """

    def __init__(self, pid: int | None) -> None:
        found: list[socket.socket | OSError] = []

        def enter() -> None:  # a namespace is a thread's own; this one ends with its socket made
            try:
                if pid is not None:
                    _enter(pid)
                found.append(socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, _SOCK_DIAG))
            except OSError as error:
                found.append(error)

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        if isinstance(found[0], OSError):
            raise found[0]
        self._socket = found[0]
        self._socket.settimeout(5)

    def close(self) -> None:
        """Look no more."""
        self._socket.close()

    def connections(self) -> list[Connection]:
        """Those that are established, or being so."""
        return [row for family in (socket.AF_INET, socket.AF_INET6) for row in self._dump(family)]

    def _dump(self, family: int) -> t.Iterator[Connection]:
        states = 1 << ESTABLISHED | 1 << SYN_SENT
        request = struct.pack("=BBBxI48x", family, socket.IPPROTO_TCP, 1 << (_INFO - 1), states)
        self._socket.send(struct.pack("=IHHII", 16 + len(request), _BY_FAMILY, _REQUEST_DUMP, 1, 0) + request)
        while True:
            data = self._socket.recv(2**18)
            while data:
                size, kind = struct.unpack_from("=IH", data)
                if kind == _DONE:
                    return
                if kind == _ERROR:
                    number = -int(struct.unpack_from("=i", data, 16)[0])
                    raise OSError(number, os.strerror(number))
                yield _connection(data[16:size])
                data = data[size + 3 & ~3 :]


def _enter(pid: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if library.setns(descriptor, _NEW_NETWORK):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        os.close(descriptor)


def _connection(message: bytes) -> Connection:
    state, remote = message[1], int.from_bytes(message[6:8], "big")
    at = _MESSAGE_SIZE
    while at + 4 <= len(message):
        size, kind = struct.unpack_from("=HH", message, at)
        if kind == _INFO:
            sent, _own, received, acknowledged = struct.unpack_from("=IIII", message, at + 4 + _LAST)
            (got,) = struct.unpack_from("=Q", message, at + 4 + _RECEIVED) if size >= 4 + _RECEIVED + 8 else (1,)
            (segments,) = struct.unpack_from("=I", message, at + 4 + _SEGMENTS) if size >= 4 + _SEGMENTS + 4 else (1,)
            return Connection(state, remote, sent, received, acknowledged, got, segments)
        at += max(size + 3 & ~3, 4)
    return Connection(state, remote, 0, 0, 0, 0)
