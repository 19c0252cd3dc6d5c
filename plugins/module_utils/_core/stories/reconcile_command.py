# Copyright: (c) 2026, tidegate.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reconciliation as a command of the host, for a timer: one JSON line a workload."""

from __future__ import annotations

import argparse
import json
import sys
import typing as t

from ..options.argument_specs import RECONCILE, filled, given
from .call import Call
from .reconcile import reconcile
from .result import told


def main(argv: t.Sequence[str]) -> int:
    """Reconcile with the module's options, as `--state-dir` and so on; 1 when something was not repaired or known."""
    parser = argparse.ArgumentParser(description="Make containers, routes and record of the workloads agree again.")
    for name, option in RECONCILE.items():
        if option["type"] in ("str", "path", "float"):
            kind = float if option["type"] == "float" else str
            parser.add_argument(f"--{name.replace('_', '-')}", dest=name, type=kind, default=option.get("default"))
    call = Call(filled(RECONCILE, given(RECONCILE, vars(parser.parse_args(argv)))))
    document = told(reconcile, call, str)
    for text in call.warnings:
        sys.stderr.write(f"warning: {text}\n")
    for row in document.get("workloads", ()):
        if row["state"] != "ok":
            shown = {key: row.get(key) for key in ("name", "environment", "state", "reason", "msg")}
            sys.stdout.write(json.dumps(shown) + "\n")
    sys.stdout.write((document.get("msg") or json.dumps(document["summary"])) + "\n")
    return 1 if document.get("failed") or (document.get("summary") or {}).get("unknown") else 0
