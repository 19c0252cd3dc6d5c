"""Writes each role's `defaults/main.yml` and README from its argument_specs, the one truth; `--check` only compares."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
HEAD = "---\n# Generated from meta/argument_specs.yml by `make docs`; change it there.\n"


def prose(text: Any) -> str:
    """Description as plain Markdown: Ansible's V(), O() and C() become code."""
    joined = " ".join(text) if isinstance(text, list) else str(text)
    for mark in ("V(", "O(", "C("):
        while mark in joined:
            begin = joined.index(mark)
            end = joined.index(")", begin)
            joined = f"{joined[:begin]}`{joined[begin + 2 : end]}`{joined[end + 1 :]}"
    return joined


class Indented(yaml.SafeDumper):
    """Indents lists, as yamllint asks for."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Never without one in a block."""
        super().increase_indent(flow, indentless=indentless and flow)


def defaults(options: dict[str, Any]) -> str:
    """The defaults file."""
    known = {name: option["default"] for name, option in options.items() if "default" in option}
    entries = [
        yaml.dump(
            {name: value},
            None,
            Indented,
            width=1000,
            default_flow_style=None if isinstance(value, (dict, list)) else False,
        )
        for name, value in known.items()
    ]
    return HEAD + "".join(entries)


def rows(options: dict[str, Any], prefix: str = "") -> list[str]:
    """Table rows, suboptions indented by their path."""
    table = []
    for name, option in options.items():
        value = "required" if option.get("required") else f"`{option.get('default', '')!r}`"
        choices = f" One of {', '.join(f'`{c}`' for c in option['choices'])}." if "choices" in option else ""
        value = value.replace("|", "\\|")
        table.append(f"| `{prefix}{name}` | {option['type']} | {value} | {prose(option['description'])}{choices} |")
        table += rows(option.get("options", {}), f"{prefix}{name}.")
    return table


def readme(role: str, spec: dict[str, Any], example: str) -> str:
    """The role's README."""
    lines = [f"# {role}", "", prose(spec["description"]), "", "## Example", "", "```yaml", example.strip(), "```", ""]
    lines += ["## Variables", "", "| variable | type | default | meaning |", "|---|---|---|---|"]
    lines += rows(spec["options"])
    tasks = yaml.safe_load((ROOT / "roles" / role / "tasks" / "main.yml").read_text())
    every = [row for task in tasks for row in task.get("block", [task])]
    tags = dict.fromkeys(tag for task in every for tag in task.get("tags", []) if tag != "always")
    lines += [
        "",
        f"Tags: {', '.join(f'`{tag}`' for tag in tags)}.",
        "",
        "Generated from `meta/argument_specs.yml` by `make docs`.",
        "",
    ]
    return "\n".join(lines)


def main(check: bool) -> None:
    """Write or compare the files of every role."""
    stale = []
    for path in sorted((ROOT / "roles").glob("*/meta/argument_specs.yml")):
        role = path.parent.parent
        spec = yaml.safe_load(path.read_text())["argument_specs"]["main"]
        example = (role / "meta" / "example.yml").read_text().removeprefix("---\n")
        files = {role / "defaults" / "main.yml": defaults(spec["options"])}
        files[role / "README.md"] = readme(role.name, spec, example)
        for file, text in files.items():
            if not file.exists() or file.read_text() != text:
                stale.append(str(file.relative_to(ROOT)))
                if not check:
                    file.parent.mkdir(exist_ok=True)
                    file.write_text(text)
    if check and stale:
        sys.exit(f"not as generated, run `make docs`: {', '.join(stale)}")


if __name__ == "__main__":
    main("--check" in sys.argv[1:])
