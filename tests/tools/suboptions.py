"""Writes the suboptions of `workloads` from the documentation fragments of one workload; `--check` only compares."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "plugins" / "modules" / "workloads.py"
FRAGMENTS = (
    "kind",
    "workload",
    "image",
    "source",
    "build",
    "static",
    "runner",
    "compose",
    "container",
    "health",
    "routes",
)
BEGIN, END = "    suboptions: # generated from the fragments by `make docs`\n", "  phase:\n"


def fragment(name: str) -> dict[str, Any]:
    """Options of a documentation fragment."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "plugins" / "doc_fragments" / f"{name}.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    options: dict[str, Any] = yaml.safe_load(module.ModuleDocFragment.DOCUMENTATION)["options"]
    return options


def within(value: Any) -> Any:
    """The same documentation with its references to options leading to those of a list's element."""
    if isinstance(value, dict):
        return {key: within(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [within(entry) for entry in value]
    return re.sub(r"O\((?=[a-z_])", "O(workloads[].", value) if isinstance(value, str) else value


def block() -> str:
    """The suboptions as YAML; references to options go to those of a list's element."""
    options = {key: within(value) for name in FRAGMENTS for key, value in fragment(name).items()}
    text = yaml.safe_dump(options, sort_keys=False, width=90, default_flow_style=False)
    return "".join(f"      {line}\n" for line in text.splitlines())


def main() -> None:
    """Write, or compare."""
    page = PAGE.read_text()
    begin, end = page.index("    suboptions:"), page.index(END)
    wanted = page[:begin] + BEGIN + block() + page[end:]
    if wanted == page:
        return
    if "--check" in sys.argv:
        sys.exit(f"{PAGE.relative_to(ROOT)} is not what its fragments say; run `make docs`")
    PAGE.write_text(wanted)
    print(f"{PAGE.relative_to(ROOT)} written")


if __name__ == "__main__":
    main()
