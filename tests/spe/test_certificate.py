"""Certificates: proven elsewhere with a public key only; nothing changed, forged or foreign passes."""

import base64
import copy
import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from spe import offices

from kimed_spe import certificate, certificate_cli, cli, reproduce, signing
from kimed_spe.certificate import DEMONSTRATION_KEYS, CertificateError, Forged

REPOSITORY = Path(__file__).resolve().parents[2]
DEMO = REPOSITORY / "profiles" / "spe" / "demo"
SHA = "0" * 64


def output(name: str, verdict: str = "identical", **changes: Any) -> dict[str, Any]:
    found = None if verdict == "missing" else {"sha256": SHA, "size": 3, "fingerprint": f"exact:{SHA}"}
    return {
        "name": name, "declared": name, "meaning": "What it is, for people", "egress": "open", "comparator": "exact",
        "verdict": verdict, "same_bytes": verdict == "identical", "distance": {}, "tolerance": {}, "reason": "",
        "details": [], "reference": {"sha256": SHA, "fingerprint": f"exact:{SHA}"}, "found": found,
    } | changes  # fmt: skip


def predicate(*outputs: dict[str, Any], complete: bool = True, demonstration: bool = False) -> dict[str, Any]:
    outputs = outputs or (output("results/tiny/a.tsv"),)
    statuses = [item["verdict"] for item in outputs]
    return {
        "verdict": certificate.overall(statuses, complete=complete), "summary": certificate.summary(statuses),
        "reproduced": {"workflow": "tiny", "snakefile": "workflows/tiny/Snakefile", "targets": []},
        "reference": {"kind": "expected", "name": "workflows/tiny/expected/expected.json", "sha256": SHA,
                      "signed_by": []},
        "workflow": {"digest": SHA, "files": {"scripts/tiny/means.py": SHA, "config/tiny.yaml": SHA},
                     "commit": "c" * 40, "modified": False},
        "parameters": {"config/tiny.yaml: factor": 1.5}, "inputs": [{"id": "d", "version": "1", "manifest": SHA}],
        "permit": {"id": "P", "sha256": SHA, "demonstration": True},
        "environment": {"software": "host", "python": "3.11.7", "packages": {"numpy": "2.4.6"}, "system": "Linux",
                        "locks": {"requirements/dev.lock": SHA}, "compared_with": "the lock", "differences": []},
        "hardware": {"architecture": "x86_64", "processor": "P", "vector_unit": "avx2", "cores": 2,
                     "memory_gib_at_most": 16, "gpu": False},
        "outputs": list(outputs),
        "run": {"complete": complete, "fresh": True, "exit_code": 0, "cores": 2, "jobs": 4, "failed": 0,
                "sandbox": "bubblewrap", "register": {"register": SHA, "size": 7, "root": SHA}},
        "times": {"started": "2026-11-26T09:00:00Z", "run_started": "2026-11-26T09:00:01Z",
                  "run_finished": "2026-11-26T09:00:09Z", "issued": "2026-11-26T09:00:10Z"},
        "signer": {"keyid": SHA, "demonstration": demonstration}, "repeat": ["spe reproduce tiny"],
        "varies": list(certificate.VARIES),
    }  # fmt: skip


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("site", "stranger"):
        signing.new_key(folder / f"{name}.pem")
    return folder


@pytest.fixture
def signed(tmp_path: Path, keys: Path) -> Path:
    return sign(predicate(), keys / "site.pem", tmp_path)


def sign(content: dict[str, Any], key: Path, folder: Path) -> Path:
    path = folder / "certificate.json"
    signing.write_envelope(certificate.sign(certificate.statement(content), signing.read_signer(key)), path)
    return path


def verify(path: Path, *keys: Path) -> int:
    return cli.main(["certificate", "verify", str(path), *(word for key in keys for word in ("--key", str(key)))])


def test_genuine_certificate_is_proven(signed: Path, keys: Path, capsys: pytest.CaptureFixture[str]):
    assert verify(signed, keys / "site.pub.json") == 0
    said = capsys.readouterr().out
    assert "Genuine" in said and "IDENTICAL (1 identical)" in said and "demonstration" not in said


def test_in_toto_tools_read_it(signed: Path):
    envelope = json.loads(signed.read_text())
    statement = json.loads(base64.b64decode(envelope["payload"]))
    assert envelope["payloadType"] == "application/vnd.in-toto+json"
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["subject"] == [{"name": "results/tiny/a.tsv", "digest": {"sha256": SHA}}]
    assert set(statement) == {"_type", "subject", "predicateType", "predicate"}


def test_unknown_key_is_no_pass(signed: Path, keys: Path, capsys: pytest.CaptureFixture[str]):
    assert verify(signed, keys / "stranger.pub.json") == 1
    assert "none of the keys given" in capsys.readouterr().out
    assert verify(signed, keys / "stranger.pub.json", keys / "site.pub.json") == 0


def test_without_any_key_nothing_is_proven(signed: Path, capsys: pytest.CaptureFixture[str]):
    assert verify(signed) == 2
    assert "--key" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["verdict", "outputs", "times", "workflow", "environment"])
def test_each_changed_field_is_seen(signed: Path, keys: Path, place: str, capsys: pytest.CaptureFixture[str]):
    document = json.loads(signed.read_text())
    statement = json.loads(base64.b64decode(document["payload"]))
    statement["predicate"][place] = "other"
    document["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    signed.write_text(json.dumps(document))
    assert verify(signed, keys / "site.pub.json") == 1
    assert "changed after it was signed" in capsys.readouterr().out


def test_another_signed_document_is_no_certificate(tmp_path: Path, keys: Path):
    signer = signing.read_signer(keys / "site.pem")
    path = tmp_path / "permit.json"
    signing.write_envelope(signing.seal({"id": "P"}, "application/vnd.kimed.permit+json", signer), path)
    assert verify(path, keys / "site.pub.json") == 2
    with pytest.raises(CertificateError, match="another type"):
        certificate.read(path)


@pytest.mark.parametrize(
    ("text", "reason"), [("", "Expecting value"), ("{}", "DSSE"), ('{"a":1,"a":2}', "twice"), ("\xff\xfe", "")]
)
def test_damaged_file_is_an_error(
    tmp_path: Path, keys: Path, text: str, reason: str, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "c.json").write_text(text, encoding="latin-1")
    assert verify(tmp_path / "c.json", keys / "site.pub.json") == 2
    assert reason in capsys.readouterr().err


def test_certificate_of_another_version_is_an_error(tmp_path: Path, keys: Path):
    content = certificate.statement(predicate()) | {"predicateType": "urn:kimed:reproduction-certificate:0"}
    path = tmp_path / "old.json"
    signing.write_envelope(certificate.sign(content, signing.read_signer(keys / "site.pem")), path)
    with pytest.raises(CertificateError, match="this version of spe reads"):
        certificate.verify(path, [signing.read_public(keys / "site.pub.json")])


@pytest.mark.parametrize(
    "lie",
    [
        lambda p: p.update(verdict="identical"),
        lambda p: p["summary"].update(identical=2),
        lambda p: p["outputs"][1].update(verdict="within tolerance"),
        lambda p: p["outputs"][1].update(verdict="identical", found=None),
        lambda p: p["outputs"].pop(),
        lambda p: p["outputs"][1].update(verdict="fine"),
    ],
)
def test_the_signers_own_lie_is_seen(tmp_path: Path, keys: Path, lie: Any):
    """Whoever holds the key can sign anything; what contradicts itself is refused all the same."""
    beyond = output("results/tiny/b.tsv", "differs", distance={"relative": 0.5}, tolerance={"relative": 1e-3})
    content = predicate(output("results/tiny/a.tsv"), beyond)
    lie(content)
    if content["outputs"][1:] and content["outputs"][1]["verdict"] in certificate.PASSES:
        content["summary"] = certificate.summary([item["verdict"] for item in content["outputs"]])
        content["verdict"] = certificate.overall([item["verdict"] for item in content["outputs"]], complete=True)
    path = sign(content, keys / "site.pem", tmp_path)
    with pytest.raises(Forged, match="contradicts itself"):
        certificate.verify(path, [signing.read_public(keys / "site.pub.json")])


@pytest.mark.parametrize("verdict", ["differs", "missing", "not comparable"])
def test_genuine_failure_is_no_pass(tmp_path: Path, keys: Path, verdict: str, capsys: pytest.CaptureFixture[str]):
    path = sign(predicate(output("results/tiny/a.tsv"), output("b", verdict)), keys / "site.pem", tmp_path)
    assert verify(path, keys / "site.pub.json") == 3
    assert verdict.upper() in capsys.readouterr().out


def test_partial_run_is_no_pass_whatever_its_outputs(tmp_path: Path, keys: Path):
    path = sign(predicate(complete=False), keys / "site.pem", tmp_path)
    assert verify(path, keys / "site.pub.json") == 3


def test_no_outputs_are_no_pass():
    assert certificate.overall([], complete=True) == "not comparable"


def test_expected_digest(signed: Path, keys: Path):
    digest = certificate.read(signed).digest
    arguments = ["certificate", "verify", str(signed), "--key", str(keys / "site.pub.json"), "--expect"]
    assert cli.main([*arguments, digest]) == 0
    assert cli.main([*arguments, SHA]) == 1


def test_demonstration_key_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Also where the certificate denies it, as a forger would write."""
    public = signing.read_public(DEMO / "keys" / "demo-certificate.pub.json")
    assert {public.keyid} == DEMONSTRATION_KEYS
    path = sign(predicate(demonstration=False), DEMO / "keys" / "demo-certificate.pem", tmp_path)
    assert verify(path, DEMO / "keys" / "demo-certificate.pub.json") == 0
    assert "proves nothing about who signed" in capsys.readouterr().out


def test_trust_store_knows_who_certifies_and_who_no_longer(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    store = tmp_path / "trust"
    shutil.copytree(DEMO / "trust", store)
    path = sign(predicate(), DEMO / "keys" / "demo-certificate.pem", tmp_path)
    assert cli.main(["certificate", "verify", str(path), "--trust", str(store)]) == 0
    committee = DEMO / "keys" / "demo-access-committee.pem"
    revoke = ["permit", "revoke", next(iter(DEMONSTRATION_KEYS)), "--revoke-key", "--trust", str(store)]
    assert cli.main([*revoke, "--key", str(committee)]) == 0
    assert cli.main(["certificate", "verify", str(path), "--trust", str(store)]) == 2
    site = offices.build(tmp_path / "other")
    assert cli.main(["certificate", "verify", str(path), "--trust", str(site.trust_path)]) == 2
    assert "names no keys for certificates" in capsys.readouterr().err


def test_certificate_key_is_a_role_of_its_own(tmp_path: Path):
    site = offices.build(tmp_path)
    committee = site.keys["committee"].public_key.keyid
    offices.edit_json(
        site.trust_path / "trust.json",
        lambda data: data.update(certificate={"keys": [committee], "threshold": 1, "contact": "x"}),
    )
    with pytest.raises(ValueError, match="share the key"):
        _ = site.trust


def test_verification_needs_only_this_package_and_its_signature_library(signed: Path, keys: Path, tmp_path: Path):
    """As where nothing but the package, securesystemslib and cryptography is installed."""
    allowed = {"kimed_spe", "kimed_compare", "securesystemslib", "cryptography", "cffi", "_cffi_backend"}
    program = f"""
        import sys
        class Nothing:
            def find_spec(self, name, path=None, target=None):
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names and top not in {allowed!r}:
                    raise ModuleNotFoundError(name)
        sys.meta_path.insert(0, Nothing())
        from kimed_spe.cli import main
        sys.exit(main(sys.argv[1:]))
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), "certificate", "verify", str(signed), "--key",
         str(keys / "site.pub.json")],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={name: value for name, value in os.environ.items() if not name.startswith("KIMED")},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "Genuine" in run.stdout


def test_show_tells_without_proving(signed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["certificate", "show", str(signed)]) == 0
    assert "Nothing of this is proven" in capsys.readouterr().out
    assert cli.main(["certificate", "show", str(signed), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["predicate"]["verdict"] == "identical"
    assert cli.main(["certificate", "show", str(signed), "--html", str(tmp_path / "page.html")]) == 0
    assert "every output is identical" in (tmp_path / "page.html").read_text()


def test_statement_has_all_fields_and_no_others():
    content = predicate()
    with pytest.raises(CertificateError, match="surprise"):
        certificate.statement(content | {"surprise": 1})
    content.pop("inputs")
    with pytest.raises(CertificateError, match="inputs"):
        certificate.statement(content)


@pytest.mark.parametrize("text", ["/home/someone/data.tsv", "see /scratch/p1/x", "file=/srv/a/b", '["/data/a/b"]'])
def test_paths_of_the_machine_are_found_before_writing(text: str):
    content = copy.deepcopy(predicate())
    assert reproduce.leaks(content) == []
    content["outputs"][0]["details"] = [text]
    assert reproduce.leaks(content) == ["certificate.outputs[0].details[0] holds an absolute path"]


def test_host_and_user_names_are_found_before_writing(monkeypatch: pytest.MonkeyPatch):
    content = predicate()
    monkeypatch.setattr(reproduce.os, "uname", lambda: SimpleNamespace(nodename="node-17"))
    content["hardware"]["processor"] = "CPU of node-17"
    assert reproduce.leaks(content) == ["certificate.hardware.processor holds the name of this host"]
    monkeypatch.setattr(reproduce.gate, "current_user", lambda: "mmuster")
    content = predicate()
    content["repeat"].append("su mmuster")
    assert reproduce.leaks(content) == ["certificate.repeat[1] holds the name of this user"]


def test_exit_codes_are_distinct():
    codes = [
        certificate_cli.GENUINE_AND_PASSED, certificate_cli.NOT_GENUINE, certificate_cli.UNREADABLE,
        certificate_cli.GENUINE_BUT_NOT_PASSED,
    ]  # fmt: skip
    assert sorted(codes) == [0, 1, 2, 3]


def test_trust_init_takes_a_certificate_key(tmp_path: Path):
    names = ("holder", "committee", "register", "certificate")
    holder, committee, register, certificates = (f"{tmp_path}/{name}.pub.json" for name in names)
    for name in names:
        signing.new_key(tmp_path / f"{name}.pem")
    store = tmp_path / "trust"
    options = ["--data-holder", f"A={holder}", "--access-committee", committee, "--register", register]
    options += ["--certificate", certificates, "--key", f"{tmp_path}/committee.pem", "--contact", "office"]
    assert cli.main(["trust", "init", str(store), *options]) == 0
    path = sign(predicate(), tmp_path / "certificate.pem", tmp_path)
    assert cli.main(["certificate", "verify", str(path), "--trust", str(store)]) == 0
