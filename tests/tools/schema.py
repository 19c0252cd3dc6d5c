"""Writes `schemas/workload.schema.json` from the one argument specification and its documentation; `--check` compares."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from ansible_collections.tidegate.platform.plugins.doc_fragments.declaration import FRAGMENTS
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.argument_specs import (
    DECLARATION,
    KIND,
    SOURCES,
)
from ansible_collections.tidegate.platform.plugins.module_utils._core.options.checks import Spec
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.grammar import ENVIRONMENT, WORKLOAD
from ansible_collections.tidegate.platform.plugins.plugin_utils._fragments import options_of

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "schemas" / "workload.schema.json"
TYPES: dict[str, dict[str, Any]] = {
    "str": {"type": ["string", "number"]},
    "path": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "dict": {"type": "object"},
}
NAMES = {"name": WORKLOAD, "environment": ENVIRONMENT}
# Of one run, or of the collection itself; not of a file.
NOT_IN_FILES = ("force", "archive")


def prose(text: Any) -> str:
    """A description without Ansible's markup."""
    joined = " ".join(text) if isinstance(text, list) else str(text)
    return re.sub(r"\b[VOCMEI]\(([^)]*)\)", r"\1", joined)


def schema_of(option: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """One option."""
    found: dict[str, Any] = {"description": prose(told["description"])}
    if option["type"] == "list":
        inner: dict[str, Any] = {key: option[key] for key in ("options", "choices") if key in option}
        element = schema_of({**inner, "type": option["elements"]}, {**told, "description": ""})
        element.pop("description")
        return {**found, "type": "array", "items": element}
    found.update(TYPES[option["type"]])
    if "choices" in option:
        found = {"description": found["description"], "enum": option["choices"]}
    if "options" in option:
        found["properties"] = properties(option["options"], told["suboptions"])
        found["additionalProperties"] = False
        required = [name for name, own in option["options"].items() if own.get("required")]
        found.update({"required": required} if required else {})
    if option.get("default") not in (None, [], {}):
        found["default"] = option["default"]
    return found


def properties(spec: Spec, told: dict[str, Any]) -> dict[str, Any]:
    """The options of a dictionary."""
    return {name: schema_of(option, told[name]) for name, option in spec.items() if name not in NOT_IN_FILES}


def schema() -> dict[str, Any]:
    """The whole schema: options, which go with which type, overlays of environments."""
    told = {key: value for each in FRAGMENTS for key, value in options_of(each).items()}
    known = properties(DECLARATION, told)
    for name, grammar in NAMES.items():
        known[name].update(type="string", pattern=f"^(?:{grammar.pattern.pattern})$")
    known["groups"] = {
        "description": "Groups of the inventory it is deployed on; all for every host.",
        "type": "array",
        "items": {"type": "string"},
    }
    known["version"] = {"description": "Tag of the image.", "type": ["string", "number"]}
    overlay = {key: value for key, value in known.items() if key not in ("name", "type", "environment")}
    always = [*KIND, "groups", "version", "environments"]
    rules = [
        {
            "if": {"properties": {"type": {"const": kind}}, **({} if kind == "image" else {"required": ["type"]})},
            "then": {"propertyNames": {"enum": sorted({*own, *always} - {*NOT_IN_FILES})}},
        }
        for kind, own in SOURCES.items()
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A workload of tidegate.platform",
        "description": "Generated from the collection's argument specification by `make docs`.",
        "type": "object",
        "required": ["name"],
        "additionalProperties": False,
        "properties": {
            **known,
            "environments": {
                "description": "What differs by environment. Where it is given, the workload is deployed in these only.",
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": known["environment"]["pattern"]},
                "additionalProperties": {
                    "type": ["object", "null"],
                    "properties": overlay,
                    "additionalProperties": False,
                },
            },
        },
        "allOf": rules,
    }


def main() -> None:
    """Write, or compare."""
    text = json.dumps(schema(), indent=1) + "\n"
    if TARGET.exists() and TARGET.read_text() == text:
        return
    if "--check" in sys.argv:
        sys.exit(f"{TARGET.relative_to(ROOT)} is not what the specification says; run `make docs`")
    TARGET.write_text(text)
    print(f"{TARGET.relative_to(ROOT)} written")


if __name__ == "__main__":
    main()
