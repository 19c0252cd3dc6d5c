"""Do the unit tests see it when a deciding file is wrong? `make mutants` changes one token at a time and runs them.

Works on a copy of the collection. Prints every mutant that no test noticed, and ends with 1 when that are more than one in
twenty of those tried. MUTANTS says how many are tried (60), SEED which.
"""

from __future__ import annotations

import os
import random
import shlex
import subprocess
import sys
import time
from pathlib import Path

from cosmic_ray.commands.init import init
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome

ROOT = Path(__file__).resolve().parents[2]
COPY = ROOT / ".cache" / "mutants" / "ansible_collections" / "tidegate" / "platform"
COUNT = int(os.environ.get("MUTANTS", "60"))
SEED = int(os.environ.get("SEED", "13"))
# What decides: pure functions, whose mistakes cost requests, releases or data.
DECIDING = (
    "decide/plan decide/strategies decide/recovery decide/phase_plans decide/retention decide/stacks decide/candidate decide/leave "
    "decide/rollback decide/stack_networks decide/routes_today decide/replicas "
    "proxy/routing_documents proxy/rules decide/foretell"
)
# One change of each operator's sense; others of the tool are alike (`<` to `!=`) or change annotations and decorators.
OPERATORS = {
    *("ReplaceComparisonOperator_Eq_NotEq", "ReplaceComparisonOperator_NotEq_Eq", "ReplaceComparisonOperator_Lt_LtE"),
    *("ReplaceComparisonOperator_LtE_Lt", "ReplaceComparisonOperator_Gt_GtE", "ReplaceComparisonOperator_GtE_Gt"),
    *(
        "ReplaceComparisonOperator_Is_IsNot",
        "ReplaceComparisonOperator_IsNot_Is",
        "AddNot",
        "ReplaceUnaryOperator_Delete_Not",
    ),
    *("ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd", "NumberReplacer"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ZeroIterationForLoop"),
}
# Those that decide on values; the others start processes and threads, or know none of the files above.
TESTS = (
    "decide options/test_parse options/test_source options/test_compose options/test_traffic proxy/test_routing_documents proxy/test_rules "
    "proxy/test_questions proxy/test_traefik proxy/test_route_files proxy/test_group_commit sources/test_compose_model"
)


def copied() -> None:
    """A physical copy that finds itself under the collection's name, so that nothing of the work tree is touched."""
    subprocess.run([str(ROOT / "tests" / "tools" / "copy.sh"), str(COPY)], check=True)
    place = COPY / ".cache" / "collections" / "ansible_collections" / "tidegate"
    place.mkdir(parents=True)
    (place / "platform").symlink_to(COPY)


def mutations() -> list[MutationSpec]:
    """Every mutant there is."""
    paths = [COPY / "plugins" / "module_utils" / "_core" / f"{name}.py" for name in DECIDING.split()]
    assert all(path.exists() for path in paths), "a deciding file has another name now"
    with use_db(":memory:", WorkDB.Mode.create) as session:
        init(paths, session, {})
        found = [mutation for item in session.work_items for mutation in item.mutations]
    return [mutation for mutation in found if mutation.operator_name.rpartition("/")[2] in OPERATORS]


def main() -> None:
    """Try them, say what survived."""
    copied()
    os.chdir(COPY)
    places = [COPY / "tests" / "unit" / name for name in TESTS.split()]
    tests = [str(place if place.is_dir() else place.with_suffix(".py")) for place in places]
    python = ROOT / ".cache" / "venv" / "main" / "bin" / "python"
    command = shlex.join([str(python), "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests])
    begun = time.monotonic()
    subprocess.run(shlex.split(command), check=True, capture_output=True)
    usual = time.monotonic() - begun
    everything = mutations()
    tried = random.Random(SEED).sample(everything, min(COUNT, len(everything)))
    survived = []
    for number, mutation in enumerate(tried, 1):
        result = mutate_and_test([mutation], command, usual * 5)
        if result.test_outcome == TestOutcome.SURVIVED:
            survived.append(mutation)
            print(f"survived {len(survived)} of {number}: {mutation.operator_name}\n{result.diff}", flush=True)
    share = len(survived) / len(tried)
    print(
        f"mutants: {len(everything)} there are, {len(tried)} tried (seed {SEED}), {len(survived)} survived ({share:.1%})"
    )
    for mutation in survived:
        where = Path(mutation.module_path).relative_to(COPY)
        print(f"mutants: {where}:{mutation.start_pos[0]} {mutation.operator_name.rpartition('/')[2]}")
    sys.exit(1 if share > 1 / 20 else 0)


if __name__ == "__main__":
    main()
