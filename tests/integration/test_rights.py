"""Who may read a database is who is declared, on a real server."""

from __future__ import annotations

import os
import subprocess
import typing as t

import names
import pytest
from harness.platforms import Options, docker
from jinja2 import Environment, FileSystemLoader

GRANTS = Environment(
    loader=FileSystemLoader(names.ROOT / "roles" / "postgres" / "templates"), trim_blocks=True
).get_template("grants.sql.j2")
READY = "until pg_isready -q -h 127.0.0.1; do sleep 0.1; done"


@pytest.fixture
def server() -> t.Iterator[str]:
    """A server with a database and four roles."""
    label = f"tidegate-rights-{os.urandom(3).hex()}"
    docker(
        "run", "-d", "--name", label, "--network", "none", "-e", "POSTGRES_PASSWORD=x", names.image("postgres", "15")
    )
    try:
        docker("exec", label, "timeout", "60", "sh", "-c", READY)
        for role in ("shop", "reports", "other", "next"):
            sql(label, f"CREATE ROLE {role} LOGIN", database="postgres")
        sql(label, "CREATE DATABASE shop OWNER shop", database="postgres")
        yield label
    finally:
        docker("rm", "-fv", label)


def sql(server: str, text: str, user: str = "postgres", database: str = "shop") -> str:
    """What a user is answered; `refused` where it may not."""
    argv = ["docker", "exec", "-i", server, "psql", "-U", user, "-d", database, "-qAt", "-v", "ON_ERROR_STOP=1"]
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or user != "postgres", done.stderr
    return done.stdout.strip() if done.returncode == 0 else "refused"


def declare(server: str, owner: str, *readers: str) -> str:
    """The database as the role has it."""
    item: Options = {"name": "shop", "owner": owner, "readers": list(readers)}
    sql(server, f"ALTER DATABASE shop OWNER TO {owner}")
    return sql(server, GRANTS.render(item=item))


def test_who_is_no_reader_any_more_reads_no_more(server: str) -> None:
    """SECRET: a role that was taken off a database kept all of its rights, and got those to later tables."""
    assert declare(server, "shop", "reports", "other") == "changed"
    sql(server, "CREATE TABLE t (n int PRIMARY KEY); CREATE TABLE u (n int REFERENCES t)", "shop")
    assert declare(server, "shop", "reports", "other") == ""
    assert sql(server, "SELECT count(*) FROM t", "reports") == "0"
    assert declare(server, "shop", "other") == "changed"
    assert declare(server, "shop", "other") == ""
    sql(server, "CREATE TABLE later (n int)", "shop")
    for table in ("t", "later"):
        assert sql(server, f"SELECT count(*) FROM {table}", "other") == "0"
        assert sql(server, f"SELECT count(*) FROM {table}", "reports") == "refused"
    rights = "SELECT has_table_privilege('reports', 't', 'SELECT') OR has_table_privilege('reports', 'later', 'SELECT')"
    assert sql(server, rights) == "f"
    assert declare(server, "next", "shop") == "changed"
    assert sql(server, "CREATE TABLE more (n int)", "shop") == "refused", "the owner before only reads"
    sql(server, "INSERT INTO t VALUES (1); INSERT INTO u VALUES (1)")
    assert declare(server, "next") == "changed"
    assert sql(server, "SELECT 1", "shop") == "refused"
    assert declare(server, "next") == ""


def test_what_others_granted_is_theirs(server: str) -> None:
    """A8: an application's migrations and people let others in, who are in no declaration; every run took that away."""
    assert declare(server, "shop", "reports") == "changed"
    sql(server, "CREATE TABLE t (n int); GRANT USAGE ON SCHEMA public TO other; GRANT SELECT ON t TO other", "shop")
    sql(server, "GRANT CONNECT ON DATABASE shop TO other", "shop")
    sql(server, "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO other", "shop")
    for readers in (("reports",), ()):
        declare(server, "shop", *readers)
        assert sql(server, "SELECT count(*) FROM t", "other") == "0"
    assert sql(server, "SELECT count(*) FROM t", "reports") == "refused"
    sql(server, "CREATE TABLE later (n int)", "shop")
    assert sql(server, "SELECT count(*) FROM later", "other") == "0"
