"""Power cuts: what a disk holds that forgets whatever was not synced, at every moment of a run that was traced.

A run is watched by `strace`: each write, rename, link, removal and fsync, in order, and the requests to the engine among
them. A model replays them and keeps two things for each file and folder: what processes see, and what is on the disk for
certain, which is what was there at the last fsync of that file, or of that folder for its names. A cut can come after any
call; then the disk holds one of `CUTS`, and what is left has to be whole. The model is the file system that POSIX promises,
not a kind one: it loses every name and every byte that nobody synced.
"""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

CALLS = (
    "openat,open,creat,write,pwrite64,writev,ftruncate,rename,renameat,renameat2,link,linkat,unlink,unlinkat,"
    "mkdir,mkdirat,rmdir,fsync,fdatasync,close,sendto,sendfile,copy_file_range"
)
STRACE = ("strace", "-f", "-qq", "-y", "-xx", "-s", "16000000", "-e", f"trace={CALLS}", "-e", "signal=none")
# (names as synced, contents as synced): all that was not synced is lost; names came through, contents did not; the other way.
CUTS = {"nothing": (True, True), "names only": (False, True), "contents only": (True, False)}

_LINE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+)")
_BEGUN = re.compile(r"(\d+) +(\w+\(.*) <unfinished \.\.\.>")
_ENDED = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_OPEN = re.compile(r"(\d+)<((?:\\x[0-9a-f]{2})*)>")
_FOLDER = re.compile(r"AT_FDCWD<((?:\\x[0-9a-f]{2})*)>|\d+<((?:\\x[0-9a-f]{2})*)>")


class Call(t.NamedTuple):
    """One call of the traced run that succeeded; `own` if it is one of the run's first thread."""

    name: str
    words: str
    result: int
    own: bool


@dataclass(eq=False)
class File:
    """A file: what processes read of it, and what is on the disk."""

    data: bytearray = field(default_factory=bytearray)
    synced: bytes = b""


@dataclass(eq=False)
class Folder:
    """A folder: the names that processes see, and those that are on the disk."""

    names: dict[str, File | Folder] = field(default_factory=dict)
    synced: dict[str, File | Folder] = field(default_factory=dict)


def calls(trace: Path) -> t.Iterator[Call]:
    """The calls that succeeded, in the order in which they ended."""
    begun: dict[str, str] = {}
    first = ""
    with trace.open(encoding="ascii", errors="replace") as stream:
        for text in stream:
            first = first or text.partition(" ")[0]
            if match := _BEGUN.match(text):
                begun[match.group(1)] = f"{match.group(1)} {match.group(2)}"
                continue
            match = _ENDED.match(text)
            line = begun.pop(match.group(1), "") + match.group(2) if match else text
            if (match := _LINE.match(line)) and int(match.group(4)) >= 0:
                yield Call(match.group(2), match.group(3), int(match.group(4)), match.group(1) == first)


class Disk:
    """The model of what is below some folders."""

    def __init__(self, *roots: Path) -> None:
        self.roots = {str(root): _loaded(root) for root in roots}
        self._positions: dict[int, int] = {}
        self.whole: dict[str, set[bytes]] = {}
        for path, data in self.view("nothing").items():
            self.whole[path] = {data}

    def take(self, call: Call) -> bool:
        """Replay a call; whether it changed anything here."""
        act = getattr(self, f"_{call.name}", None)
        return bool(act and act(call))

    def view(self, cut: str) -> dict[str, bytes]:
        """Path and content of every file that is left after a cut of this kind."""
        names, contents = CUTS[cut]
        found: dict[str, bytes] = {}
        for root, folder in self.roots.items():
            _walk(folder, root, names, contents, found)
        return found

    # -- calls --------------------------------------------------------------------------------------------------

    def _openat(self, call: Call) -> bool:
        _path, folder, name = self._named(call.words, 0)
        if folder is None or not any(word in call.words for word in ("O_CREAT", "O_TRUNC", "O_WRONLY", "O_RDWR")):
            return False
        node = folder.names.get(name)
        made = node is None
        if node is None:
            node = folder.names[name] = File()
        if not isinstance(node, File):
            return False
        if "O_TRUNC" in call.words:
            node.data.clear()
        self._positions[call.result] = len(node.data) if "O_APPEND" in call.words else 0
        return made or "O_TRUNC" in call.words

    _open = _creat = _openat

    def _write(self, call: Call) -> bool:
        number, node = self._opened(call.words)
        if not isinstance(node, File):
            return False
        data = b"".join(_text(text) for text in _TEXT.findall(call.words))[: call.result]
        self._put(node, self._positions.get(number, 0), data)
        self._positions[number] = self._positions.get(number, 0) + len(data)
        return True

    _writev = _write

    def _pwrite64(self, call: Call) -> bool:
        _number, node = self._opened(call.words)
        if not isinstance(node, File):
            return False
        offset = int(call.words.rpartition(", ")[2])
        self._put(node, offset, _text(_TEXT.findall(call.words)[0])[: call.result])
        return True

    def _sendfile(self, call: Call) -> bool:
        number, node = self._opened(call.words)
        if not isinstance(node, File):
            return False
        self._put(node, len(node.data), b"?" * call.result)  # what it was is not in the trace, how long it was is
        self._positions[number] = len(node.data)
        return True

    def _ftruncate(self, call: Call) -> bool:
        _number, node = self._opened(call.words)
        if not isinstance(node, File):
            return False
        length = int(call.words.rpartition(", ")[2])
        self._put(node, length, b"")
        del node.data[length:]
        return True

    def _renameat(self, call: Call) -> bool:
        _old, source, name = self._named(call.words, 0)
        path, target, new = self._named(call.words, 1)
        node = source.names.pop(name, None) if source is not None else None
        if target is not None and node is not None:
            target.names[new] = node
            self._complete(path, node)
        return source is not None or target is not None

    _rename = _renameat2 = _renameat

    def _linkat(self, call: Call) -> bool:
        _old, source, name = self._named(call.words, 0)
        path, target, new = self._named(call.words, 1)
        if source is None or target is None or name not in source.names:
            return False
        target.names[new] = source.names[name]
        self._complete(path, target.names[new])
        return True

    _link = _linkat

    def _unlinkat(self, call: Call) -> bool:
        _path, folder, name = self._named(call.words, 0)
        return folder is not None and folder.names.pop(name, None) is not None

    _unlink = _rmdir = _unlinkat

    def _mkdirat(self, call: Call) -> bool:
        _path, folder, name = self._named(call.words, 0)
        if folder is None:
            return False
        folder.names[name] = Folder()
        return True

    _mkdir = _mkdirat

    def _fsync(self, call: Call) -> bool:
        _number, node = self._opened(call.words)
        if isinstance(node, File):
            node.synced = bytes(node.data)
        elif isinstance(node, Folder):
            node.synced = dict(node.names)
        return node is not None

    _fdatasync = _fsync

    def _close(self, call: Call) -> bool:
        number, node = self._opened(call.words)
        if isinstance(node, File) and self._positions.pop(number, None) is not None:
            self._complete(_decoded(_OPEN.findall(call.words)[0][1]), node)
        return False

    # -- places -------------------------------------------------------------------------------------------------

    def _complete(self, path: str, node: File | Folder) -> None:
        """Remember what a file is when it is given its name, or written to its end."""
        if isinstance(node, File):
            self.whole.setdefault(path, set()).add(bytes(node.data))
        else:
            for name, inner in node.names.items():
                self._complete(f"{path}/{name}", inner)

    @staticmethod
    def _put(node: File, offset: int, data: bytes) -> None:
        if len(node.data) < offset:
            node.data.extend(b"\0" * (offset - len(node.data)))
        node.data[offset : offset + len(data)] = data

    def _opened(self, words: str) -> tuple[int, File | Folder | None]:
        number, path = _OPEN.findall(words)[0]
        return int(number), self._node(_decoded(path))

    def _named(self, words: str, which: int) -> tuple[str, Folder | None, str]:
        """The path that is the first or second of a call, the folder it is in, and its name there."""
        path = _decoded(_TEXT.findall(words)[which])
        folders = [_decoded(first or second) for first, second in _FOLDER.findall(words)]
        if not path.startswith("/") and folders:
            path = os.path.join(folders[min(which, len(folders) - 1)], path)
        path = os.path.normpath(path)
        above = self._node(os.path.dirname(path))
        return path, above if isinstance(above, Folder) else None, os.path.basename(path)

    def _node(self, path: str) -> File | Folder | None:
        for root, folder in self.roots.items():
            if path == root:
                return folder
            if path.startswith(root + "/"):
                node: File | Folder | None = folder
                for part in path[len(root) + 1 :].split("/"):
                    node = node.names.get(part) if isinstance(node, Folder) else None
                return node
        return None


def _loaded(root: Path) -> Folder:
    """What was there before the run, all of it on the disk."""
    folder = Folder()
    for path in root.iterdir():
        if path.is_dir() and not path.is_symlink():
            folder.names[path.name] = _loaded(path)
        elif path.is_file():
            data = path.read_bytes()
            folder.names[path.name] = File(bytearray(data), data)
    folder.synced = dict(folder.names)
    return folder


def _walk(folder: Folder, path: str, names: bool, contents: bool, found: dict[str, bytes]) -> None:
    for name, node in (folder.synced if names else folder.names).items():
        if isinstance(node, Folder):
            _walk(node, f"{path}/{name}", names, contents, found)
        else:
            found[f"{path}/{name}"] = node.synced if contents else bytes(node.data)


def _text(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))


def _decoded(escaped: str) -> str:
    return os.fsdecode(_text(escaped))
