"""Names and addresses of the testbed's parts: the one place that tests, demo and benchmarks read them from."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "testbed"
COLLECTIONS = ROOT / ".cache" / "collections"
LABEL = "tidegate.testbed"
REGISTRY = "127.0.0.1:5000"
PRIVATE_REGISTRY = "127.0.0.1:5001"
PRIVATE_USER, PRIVATE_PASSWORD = "deployer", "registry-pass-canary"
NETWORK = "tidegate-testbed"


def image(name: str, tag: str = "1", registry: str = REGISTRY) -> str:
    """Full name of a testbed image."""
    return f"{registry}/tidegate/{name}:{tag}"


def venv(name: str = "main") -> Path:
    """The `bin` folder of one of bootstrap's environments."""
    return ROOT / ".cache" / "venv" / name / "bin"
