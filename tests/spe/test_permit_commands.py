"""What offices, administrators and users type; and what the administrator fixed cannot be moved by a variable."""

import json
import os
import shutil
from pathlib import Path

import jsonschema
import pytest
import yaml
from spe import offices

from kimed_spe import gate, permit, permit_model, site, software, trust
from kimed_spe.cli import main
from kimed_spe.register import Register


def spe(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_from_keys_to_a_revoked_permit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("SPE_KEY_PASSPHRASE", "correct horse")
    here = offices.build(tmp_path / "s").root
    keys = tmp_path / "keys"
    keys.mkdir()
    for name in ("holder", "committee", "register"):
        assert spe("trust", "key", keys / f"{name}.pem") == 0
        assert (keys / f"{name}.pem").stat().st_mode & 0o777 == 0o600 and b"ENCRYPTED" in (
            keys / f"{name}.pem"
        ).read_bytes()
    store = tmp_path / "trust"
    assert spe(
        "trust", "init", store, "--contact", "administrator", "--data-holder", f"Clinic A={keys / 'holder.pub.json'}",
        "--access-committee", keys / "committee.pub.json", "--register", keys / "register.pub.json",
        "--key", keys / "committee.pem", "--demonstration",
    ) == 0  # fmt: skip
    template = {
        **offices.TEMPLATE,
        "users": [{"id": gate.current_user(), "name": "me"}],
        "valid_to": "2099-01-01T00:00:00Z",
    }
    template["valid_from"] = "2020-01-01T00:00:00Z"
    (tmp_path / "permit.yaml").write_text(yaml.safe_dump(template))
    document = tmp_path / "permit.json"
    place = ["-s", here / "Snakefile", "-d", here]
    assert spe("permit", "new", tmp_path / "permit.yaml", *place, "-o", document) == 0
    assert spe("permit", "sign", document, "--key", keys / "holder.pem") == 0
    assert spe("permit", "check", document, "--trust", store, *place) == 1
    assert "access committee, found 0" in capsys.readouterr().out
    assert spe("permit", "sign", document, "--key", keys / "committee.pem") == 0
    assert spe("permit", "check", document, "--trust", store, *place) == 0
    assert spe("permit", "check", document, "--trust", store, *place, "--user", "eve") == 1
    capsys.readouterr()
    assert spe("permit", "show", document, "--trust", store) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [len(names) for names in shown["valid signatures"].values()] == [1, 1]
    revoke = ["permit", "revoke", "--trust", store, "--key", keys / "committee.pem"]
    assert spe(*revoke, "DAA-2026-001", "--reason", "withdrawn") == 0
    assert spe("permit", "check", document, "--trust", store, *place) == 1
    assert spe(*revoke) == 0 and trust.load(store).revocations.number == 3
    assert "DAA-2026-001" in trust.load(store).revocations.permits, "renewing the list forgets nobody"
    holder = trust.load(store).data_holders["Clinic A"].keys
    assert spe(*revoke, next(iter(holder)), "--revoke-key") == 0 and set(trust.load(store).revocations.keys) == holder


def test_wrong_passphrase_and_empty_passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SPE_KEY_PASSPHRASE", "one")
    assert spe("trust", "key", tmp_path / "a.pem") == 0
    assert spe("trust", "key", tmp_path / "a.pem") == 2, "keys are never overwritten"
    monkeypatch.setenv("SPE_KEY_PASSPHRASE", "two")
    assert spe("permit", "sign", tmp_path / "none.json", "--key", tmp_path / "a.pem") == 2
    monkeypatch.delenv("SPE_KEY_PASSPHRASE")
    monkeypatch.setattr("getpass.getpass", lambda _: "")
    assert spe("trust", "key", tmp_path / "b.pem") == 2 and not (tmp_path / "b.pem").exists()
    assert spe("trust", "key", tmp_path / "b.pem", "--no-passphrase") == 0


def test_what_is_no_permit_is_not_signed(tmp_path: Path):
    here = offices.build(tmp_path / "s")
    key = here.root / "site/holder.pem"
    (tmp_path / "draft.json").write_text('{"id": "x"}')
    assert spe("permit", "sign", tmp_path / "draft.json", "--key", key) == 2
    assert spe("permit", "sign", here.trust_path / "revocations.json", "--key", key) == 2


def test_draft_tells_every_mistake_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    here = offices.build(tmp_path / "s")
    here.template.update(sandbox="maybe", users=[])
    with pytest.raises(permit.PermitError) as caught:
        here.sign()
    assert "sandbox" in str(caught.value) and "users" in str(caught.value)


def test_demonstration_is_signed_anew_after_a_change(tmp_path: Path, repository: Path):
    """In a small copy: the real one is signed over the workflows of the repository."""
    folder = tmp_path / gate.DEMONSTRATION
    folder.parent.mkdir(parents=True)
    shutil.copytree(repository / gate.DEMONSTRATION, folder)
    for name in ("workflows/cohort", "rules", "scripts", "config", "envs", "requirements", "test_data"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "workflows/cohort/Snakefile").write_text("rule all:\n    input: 'test_data/a'\n")
    (tmp_path / "requirements/dev.lock").write_text("snakemake\n")
    (tmp_path / "test_data/a").write_text("1\n")
    check = ["permit", "check", folder / "permit.json", "--trust", folder / "trust", "-d", tmp_path,
             "-s", "workflows/cohort/Snakefile", "--user", "whoever"]  # fmt: skip
    assert spe("permit", "demo", "-d", tmp_path) == 0 and spe(*check) == 0
    (tmp_path / "rules/new.smk").write_text("# new\n")
    assert spe(*check) == 1
    assert spe("permit", "demo", "-d", tmp_path) == 0 and spe(*check) == 0


def test_shipped_demonstration_covers_the_workflows_as_they_are(repository: Path):
    if not (repository / "test_data").is_dir():
        pytest.skip("test_data/ is not in this checkout")
    folder = repository / gate.DEMONSTRATION
    found = spe("permit", "check", folder / "permit.json", "--trust", folder / "trust", "-d", repository,
                "-s", "workflows/cohort/Snakefile")  # fmt: skip
    assert found == 0, "a workflow was changed: spe permit demo"


@pytest.fixture
def fixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site file of this test."""
    file = tmp_path / "spe.json"
    monkeypatch.setattr(site, "FILE", file)
    monkeypatch.setattr(site, "OWNER", os.geteuid())
    for name in ("KIMED_TRUST", "KIMED_REGISTER", "KIMED_PERMIT"):
        monkeypatch.delenv(name, raising=False)
    return file


def test_variables_count_where_nothing_is_fixed(fixed: Path):
    assert gate.places({"KIMED_TRUST": "/my/own"})[1] == Path("/my/own")
    assert gate.places({})[0] == gate.DEMONSTRATION / "permit.json"


def test_nobody_brings_a_trust_store_of_his_own(fixed: Path, monkeypatch: pytest.MonkeyPatch):
    fixed.write_text('{"trust": "/etc/kimed/trust", "register": "/var/kimed/register"}')
    assert gate.places({})[1] == Path("/etc/kimed/trust") and Register().path == Path("/var/kimed/register")
    assert gate.places({"KIMED_TRUST": "/etc/kimed/trust"})[1] == Path("/etc/kimed/trust")
    with pytest.raises(site.SiteError, match="unset KIMED_TRUST"):
        gate.places({"KIMED_TRUST": "/my/own"})
    monkeypatch.setenv("KIMED_REGISTER", "/my/own")
    with pytest.raises(site.SiteError, match="unset KIMED_REGISTER"):
        Register()


def test_nobody_opens_folders_as_software(fixed: Path, tmp_path: Path):
    others, tools = tmp_path / "other_project", tmp_path / "tools"
    others.mkdir()
    tools.mkdir()
    assert others in software.folders({"PATH": "", "KIMED_SOFTWARE_PATHS": str(others)})
    fixed.write_text("{}")
    with pytest.raises(site.SiteError, match="unset it"):
        software.folders({"PATH": "", "KIMED_SOFTWARE_PATHS": str(others)})
    fixed.write_text(json.dumps({"software_paths": str(tools)}))
    assert tools in software.folders({"PATH": ""})


@pytest.mark.parametrize(
    "content", ["", "[]", '{"trust": "relative"}', '{"other": "/x"}', '{"trust": "/a", "trust": "/b"}']
)
def test_site_file_that_is_none_is_refused(fixed: Path, content: str):
    fixed.write_text(content)
    with pytest.raises(site.SiteError):
        gate.places({})


def test_site_file_of_others_is_refused(fixed: Path, monkeypatch: pytest.MonkeyPatch):
    fixed.write_text("{}")
    assert site.fixed() == {}
    fixed.chmod(0o666)
    with pytest.raises(site.SiteError, match="belong to root"):
        site.fixed()
    fixed.chmod(0o644)
    monkeypatch.setattr(site, "OWNER", os.geteuid() + 1)
    with pytest.raises(site.SiteError, match="belong to root"):
        site.fixed()


def test_contradiction_is_a_message_of_every_command(
    fixed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    fixed.write_text('{"trust": "/etc/kimed/trust"}')
    monkeypatch.setenv("KIMED_TRUST", "/my/own")
    assert spe("permit", "check", "-s", "Snakefile") == 2
    assert "unset KIMED_TRUST" in capsys.readouterr().err


def test_schema_is_closed_and_described():
    jsonschema.Draft202012Validator.check_schema(permit_model.schema())

    def look(node: dict, path: str) -> None:
        for name, inner in node.get("properties", {}).items():
            assert inner.get("description") or inner.get("properties") or inner.get("oneOf"), f"{path}.{name}"
            look(inner, f"{path}.{name}")
        if "properties" in node:
            assert node["additionalProperties"] is False and node["required"], path
        look(node["items"], f"{path}[]") if "items" in node else None

    look(permit_model.schema(), "")
