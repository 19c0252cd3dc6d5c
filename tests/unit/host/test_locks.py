"""Locks, held by real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.host import locks
from ansible_collections.tidegate.platform.plugins.module_utils._core.host.clock import Clock
from ansible_collections.tidegate.platform.plugins.module_utils._core.values.errors import LockHeld

SHOP = ("shop", "production")


def test_a_held_lock_names_its_holder_and_dies_with_it(tmp_path: Path) -> None:
    """LK-T18: kill -9 of the holder lets the next one in at once."""
    program = textwrap.dedent("""
        import sys, time
        from ansible_collections.tidegate.platform.plugins.module_utils._core.host import locks
        from ansible_collections.tidegate.platform.plugins.module_utils._core.host.clock import Clock
        with locks.held(sys.argv[1], ("shop", "production"), 0, Clock()):
            print("held", flush=True)
            time.sleep(60)
    """)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    argv = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockHeld, match=rf"shop \(production\).*pid {holder.pid} .*lock_timeout"):
            with locks.held(str(tmp_path), SHOP, 0.2, Clock()):
                pass
        with locks.held(str(tmp_path), ("wiki", "production"), 0, Clock()):
            pass  # another workload never waits (LK inv. 8)
        holder.kill()
    with locks.held(str(tmp_path), SHOP, 0, Clock()):
        pass
