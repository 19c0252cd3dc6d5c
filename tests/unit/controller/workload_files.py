"""Workload files, read as playbooks read them."""

from __future__ import annotations

import typing as t
from pathlib import Path

import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.tidegate.platform.plugins.plugin_utils._workload_files import Reader

MINIMAL = {"name": "shop", "image": "registry.test/shop:1"}


def read(folder: Path, *documents: t.Any, environment: str = "production") -> Reader:
    """A reader that has read these documents."""
    for number, document in enumerate(documents):
        text = document if isinstance(document, str) else yaml.safe_dump(document)
        (folder / f"{number}.yml").write_text(text)
    loader = DataLoader()
    reader = Reader(loader, Templar(loader=loader, variables={"tag": "7"}), environment)
    reader.read(str(folder))
    return reader
