"""Certificates that end soon: read without any program of the host, and said by name while there is time."""

from __future__ import annotations

import base64
import calendar
import json
import subprocess
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.tidegate.platform.plugins.module_utils._core.proxy import certificates
from ansible_collections.tidegate.platform.plugins.module_utils._core.stories import findings

DAY = 86400


def issued(folder: Path, names: t.Sequence[str], days: int, kind: str = "ec") -> str:
    """A certificate, as OpenSSL makes it."""
    key = ["-newkey", "rsa:2048"] if kind == "rsa" else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    argv = [
        "openssl",
        "req",
        "-x509",
        *key,
        "-nodes",
        "-keyout",
        "/dev/null",
        "-days",
        str(days),
        "-subj",
        "/O=Shop/CN=x",
    ]
    argv += ["-addext", f"subjectAltName={','.join(names)}"] if names else []
    out = folder / "made.pem"
    subprocess.run([*argv, "-out", str(out)], check=True, capture_output=True)
    return out.read_text()


def end_of(text: str) -> float:
    """What OpenSSL says of its end."""
    said = subprocess.run(
        ["openssl", "x509", "-noout", "-enddate"], input=text, text=True, check=True, capture_output=True
    )
    form = "notAfter=%b %d %H:%M:%S %Y GMT"
    return float(calendar.timegm(time.strptime(" ".join(said.stdout.split()), form)))


@pytest.mark.parametrize(("days", "kind"), [(1, "ec"), (90, "rsa"), (20000, "ec"), (36500, "rsa")])
def test_names_and_end_are_those_that_openssl_reads(tmp_path: Path, days: int, kind: str) -> None:
    """B17: UTCTime before 2050 and GeneralizedTime from then on; names, wildcards and addresses."""
    text = issued(
        tmp_path, ["DNS:shop.test", "DNS:*.Shop.test", "IP:192.0.2.7", "IP:2001:db8::1", "email:a@b.test"], days, kind
    )
    found = certificates.of_pem(f"chain of\n{text}\n{issued(tmp_path, [], 3)}")
    assert found.names == ("shop.test", "*.shop.test", "192.0.2.7", "2001:db8::1")
    assert found.ends == end_of(text)
    assert abs(found.begins - time.time()) < 600
    assert [found.covers(host) for host in ("shop.test", "a.shop.test", "b.a.shop.test", "op.test")] == [
        True,
        True,
        False,
        False,
    ]
    assert certificates.of_pem(issued(tmp_path, [], days, kind)).names == ()


def test_what_is_no_certificate_is_said_to_be_none(tmp_path: Path) -> None:
    data = base64.b64decode("".join(issued(tmp_path, ["DNS:a.test"], 9).splitlines()[1:-1]))
    for bad in (b"", b"\x30", data[:60], data[:-1], bytes(len(data)), b"\x30\x82\xff\xff" + data[4:]):
        with pytest.raises((ValueError, LookupError)):
            certificates.of_der(bad)
    with pytest.raises(ValueError, match="no certificate"):
        certificates.of_pem("nothing")


@pytest.mark.parametrize(
    ("life", "left", "due"),
    [
        (365, 15, False),
        (365, 13, True),
        (90, 31, False),
        (90, 13, True),
        (7, 2, False),
        (7, 0.5, True),
        (1, 0.5, False),
    ],
)
def test_short_lives_are_renewed_late(life: float, left: float, due: bool) -> None:
    """B17: a certificate of seven days is well with two left, which Traefik renews on its last."""
    certificate = certificates.Certificate(("a.test",), (left - life) * DAY, left * DAY)
    assert certificate.due(14, 0.0) == due


def test_the_doctor_says_which_certificates_end(tmp_path: Path) -> None:
    """B17: brought ones, and those of a store whose names are routed; what is damaged is said, and what is none's is not."""
    own = tmp_path / "traefik"
    for folder in ("certificates", "acme"):
        (own / folder).mkdir(parents=True)
    brought = own / "certificates" / "shop.0123456789abcdef.crt"
    brought.write_text(issued(tmp_path, ["DNS:shop.test"], 100))
    (own / "certificates" / "_default.crt").write_text(issued(tmp_path, ["DNS:none.test"], 1))
    (own / "acme" / "empty.json").write_text("")
    rows = [
        {
            "domain": {"main": name},
            "certificate": base64.b64encode(issued(tmp_path, [f"DNS:{name}"], days).encode()).decode(),
        }
        for name, days in (("wiki.test", 90), ("old.test", 90), ("*.wild.test", 300))
    ]
    (own / "acme" / "letsencrypt.json").write_text(json.dumps({"letsencrypt": {"Account": {}, "Certificates": rows}}))
    hosts, now = {"wiki.test", "a.wild.test"}, time.time()

    def said(later: float) -> list[tuple[str, str, str]]:
        found = list(findings.of_certificates(*certificates.served(str(tmp_path)), hosts, 14, now + later * DAY))
        assert all(bool(row.remedy) == (row.state != "ok") for row in found)
        return [(row.check, row.state, row.found) for row in found]

    # One that was left behind by its resolver, or by what a person gave instead, is nobody's any more.
    left = {"domain": {}, "certificate": base64.b64encode(issued(tmp_path, ["DNS:wiki.test"], 1).encode()).decode()}
    (own / "acme" / "former.json").write_text(json.dumps({"former": {"Certificates": [left]}}))
    assert said(0) == [("certificates", "ok", "3; the first to end is wiki.test's, in 89 days")]
    assert said(80) == [("certificate wiki.test", "warning", "ends in 9 days")]
    assert said(95) == [
        ("certificate wiki.test", "failure", "ended 5 days ago"),
        ("certificate shop.test", "warning", "ends in 4 days"),
    ]
    brought.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert [row[:2] for row in said(0)] == [(f"certificate {brought}", "warning"), ("certificates", "ok")]
    assert list(findings.of_certificates(*certificates.served(str(tmp_path / "none")), hosts, 14, now)) == []


def test_names_without_a_certificate_are_missed() -> None:
    """One for all names of a domain covers each of them, and not the domain itself."""
    found = [certificates.Certificate(("shop.test", "*.apps.test"), 0, DAY)]
    hosts = ["shop.test", "a.apps.test", "apps.test", "b.a.apps.test", "blog.test", "blog.test"]
    assert certificates.missing(found, hosts) == ["apps.test", "b.a.apps.test", "blog.test"]
    assert certificates.missing([], ["shop.test"]) == ["shop.test"]
