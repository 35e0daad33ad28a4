"""Judges the findings of testssl.sh and sslscan: ACCEPTED JSON-OR-XML...
ACCEPTED must name each finding above LOW. Each scan must have recognised this
server, so that a scan that never reached it doesn't pass."""
import json
import sys
import xml.etree.ElementTree as xml

FINE = ("OK", "INFO", "LOW", "DEBUG")

# Findings of testssl.sh about this machine's openssl, not about the server.
OF_THE_SCANNER = {"engine_problem"}

SEEN_BY_TESTSSL = {
    "SSLv2": "not offered",
    "SSLv3": "not offered",
    "TLS1": "not offered",
    "TLS1_1": "not offered",
    "TLS1_2": "offered",
    "TLS1_3": "offered with final",
    "cert_numbers": "2",
    "cipher_order": "server",
    "secure_client_renego": "not vulnerable",
}

VERSIONS = {
    ("ssl", "2"): "0",
    ("ssl", "3"): "0",
    ("tls", "1.0"): "0",
    ("tls", "1.1"): "0",
    ("tls", "1.2"): "1",
    ("tls", "1.3"): "1",
}

SUITES = {
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
}


def testssl(path):
    with open(path) as file:
        found = json.load(file)
    for f in found:
        if f["severity"] not in FINE and f["id"] not in OF_THE_SCANNER:
            yield "testssl " + f["id"].split(" ")[0], f["severity"] + ": " + f["finding"]
    said = {f["id"]: f["finding"] for f in found}
    for key, value in SEEN_BY_TESTSSL.items():
        if said.get(key) != value:
            yield "testssl " + key, f"{said.get(key)}, not {value}"
    if not said.get("scanTime", "").isdigit():
        yield "testssl scanTime", "the scan didn't come to its end"


def sslscan(path):
    test = xml.parse(path).getroot().find("ssltest")
    if test is None:
        yield "sslscan", "no scan"
        return
    seen = {(p.get("type"), p.get("version")): p.get("enabled")
            for p in test.iter("protocol")}
    if seen != VERSIONS:
        yield "sslscan versions", str(seen)
    ciphers = [c.get("cipher") for c in test.iter("cipher")]
    if set(ciphers) != SUITES:
        yield "sslscan ciphers", ", ".join(ciphers)
    if test.find("certificates/certificate") is None:
        yield "sslscan certificates", "none seen"
    for c in test.iter("cipher"):
        if c.get("strength") not in ("strong", "acceptable"):
            yield "sslscan " + c.get("cipher"), c.get("strength")
    for g in test.iter("group"):
        if int(g.get("bits")) < 112:
            yield "sslscan " + g.get("name"), g.get("bits") + " bits"
    yield from flags(test)


def flags(test):
    """Yields each element of the report that has a bad value."""
    for tag, key, bad in (
        ("heartbleed", "vulnerable", "1"),
        ("compression", "supported", "1"),
        ("pk", "error", "true"),
    ):
        for e in test.iter(tag):
            if e.get(key) == bad:
                yield "sslscan " + tag, f"{key}={bad}"
    for e in test.iter("renegotiation"):
        if e.get("supported") == "1":
            yield "sslscan renegotiation", "supported"
    for tag in ("self-signed", "expired", "not-yet-valid"):
        for e in test.iter(tag):
            if e.text == "true":
                yield "sslscan " + tag, "a certificate is"


def read_accepted(path):
    with open(path) as file:
        lines = [l.strip() for l in file if l.strip() and l[0] != "#"]
    return dict(l.split(": ", 1) for l in lines)


def main(accepted_file, *reports):
    accepted = read_accepted(accepted_file)
    met, wrong = set(), 0
    for path in reports:
        read = testssl if path.endswith(".json") else sslscan
        for name, finding in read(path):
            met.add(name)
            known = name in accepted
            wrong += not known
            print("accepted" if known else "WRONG", path.split("/")[-1], name, finding)
    for name in accepted.keys() - met:
        wrong += 1
        print("WRONG", accepted_file, name, "is found by no scan any more")
    print(f"{len(reports)} reports, {wrong} wrong")
    return wrong != 0


sys.exit(main(*sys.argv[1:]))
