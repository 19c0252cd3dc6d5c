"""What a workflow of AWX does with what its first job tells it (D11)."""

from __future__ import annotations

import typing as t

from harness.platforms import Options, Platform


def told(platform: Platform, declaration: Options) -> t.Any:
    """What the job that deploys tells the next one."""
    play = platform.playbook("tidegate.platform.deploy", workloads=[declaration], awx_workflow_job_id=1).ok()
    (stats,) = (row["result"]["ansible_stats"] for row in play.rows if "ansible_stats" in row["result"])
    return stats["data"]["tidegate_deployed"]


def test_a_workflow_takes_back_what_it_deployed_and_nothing_else(
    platform: Platform, name: str, app: t.Callable[..., Options]
) -> None:
    """D11: a deployment that changed nothing, and a verification that failed, took a good release back."""
    for version in "12":
        assert not platform.apply(**app(version))["failed"]
    nothing = told(platform, app("2"))
    assert nothing == []
    platform.playbook("tidegate.platform.rollback", workload=name, tidegate_deployed=nothing).ok()
    assert platform.version(f"{name}.test") == "2"
    deployed = told(platform, app("4"))
    assert deployed == [name]
    platform.playbook("tidegate.platform.rollback", workload=name, tidegate_deployed=deployed).ok()
    assert platform.version(f"{name}.test") == "2"
