"""Two real registries on loopback: an open one and one that asks for a password."""

from __future__ import annotations

import subprocess

import names
import shell
from state import State

CONFIG = """version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {root}}}, delete: {{enabled: true}}}}
http: {{addr: {addr}}}
{auth}
"""


def htpasswd() -> str:
    """One htpasswd line; the registry accepts bcrypt only, which Debian's libcrypt makes."""
    program = "import crypt, sys; print(crypt.crypt(sys.argv[1], crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=32)))"
    argv = ["/usr/bin/python3", "-W", "ignore", "-c", program, names.PRIVATE_PASSWORD]
    return f"{names.PRIVATE_USER}:{subprocess.run(argv, capture_output=True, check=True, text=True).stdout.strip()}\n"


def up(state: State) -> None:
    """Start the registries that do not answer yet."""
    names.CACHE.mkdir(parents=True, exist_ok=True)
    password_file = names.CACHE / "htpasswd"
    if not password_file.exists():
        password_file.write_text(htpasswd())
        password_file.chmod(0o600)
    start(state, names.REGISTRY, "")
    start(state, names.PRIVATE_REGISTRY, f"auth: {{htpasswd: {{realm: testbed, path: {password_file}}}}}")


def start(state: State, addr: str, auth: str, root: str = "") -> None:
    """Start one registry unless something answers there; `root` names another's storage to serve it, too."""
    if shell.answers(f"http://{addr}/v2/"):
        return
    port = addr.rpartition(":")[2]
    config = names.CACHE / f"registry-{addr.replace(':', '-')}.yml"
    config.write_text(CONFIG.format(root=names.CACHE / "registry" / (root or port), addr=addr, auth=auth))
    state.add("pids", shell.spawn(["docker-registry", "serve", str(config)], config.with_suffix(".log")))
    shell.wait_until(f"the registry on {addr} answers", lambda: shell.answers(f"http://{addr}/v2/"))
    shell.say(f"registry started on {addr}")
