"""Roles and playbooks as a person runs them: by full name, twice, in check mode, with mistakes, and away again."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import ssl
import stat
import subprocess
import typing as t
from pathlib import Path

import acme
import names
import nameserver
import pytest
import shell
import yaml
from harness.platforms import Options, Platform, Task, containers, docker, free_ports

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = "tidegate.platform.deploy"
SITE = "tidegate.platform.site"


def declared(platform: Platform, *declared_names: str, **more: t.Any) -> list[Options]:
    """A list of workloads for the playbooks."""
    return [
        {
            "name": name,
            "image": names.image("app"),
            "port": 8000,
            "networks": [platform.network],
            "health": {"path": "/healthz", "deadline": 5},
            "drain": {"timeout": 2},
            "secrets": [{"name": "db", "value": "canary-in-a-playbook"}],
            "routes": [{"host": f"{name}.test"}],
            **more,
        }
        for name in declared_names
    ]


def test_site_for_a_whole_life(own: Platform) -> None:
    """B11: the API is for this host only; a certificate of one's own is served, private, and renewed; then away.

    Check mode on a bare host and a second run without a change are in molecule's scenarios.
    """
    key = own_certificate(own)
    first = own.playbook(SITE, "-vvv", "--diff").ok()
    assert key.splitlines()[1] not in first.output
    status, _headers, body = own.get("nobody.test", "/any/path")
    assert status == 404
    assert "Nothing is served under this name" in body
    only_this_host_reads_the_api(own)
    mine = served_certificate(own.ports.https, "mine.test")
    assert "CN = mine.test" in issuer(mine)
    serial = own_certificate(own, "renewed").splitlines()[1]
    renewed = own.playbook(SITE, "--tags", "traefik_configure", "-vvv", "--diff").ok()
    assert serial not in renewed.output
    shell.wait_until("the renewed one is served", lambda: served_certificate(own.ports.https, "mine.test") != mine, 10)
    assert len(list((own.state / "traefik" / "certificates").glob("mine*"))) == 2, "the old one is gone"
    lasting = served_certificate(own.ports.https, "other.test")
    assert "TIDEGATE DEFAULT CERT" in issuer(lasting), "Traefik's own would be another one at every change of a route"
    for file in (own.state / "traefik" / "certificates").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    own.variables["traefik_certificates"] = []
    again = own.playbook(SITE, traefik_catch_all_page="second page", traefik_log_level="WARN").ok()
    assert "Run Traefik" in again.changed
    assert own.get("nobody.test")[2] == "second page"
    assert "mine" not in (own.state / "routes" / "_certificates.yml").read_text()
    assert served_certificate(own.ports.https, "other.test") == lasting
    own.playbook(SITE, traefik_catch_all=False, traefik_https_redirect=True).ok()
    status, headers, _body = own.get("any.test", "/path?x=1")
    assert (status, headers["location"]) == (301, f"https://any.test:{own.ports.https}/path?x=1")
    own.playbook(SITE, traefik_state="absent").ok()
    assert docker("ps", "-aq", "--filter", f"label=tidegate.state_dir={own.state}") == ""
    assert not (own.state / "routes").exists()
    assert own.playbook(SITE, traefik_state="absent").ok().changed == []


def own_certificate(own: Platform, folder_name: str = "mine") -> str:
    """Have the role serve a new certificate of one's own for mine.test, always under one name; its key."""
    (folder := own.root / folder_name).mkdir()
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mine.test"]
    files = ["-addext", "subjectAltName=DNS:mine.test", "-keyout", str(folder / "k"), "-out", str(folder / "c")]
    subprocess.run([*new, *files], check=True, capture_output=True)
    key = (folder / "k").read_text()
    own.variables["traefik_certificates"] = [{"name": "mine", "certificate": (folder / "c").read_text(), "key": key}]
    return key


def only_this_host_reads_the_api(own: Platform) -> None:
    """Another container of its network gets 403; and Traefik has no Docker socket, and is not root."""
    ask = "import urllib.request as u; print(u.urlopen('http://ADDRESS:8080/api/rawdata', timeout=3).status)"
    form = '{{(index .NetworkSettings.Networks "' + own.network + '").IPAddress}}'
    own_traefik = next(c for c in containers("traefik") if own.network in docker("inspect", c, check=False))
    address = docker("inspect", "--format", form, own_traefik)
    run = ["docker", "run", "--rm", "--network", own.network, names.image("base"), "python3", "-c"]
    refused = subprocess.run([*run, ask.replace("ADDRESS", address)], capture_output=True, text=True, check=False)
    assert "403" in refused.stderr, "another container must not read the API"
    facts = json.loads(docker("inspect", own_traefik))[0]
    assert not any("docker.sock" in bind for bind in facts["HostConfig"]["Binds"]), "Traefik gets no Docker socket"
    assert facts["Config"]["User"] == "65532:65532"


MISTAKES: list[tuple[str, Options, str]] = [
    (
        "dns without provider",
        {"traefik_resolvers": [{"name": "a", "email": "a@b.c", "challenge": "dns"}]},
        "dns_provider",
    ),
    (
        "dns without secrets",
        {"traefik_resolvers": [{"name": "a", "email": "a@b.c", "challenge": "dns", "dns_provider": "route53"}]},
        "AWS_ACCESS_KEY_ID, AWS_REGION, AWS_SECRET_ACCESS_KEY",
    ),
    (
        "provider without dns",
        {"traefik_resolvers": [{"name": "a", "email": "a@b.c", "dns_provider": "route53"}]},
        "goes only with",
    ),
    ("resolver without address", {"traefik_resolvers": [{"name": "a", "email": "nobody"}]}, "email"),
    ("resolver with flag", {"traefik_resolvers": [{"name": "--x", "email": "a@b.c"}]}, "lower-case"),
    (
        "unknown resolver option",
        {"traefik_resolvers": [{"name": "a", "email": "a@b.c", "chal": "dns"}]},
        "chal",
    ),
    (
        "no PEM",
        {"traefik_certificates": [{"name": "a", "certificate": "x", "key": "y"}]},
        "PEM",
    ),
    (
        "one certificate's name twice",
        {"traefik_certificates": [{"name": "a", "certificate": "x", "key": "y"}] * 2},
        "one name is given twice",
    ),
    (
        "two accounts at one provider",
        {
            "traefik_resolvers": [
                {
                    "name": name,
                    "email": "a@b.c",
                    "challenge": "dns",
                    "dns_provider": "hetzner",
                    "dns_secrets": {"HETZNER_API_TOKEN": name},
                }
                for name in ("one", "two")
            ]
        },
        "'one' and 'two' have different secrets for the DNS provider hetzner",
    ),
    ("one port twice", {"traefik_http_port": 9, "traefik_https_port": 9}, "have to differ"),
    ("port as text", {"traefik_http_port": "eighty"}, "traefik_http_port"),
    ("unknown level", {"traefik_log_level": "LOUD"}, "LOUD"),
    ("log size", {"docker_log_max_size": "big"}, "docker_log_max_size"),
]


@pytest.mark.parametrize(("options", "words"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_mistakes_in_roles_are_named_before_anything_is_made(own: Platform, options: Options, words: str) -> None:
    """DP-24: each challenge's required secrets are checked before anything starts."""
    play = own.playbook(SITE, **options)
    assert play.code != 0
    assert words in play.output
    assert play.changed == []
    assert not own.state.exists()


def test_deploy_redeploy_teardown_by_full_name(platform: Platform) -> None:
    one, two = f"p{os.urandom(3).hex()}", f"q{os.urandom(3).hex()}"
    workloads = declared(platform, one, two)
    try:
        first = platform.playbook(DEPLOY, workloads=workloads).ok()
        assert f"{one}: changed" in first.output
        assert platform.playbook(DEPLOY, workloads=workloads).ok().changed == []
        version = platform.playbook(DEPLOY, "-vv", "--diff", workloads=workloads, workload=one, version="2").ok()
        assert (platform.version(f"{one}.test"), platform.version(f"{two}.test")) == ("2", "1")
        foretold = platform.playbook(DEPLOY, "--check", workloads=workloads, workload=one, version="4").ok()
        assert len(foretold.changed) == 1
        assert platform.version(f"{one}.test") == "2"
        before = containers(two)
        platform.playbook("tidegate.platform.redeploy", workloads=workloads, workload=two).ok()
        assert containers(two) != before
        assert "canary-in-a-playbook" not in first.output + version.output + json.dumps(first.rows + version.rows)
        refused = platform.playbook("tidegate.platform.teardown", workloads=workloads, workload=one)
        assert refused.code != 0
        assert f"Say -e confirm={one}" in refused.output
        platform.playbook("tidegate.platform.teardown", workloads=workloads, workload=one, confirm=one).ok()
        assert containers(one) == []
        assert platform.version(f"{two}.test") == "1"
    finally:
        platform.playbook("tidegate.platform.teardown", workloads=workloads, confirm="all").ok()
    assert containers(two) == []


def test_deploy_says_what_is_wrong_with_a_selection(platform: Platform) -> None:
    cases: list[tuple[Options, str]] = [
        ({}, "workloads has to be a list"),
        ({"workloads": "shop"}, "workloads has to be a list"),
        ({"workloads": declared(platform, "a", "a")}, "a name of its own"),
        ({"workloads": declared(platform, "a"), "workload": "b"}, "names b, which is not declared. Declared are a"),
        ({"workloads": declared(platform, "a"), "version": "2"}, "Say which with -e workload=NAME"),
        ({"workloads": declared(platform, "elsewhere", groups=["other"])}, "No host of the inventory takes elsewhere"),
        (
            {"workloads": declared(platform, "a"), "tidegate_environment": "staging"},
            "Nothing is declared in the environment staging. There are production",
        ),
    ]
    for extra, words in cases:
        play = platform.playbook(DEPLOY, **extra)
        assert play.code != 0, words
        assert words in " ".join(play.output.split()), play.output


def test_an_option_that_an_error_names_is_set_by_a_variable(platform: Platform) -> None:
    """U: the reserve of the disk, by the inventory, for a playbook; the remedy names the variable."""
    play = platform.playbook("tidegate.platform.doctor", tidegate_disk_reserve="4000g")
    assert play.code != 0
    assert "lower disk_reserve (tidegate_disk_reserve for playbooks)" in " ".join(play.output.split())


def test_examples_of_the_module_run_as_they_stand(platform: Platform) -> None:
    """Every documented example, with this testbed's image and places put in."""
    argv = [str(names.venv() / "ansible-doc"), "-t", "module", "--json", "tidegate.platform.workload_image"]
    done = subprocess.run(argv, env=platform.environment(Path("/dev/null")), capture_output=True, text=True, check=True)
    examples = yaml.safe_load(json.loads(done.stdout)["tidegate.platform.workload_image"]["examples"])
    defaults = {**platform.places(), "networks": [platform.network], "allow_root": False}
    play = [{"hosts": "all", "gather_facts": False, "tasks": examples}]
    play[0]["module_defaults"] = {"group/tidegate.platform.tidegate": defaults}
    play[0]["vars"] = {"shop_database_password": "from-a-vault"}
    text = json.dumps(play)
    for shown, real in (("team/shop:1.4.2", "1"), ("team/shop:1.5.0", "2"), ("team/wiki:3.1", "4")):
        text = text.replace(f"registry.example.org/{shown}", names.image("app", real))
    text = text.replace('"port": 8080', '"port": 8000').replace('"resolver": "letsencrypt"', '"tls": true')
    path = platform.root / "examples.json"
    path.write_text(text)
    try:
        ran = platform.playbook(str(path)).ok()
        assert len(ran.changed) == len(examples)
        assert platform.playbook(DEPLOY, workloads=[]).code == 0
    finally:
        for name in ("shop", "wiki"):
            platform.apply(name=name, state="absent")
        docker("volume", "rm", "-f", "wiki-data")


def served_certificate(port: int, host: str) -> bytes:
    """The certificate that is served for a host name, as DER."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 5) as raw, context.wrap_socket(raw, server_hostname=host) as tls:
        return tls.getpeercert(binary_form=True) or b""


def issuer(der: bytes) -> str:
    """Who signed it."""
    argv = ["openssl", "x509", "-inform", "der", "-noout", "-issuer", "-ext", "subjectAltName"]
    return subprocess.run(argv, input=der, capture_output=True, check=True).stdout.decode()


@pytest.fixture
def gateway(own: Platform) -> str:
    """Address of this machine as the platform's containers see it."""
    docker("network", "create", "--label", f"{names.LABEL}=1", own.network)
    return docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", own.network)


def obtains_a_certificate(own: Platform, authority: acme.Authority, host: str, asked: str, **resolver: t.Any) -> str:
    """Provision with this resolver and deploy a route with it; everything that was printed on the way.

    :param asked: name that a client asks for, which is one of the route's.
    """
    common = {"name": "pebble", "email": "ops@shop.test", "ca_server": authority.directory}
    own.variables.update(traefik_resolvers=[{**common, **resolver}], traefik_ca_certificates=authority.certificate)
    site = own.playbook(SITE, "-vvv", "--diff").ok()
    name = f"s{os.urandom(3).hex()}"
    workloads = declared(own, name, routes=[{"host": host, "resolver": "pebble"}])
    try:
        own.playbook(DEPLOY, workloads=workloads).ok()
        https = own.ports.https

        def issued() -> bool:
            return "Pebble" in issuer(served_certificate(https, asked))

        shell.wait_until("Pebble's certificate is served", issued, 60)
        assert f"DNS:{host}" in issuer(served_certificate(https, asked))
        assert stat.S_IMODE((own.state / "traefik" / "acme" / "pebble.json").stat().st_mode) == 0o600
        (said,) = own.directly(Task({"ports": []}, module="tidegate.platform.platform_doctor"))
        certificates = next(row["found"] for row in said["findings"] if row["check"] == "certificates")
        assert certificates.startswith(f"1; the first to end is {host}'s"), said
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with contextlib.closing(
            http.client.HTTPSConnection("127.0.0.1", own.ports.https, context=context)
        ) as connection:
            connection.request("GET", "/", headers={"Host": asked})
            assert json.loads(connection.getresponse().read())["version"] == "1"
    finally:
        own.playbook("tidegate.platform.teardown", workloads=workloads, confirm="all").ok()
    return site.output + json.dumps(site.rows)


@pytest.mark.second  # the handover's test has a certificate by HTTP-01, and the one below has the role's by DNS-01
@pytest.mark.parametrize("challenge", ["http", "tls-alpn"])
def test_a_real_acme_server_issues_a_certificate_through_the_role(own: Platform, gateway: str, challenge: str) -> None:
    """DP-22, DP-24: Pebble validates over the proxy's own entry points and signs; the account file is private."""
    ports = own.ports
    with acme.running(own.root / "acme", gateway, free_ports(4), ports.http, ports.https) as authority:
        obtains_a_certificate(own, authority, "a.shop.test", "a.shop.test", challenge=challenge)


def test_a_dns_challenge_is_solved_with_secrets_that_show_nowhere(own: Platform, gateway: str) -> None:
    """DP-24, B11: for a wildcard; DNS-01 by a signed update of a real name server, which Pebble then asks; the key is read from a file."""
    ports, dns_port = own.ports, free_ports(1)[0]
    with (
        nameserver.running(own.root / "dns", "shop.test", gateway, dns_port) as server,
        acme.running(own.root / "acme", gateway, free_ports(4), ports.http, ports.https, server.address) as authority,
    ):
        # Traefik would ask the zone's name servers on port 53, which this one does not have.
        own.variables["traefik_extra_arguments"] = [
            "--certificatesResolvers.pebble.acme.dnsChallenge.propagation.disableChecks=true"
        ]
        resolver = {"challenge": "dns", "dns_provider": "rfc2136", "dns_resolvers": [server.address]}
        secrets = {"dns_secrets": server.secrets}
        printed = obtains_a_certificate(own, authority, "*.shop.test", "b.shop.test", **resolver, **secrets)
    secret = server.secrets["RFC2136_TSIG_SECRET"]
    assert secret not in printed
    traefik = [c for c in containers("traefik") if own.network in docker("inspect", c, check=False)]
    assert secret not in docker("inspect", *traefik)
