"""The roles for what workloads need beside them: PostgreSQL and Redis. By independent looks."""

from __future__ import annotations

import json
import typing as t

import images
import names
import pytest
from harness.platforms import Options, Platform, Task, docker

pytestmark = pytest.mark.database

PASSWORD = "it's-a-canary-5c1d"


@pytest.fixture(scope="module")
def services(platform: Platform) -> t.Iterator[Options]:
    """Variables of the roles; what they made is removed."""
    images.up((*images.STACK_IMAGES, *images.LATER_IMAGES))
    network = f"{platform.network}-internal"
    variables: Options = {
        "postgres_image": names.image("postgres", "15"),
        "postgres_major": 15,
        "postgres_network": network,
        "postgres_users": [{"name": "shop", "password": PASSWORD}, {"name": "reports", "password": None}],
        "postgres_databases": [{"name": "shop", "owner": "shop", "readers": ["reports"]}],
        "redis_image": names.image("redis", "7"),
        "redis_network": network,
        "redis_users": [{"name": "shop", "rules": "~shop:* +@all -@dangerous", "password": None}],
    }
    yield variables
    away: Options = {f"{role}_state": "absent" for role in ("postgres", "redis")}
    everything: Options = {"postgres_remove_data": True, "redis_remove_data": True}
    for role in ("postgres", "redis"):
        apply(platform, role, {**variables, **away, **everything}).ok()
    left = docker("volume", "ls", "-q", "--filter", "name=tidegate-postgres", "--filter", "name=tidegate-redis").split()
    assert left == []
    docker("network", "rm", network)


def apply(platform: Platform, role: str, variables: Options, *arguments: str) -> t.Any:
    """A run of one role."""
    path = platform.root / f"{role}.json"
    play = {"hosts": "all", "gather_facts": False, "roles": [f"tidegate.platform.{role}"]}
    path.write_text(json.dumps([play]))
    return platform.playbook(str(path), *arguments, **variables)


def container(workload: str) -> str:
    """The one container of a part."""
    (found,) = docker("ps", "--filter", f"label=tidegate.workload={workload}", "--format", "{{.Names}}").split()
    return found


def secret(platform: Platform, name: str) -> str:
    """A secret that a role made."""
    path = platform.state / "platform" / name
    assert path.stat().st_mode & 0o777 == 0o600
    return path.read_text()


def sql(network: str, user: str, password: str, text: str, database: str = "shop") -> str:
    """What PostgreSQL answers to a workload on its network; its refusal as text."""
    url = f"postgresql://{user}@postgres/{database}"
    argv = ["run", "--rm", "--network", network, "-e", f"PGPASSWORD={password}", names.image("postgres", "15")]
    return docker(*argv, "psql", url, "-Atqc", f"{text}", check=False)


def test_postgres_for_a_whole_life(platform: Platform, services: Options) -> None:
    """A7: foretold, made, unchanged; rights as declared; a changed setting; another major version with all data."""
    network = services["postgres_network"]
    foretold = apply(platform, "postgres", services, "--check").ok()
    assert foretold.changed
    first = apply(platform, "postgres", services, "--diff").ok()
    assert first.changed
    made = secret(platform, "postgres-reports")
    for hidden in (PASSWORD, made, secret(platform, "postgres")):
        assert hidden not in first.output
        assert hidden not in json.dumps(first.rows)
        assert hidden not in docker("inspect", container("postgres"))
    assert apply(platform, "postgres", services).ok().changed == []
    assert sql(network, "shop", PASSWORD, "CREATE TABLE t (n int); INSERT INTO t VALUES (42); SELECT n FROM t") == "42"
    assert sql(network, "reports", made, "SELECT n FROM t") == "42"
    assert sql(network, "reports", made, "INSERT INTO t VALUES (1)") == ""
    assert sql(network, "reports", "wrong", "SELECT 1") == ""
    assert docker("port", container("postgres")) == ""
    before = docker("exec", container("postgres"), "psql", "-U", "postgres", "-Atc", "SHOW shared_buffers")
    assert before == "128MB"
    larger = {**services, "postgres_memory": 256, "postgres_settings": {"log_min_duration_statement": "250"}}
    assert apply(platform, "postgres", larger).ok().changed == ["Run the server"]
    shown = (
        "SELECT setting FROM pg_settings WHERE name IN ('shared_buffers', 'log_min_duration_statement') ORDER BY name"
    )
    assert docker("exec", container("postgres"), "psql", "-U", "postgres", "-Atc", shown).split() == ["250", "8192"]
    closed_by_a_killed_run(platform, larger)
    newer = {**services, "postgres_image": names.image("postgres", "17"), "postgres_major": "17"}
    upgraded_under_writes(platform, services, newer)
    assert sql(network, "shop", PASSWORD, "SELECT n FROM t") == "42"
    assert sql(network, "reports", made, "SELECT n FROM t") == "42"
    assert sql(network, "shop", PASSWORD, "INSERT INTO t VALUES (43) RETURNING n") == "43"
    assert docker("exec", container("postgres"), "psql", "-U", "postgres", "-Atc", "SHOW server_version").startswith(
        "17"
    )
    refused = apply(platform, "postgres", {**newer, "postgres_volume": "tidegate-postgres-15"})
    assert refused.code != 0
    assert "holds data of version 15" in refused.output
    assert sql(network, "shop", PASSWORD, "SELECT count(*) FROM t") == "2"


# What the role's own main file says, of which this takes one file alone.
OF_THE_PLATFORM = {"group/tidegate.platform.tidegate": {"state_dir": "{{ tidegate_state_dir }}"}}
CLOSE = [
    {"name": "Read the password", "ansible.builtin.slurp": {"src": "{{ tidegate_state_dir }}/platform/postgres"}}
    | {"register": "postgres_admin"},
    {
        "name": "Close it",
        "ansible.builtin.include_role": {"name": "tidegate.platform.postgres", "tasks_from": "server.yml"},
    }
    | {"vars": {"postgres_server": "{{ postgres_declared | combine({'open': false}) }}"}},
]


def closed_by_a_killed_run(platform: Platform, variables: Options) -> None:
    """A7: a server that nobody reaches, as an upgrade leaves it that was killed, was healthy to everybody who asked."""
    names_one: Options = {"names": ["postgres"], "environment": "platform"}
    asked = [
        Task(names_one, module="tidegate.platform.workload_info"),
        Task({}, module="tidegate.platform.platform_doctor"),
    ]

    def seen() -> tuple[str, list[str]]:
        info, doctor = platform.directly(*asked)
        found = [row["state"] for row in doctor["findings"] if row["check"] == "postgres"]
        return info["workloads"][0]["health"], found

    assert seen() == ("healthy", [])
    (path := platform.root / "close.json").write_text(
        json.dumps([{"hosts": "all", "gather_facts": False, "module_defaults": OF_THE_PLATFORM, "tasks": CLOSE}])
    )
    platform.playbook(str(path), **variables).ok()
    assert seen() == ("degraded", ["failure"])
    assert apply(platform, "postgres", variables).ok().changed == ["Run the server"]
    assert seen() == ("healthy", [])


# Neither the server's defaults nor its restarts keep these from writing: each line that they say is a row that was taken.
WRITE = "INSERT INTO written VALUES (DEFAULT) RETURNING n"
EAGER = "export PGOPTIONS='-c default_transaction_read_only=off'; while :; do {}; done 2> /dev/null"
WRITERS = (
    f"psql postgresql://shop@postgres/shop -Atqc '{WRITE}'",
    f"while echo '{WRITE};'; do sleep 0.02; done | psql postgresql://shop@postgres/shop -Atq",
)


def upgraded_under_writes(platform: Platform, services: Options, newer: Options) -> None:
    """A7: a failed upgrade, a whole one, and one that is none, while clients write and connect again all the time."""
    network = services["postgres_network"]
    row = "CREATE ROLE postgres;"
    sql(network, "shop", PASSWORD, f"CREATE TABLE written (n serial); CREATE TABLE l AS SELECT '{row}' AS t")
    argv = [
        "run",
        "-d",
        "--label",
        f"{names.LABEL}=1",
        "--network",
        network,
        "-e",
        f"PGPASSWORD={PASSWORD}",
        names.image("postgres", "15"),
        "sh",
        "-c",
    ]
    clients: list[str] = []
    try:
        clients += [docker(*argv, EAGER.format(writer)) for writer in WRITERS]
        failed = apply(platform, "postgres", {**newer, "postgres_image": services["postgres_image"]})
        assert failed.code != 0
        assert "the earlier version serves as before" in failed.output
        between = sql(network, "shop", PASSWORD, "SELECT max(n) FROM written")
        upgraded = apply(platform, "postgres", newer).ok()
        assert "Restore everything" in upgraded.changed
        assert apply(platform, "postgres", newer).ok().changed == []
    finally:
        for client in clients:
            docker("stop", "-t", "0", client)
        told = {int(line) for client in clients for line in docker("logs", client).split() if line.isdigit()}
        docker("rm", "-f", *clients)
    kept = {int(n) for n in sql(network, "shop", PASSWORD, "SELECT n FROM written").split()}
    assert told - kept == set()
    assert max(told) > int(between) > 0
    assert sql(network, "shop", PASSWORD, "SELECT t FROM l") == row


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"postgres_users": [{"name": "Shop"}]}, "'Shop' is no name"),
        (
            {"postgres_databases": [{"name": "a", "owner": "nobody"}]},
            "names nobody, which postgres_users does not have",
        ),
        ({"postgres_certificate": "x"}, "postgres_certificate and postgres_key go together"),
        ({"postgres_memory": "much"}, "postgres_memory"),
        (
            {"postgres_users": [{"name": "shop", "password": "x\n"}]},
            "the password of 'shop' has more than one line",
        ),
        ({"postgres_settings": "a=b"}, "postgres_settings has to be a mapping"),
        ({"postgres_network": ""}, "postgres_network is empty"),
    ],
)
def test_postgres_refuses(platform: Platform, services: Options, change: Options, said: str) -> None:
    """One error before anything is touched."""
    refused = apply(platform, "postgres", {**services, **change})
    assert refused.code != 0
    assert said in refused.output


def redis(network: str, *words: str) -> str:
    """What Redis answers to a workload on its network."""
    return docker("run", "--rm", "--network", network, names.image("redis", "7"), "redis-cli", "-h", "redis", *words)


def test_redis_for_a_whole_life(platform: Platform, services: Options) -> None:
    """Foretold, made, unchanged; nobody without a password; a user's own keys; data outlive the container."""
    network = services["redis_network"]
    assert apply(platform, "redis", services, "--check").ok().changed
    first = apply(platform, "redis", services, "--diff").ok()
    everyone, shop = secret(platform, "redis"), secret(platform, "redis-shop")
    assert everyone not in first.output + json.dumps(first.rows) + docker("inspect", container("redis"))
    assert apply(platform, "redis", services).ok().changed == []
    assert "NOAUTH" in redis(network, "GET", "a")
    own = ["--no-auth-warning", "--user", "shop", "--pass", shop]
    assert redis(network, *own, "SET", "shop:a", "1") == "OK"
    assert "NOPERM" in redis(network, *own, "SET", "other", "1")
    assert "NOPERM" in redis(network, *own, "FLUSHALL")
    assert redis(network, "--no-auth-warning", "-a", everyone, "CONFIG", "GET", "maxmemory").split()[-1] == str(
        192 * 2**20
    )
    changed = apply(platform, "redis", {**services, "redis_fsync": "always"}).ok()
    assert changed.changed == ["Run the server"]
    assert redis(network, *own, "GET", "shop:a") == "1"
    refused = apply(platform, "redis", {**services, "redis_users": [{"name": "default", "rules": "+@all"}]})
    assert refused.code != 0
    assert "is not 'default'" in refused.output
    for wrong in ({"name": "a", "rules": "+@all", "password": "x\n"}, {"name": "a", "rules": "+@all\n"}):
        # C8: a line of its own in the configuration, for which the old server would have been stopped first.
        refused = apply(platform, "redis", {**services, "redis_users": [wrong]})
        assert refused.code != 0
        assert "its rules are one line; its password has no blanks" in refused.output.replace("\n", " ")
    # C8: the old server was stopped before the new one refused its configuration; and a quote is no part of its language.
    running = container("redis")
    refused = apply(platform, "redis", {**services, "redis_settings": {"nonsense": "1"}})
    assert refused.code != 0
    assert "does not take its configuration, so nothing was changed" in " ".join(refused.output.split())
    assert container("redis") == running
    quoted = {**services["redis_users"][0], "password": 'pa"ss'}
    apply(platform, "redis", {**services, "redis_users": [quoted]}).ok()
    assert redis(network, "--no-auth-warning", "--user", "shop", "--pass", 'pa"ss', "GET", "shop:a") == "1"
