"""The gate against everything that issue [SPE] lists: each manipulation is refused, and allowed again when undone."""

import base64
import copy
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from spe.offices import HOLDER, NOW, Site, build, edit_json

from kimed_spe import canonical, gate, permit, signing, trees, trust
from kimed_spe.register import Register


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = build(tmp_path / "s")
    site.sign()
    return site


def fields(refusals: list[permit.Refusal]) -> set[str]:
    return {refusal.field for refusal in refusals}


def test_an_honest_run_is_allowed(site: Site):
    assert site.check() == []


def edited_payload(site: Site, change: Callable[[dict], None]) -> None:
    """Change the signed document and keep the signatures."""
    envelope = json.loads(site.permit_path.read_text())
    content = json.loads(base64.b64decode(envelope["payload"]))
    change(content)
    envelope["payload"] = base64.b64encode(canonical.encode(content)).decode()
    site.permit_path.write_text(json.dumps(envelope))


def one_of_two_keys(site: Site, name: str) -> None:
    site.sign(name)


def holder_twice(site: Site) -> None:
    """One signature repeated under another id must not count as two."""
    site.sign("holder")
    envelope = json.loads(site.permit_path.read_text())
    copied = dict(envelope["signatures"][0], keyid=site.keys["committee"].public_key.keyid)
    envelope["signatures"].append(copied)
    site.permit_path.write_text(json.dumps(envelope))


def one_byte_of(path: str) -> Callable[[Site], None]:
    def change(site: Site) -> None:
        file = site.root / path
        data = bytearray(file.read_bytes())
        data[-2] ^= 1
        file.write_bytes(data)

    return change


def signature_byte(site: Site) -> None:
    def change(envelope: dict) -> None:
        raw = bytearray(base64.b64decode(envelope["signatures"][0]["sig"]))
        raw[10] ^= 1
        envelope["signatures"][0]["sig"] = base64.b64encode(raw).decode()

    edit_json(site.permit_path, change)


def other_type(site: Site) -> None:
    edit_json(site.permit_path, lambda envelope: envelope.update(payloadType="application/vnd.kimed.other+json"))


def link(site: Site) -> None:
    (site.root / "data/cohort/a.tsv").unlink()
    (site.root / "data/cohort/a.tsv").symlink_to(site.root / "data/cohort/sub/b.tsv")


def linked_folder(site: Site) -> None:
    (site.root / "data/cohort").rename(site.root / "data/elsewhere")
    (site.root / "data/cohort").symlink_to(site.root / "data/elsewhere")


def resigned(change: Callable[[dict], None]) -> Callable[[Site], None]:
    """A document that both offices signed by mistake, with the change in it."""

    def manipulate(site: Site) -> None:
        content = copy.deepcopy(dict(permit.load(site.permit_path).content))
        change(content)
        site.seal(content)

    return manipulate


def productive(site: Site, yes: bool) -> None:
    edit_json(site.trust_path / "trust.json", lambda data: data.update(demonstration=not yes))


LATER = "2030-01-01T00:00:00Z"
ANYBODY = [{"id": "any", "name": "x"}]
MANIPULATIONS: dict[str, tuple[Callable[[Site], object], str]] = {
    "committee signature missing": (lambda s: one_of_two_keys(s, "holder"), "signatures"),
    "holder signature missing": (lambda s: one_of_two_keys(s, "committee"), "signatures"),
    "signed by strangers": (lambda s: s.sign("stranger"), "signatures"),
    "one signature under two names": (holder_twice, "signatures"),
    "another data holder signed": (lambda s: s.sign("holder2", "committee"), "signatures"),
    "edited end of validity": (lambda s: edited_payload(s, lambda c: c.update(valid_to=LATER)), "signatures"),
    "edited user": (lambda s: edited_payload(s, lambda c: c["users"].append({"id": "eve", "name": "E"})), "signatures"),
    "one byte of a signature": (signature_byte, "signatures"),
    "another document type": (other_type, "payloadType"),
    "unknown controller": (resigned(lambda c: c.update(controller="Clinic Z")), "controller"),
    "revoked by id": (lambda s: s.revoke(permits={"DAA-2026-001": "consent withdrawn"}), "id"),
    "revoked by digest": (lambda s: s.revoke(permits={permit.load(s.permit_path).digest: "mistake"}), "id"),
    "revoked key": (lambda s: s.revoke(keys={s.keys["holder"].public_key.keyid: "lost"}), "signatures"),
    "revocation list too old": (lambda s: s.revoke(now=NOW - timedelta(days=3), days=2), "revocations"),
    "one byte of the Snakefile": (one_byte_of("Snakefile"), "workflow.digest"),
    "one byte of a script": (one_byte_of("scripts/step.py"), "workflow.digest"),
    "one byte of the configuration": (one_byte_of("config/config.yaml"), "workflow.digest"),
    "a module beside a script": (lambda s: (s.root / "scripts/json.py").write_text("evil = 1\n"), "workflow.digest"),
    "a script that was removed": (lambda s: (s.root / "scripts/step.py").unlink(), "workflow.digest"),
    "a link out of the workflow": (lambda s: (s.root / "scripts/x.py").symlink_to("/etc/passwd"), "workflow.sources"),
    "one byte of the data": (one_byte_of("data/cohort/sub/b.tsv"), "datasets[0].manifest"),
    "a file more in the data": (lambda s: (s.root / "data/cohort/c.tsv").write_text("x"), "datasets[0].manifest"),
    "a file fewer in the data": (lambda s: (s.root / "data/cohort/sub/b.tsv").unlink(), "datasets[0].manifest"),
    "a link in the data": (link, "datasets[0].manifest"),
    "a FIFO in the data": (lambda s: os.mkfifo(s.root / "data/cohort/f"), "datasets[0].manifest"),
    "a link as the data": (linked_folder, "datasets[0].path"),
    "'..' in the data's path": (resigned(lambda c: c["datasets"][0].update(path="data/../data")), "datasets[0].path"),
    "one byte of the lock file": (one_byte_of("tools.lock"), "environments.tools.lock"),
    "one byte of the protocol": (one_byte_of("protocol.md"), "protocol"),
    "unknown field": (resigned(lambda c: c.update(unlimited=True)), ""),
    "a day that is none": (resigned(lambda c: c.update(valid_to="2027-02-30T00:00:00Z")), "valid_to"),
    "a time without zone": (resigned(lambda c: c.update(valid_to="2027-02-20T00:00:00")), "valid_to"),
    "missing field": (resigned(lambda c: c.pop("users")), ""),
    "'any' user outside demonstrations": (resigned(lambda c: c.update(users=ANYBODY, demonstration=False)), "users"),
    "demonstration for a productive store": (lambda s: productive(s, True), "demonstration"),
    "productive permit for a demonstration": (resigned(lambda c: c.update(demonstration=False)), "demonstration"),
}  # fmt: skip


@pytest.mark.parametrize("name", MANIPULATIONS)
def test_manipulation_is_refused(site: Site, name: str):
    assert site.check() == [], "the same run is allowed before the manipulation"
    manipulate, field = MANIPULATIONS[name]
    manipulate(site)
    refusals = site.check()
    assert any(refusal.field.startswith(field) for refusal in refusals), fields(refusals)
    assert all(refusal.expected and refusal.found and refusal.ask for refusal in refusals)


CONTEXTS: dict[str, tuple[dict, str]] = {
    "expired": ({"now": datetime(2027, 6, 1, tzinfo=UTC)}, "valid_to"),
    "not yet valid": ({"now": datetime(2026, 5, 31, 23, 59, tzinfo=UTC)}, "valid_from"),
    "clock set back before the register": ({"newest_known": NOW + timedelta(minutes=2)}, "clock"),
    "clock set back before the revocation list": ({"now": NOW - timedelta(days=2)}, "clock"),
    "old revocation list put back": ({"revocations_seen": 2}, "revocations"),
    "other user": ({"user": "eve"}, "users"),
    "replay in another project": ({"project": "project-two"}, "project"),
    "input outside the data": ({"inputs": (Path("/etc/passwd"),)}, "datasets"),
    "input with '..'": ({"inputs": (Path("data/cohort/../../protocol.md"),)}, "datasets"),
    "another workflow file": ({"sources": (Path("/etc/passwd"),)}, "workflow.sources"),
    "configuration on the command line": ({"overrides": ("threshold",)}, "workflow.overrides"),
    "unplanned output": ({"outputs": ("results/sub/a.tsv",)}, "outputs"),
    "output outside": ({"outputs": ("results/plots/../../x",)}, "outputs"),
    "absolute output": ({"outputs": ("/tmp/results/a.tsv",)}, "outputs"),
    "too much memory": ({"resources": {"mem_mb": 8001}}, "resources.mem_mb"),
    "too many processors": ({"resources": {"cores": 5}}, "resources.cores"),
    "too much time": ({"resources": {"runtime": 61}}, "resources.runtime"),
    "too many jobs": ({"resources": {"jobs": 101}}, "resources.jobs"),
    "a GPU": ({"resources": {"gpus": 1}}, "resources.gpus"),
    "unknown resource": ({"resources": {"fpga": 1}}, "resources.fpga"),
    "no sandbox": ({"sandbox": "none"}, "sandbox"),
    "other software": ({"locks": (Path("config/config.yaml"),)}, "environments"),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTEXTS)
def test_run_outside_the_permit_is_refused(site: Site, name: str):
    changes, field = CONTEXTS[name]
    assert site.check() == []
    refusals = fields(site.check(**changes))
    assert field in refusals and ("now" in changes or len(refusals) == 1)


def test_a_register_of_the_near_future_is_only_another_clock(site: Site):
    assert site.check(newest_known=NOW + timedelta(seconds=30)) == []


def test_link_that_appears_inside_a_job_is_refused(site: Site):
    store = site.root / "site/manifests"
    gate.store_manifests(permit.load(site.permit_path), site.root, store)
    assert site.check(manifests=store) == []
    link(site)
    assert fields(site.check(manifests=store)) == {"datasets[0].manifest"}


@pytest.mark.parametrize("given", ["data/cohort/a.tsv", "data/cohort", "data/cohort/sub"])
def test_job_hashes_what_it_reads_against_the_signed_manifest(site: Site, given: str):
    store = site.root / "site/manifests"
    gate.store_manifests(permit.load(site.permit_path), site.root, store)
    inside = {"manifests": store, "inputs": (Path(given),)}
    assert site.check(**inside) == []
    victim = "data/cohort/a.tsv" if given != "data/cohort/sub" else "data/cohort/sub/b.tsv"
    one_byte_of(victim)(site)
    assert fields(site.check(**inside)) == {"datasets[0].manifest"}
    for manifest in store.iterdir():
        manifest.write_text(trees.dataset(site.root / "data/cohort").text())
    assert fields(site.check(**inside)) == {"datasets[0].manifest"}, "a forged stored manifest has another digest"


def test_gate_records_both_decisions_and_binds_the_register_to_the_project(site: Site, tmp_path: Path):
    register = Register(tmp_path / "register")
    now = datetime.now(UTC)
    site.revoke(now=now)
    gate.enforce(site.context(), site.permit_path, site.trust_path, register, now=now)
    with pytest.raises(permit.PermitRefused, match="users"):
        gate.enforce(site.context(user="eve"), site.permit_path, site.trust_path, register, now=now)
    site.template["project"] = "project-two"
    site.sign()
    with pytest.raises(permit.PermitRefused, match="project"):
        gate.enforce(site.context(), site.permit_path, site.trust_path, register, now=now)
    assert [entry.kind for entry in register.entries()] == ["permit.accepted", "permit.refused", "permit.refused"]
    with pytest.raises(permit.PermitRefused, match="clock"):
        gate.enforce(site.context(), site.permit_path, site.trust_path, register, now=now - timedelta(hours=1))


def test_gate_refuses_an_old_revocation_list_that_was_put_back(site: Site, tmp_path: Path):
    register, now = Register(tmp_path / "register"), datetime.now(UTC)
    old = (site.trust_path / "revocations.json").read_bytes()
    site.revoke(now=now)
    gate.enforce(site.context(), site.permit_path, site.trust_path, register, now=now)
    (site.trust_path / "revocations.json").write_bytes(old)
    with pytest.raises(permit.PermitRefused, match="revocation list 2"):
        gate.enforce(site.context(), site.permit_path, site.trust_path, register, now=now)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"payload": 3}', b"\xff\xfe", b'{"payload":"e30=","payload":"e30="}']
)
def test_gate_refuses_what_is_no_permit(site: Site, tmp_path: Path, content: bytes):
    site.permit_path.write_bytes(content)
    with pytest.raises(permit.PermitRefused, match="permit"):
        gate.enforce(site.context(), site.permit_path, site.trust_path, Register(tmp_path / "register"))


def test_no_permit_no_run(site: Site, tmp_path: Path):
    with pytest.raises(permit.PermitRefused):
        gate.enforce(site.context(), tmp_path / "none.json", site.trust_path, Register(tmp_path / "register"))


def swap_key_content(site: Site) -> None:
    """Put the stranger's key under the id of the committee's."""
    committee = site.keys["committee"].public_key.keyid
    stranger = site.keys["stranger"].public_key
    path = site.trust_path / "keys" / f"{committee}.json"
    path.write_text(json.dumps({"keyid": committee, **stranger.to_dict()}))


def forge_revocations(site: Site) -> None:
    content = {
        "number": 9,
        "issued": canonical.timestamp(NOW),
        "next_update": "2030-01-01T00:00:00Z",
        "permits": [],
        "keys": [],
    }
    envelope = signing.seal(content, trust.REVOCATIONS_TYPE, site.keys["stranger"])
    signing.write_envelope(envelope, site.trust_path / "revocations.json")


def no_threshold(data: dict) -> None:
    data["access_committee"]["threshold"] = 0


def one_key_two_roles(data: dict) -> None:
    data["data_holders"][HOLDER]["keys"] = data["access_committee"]["keys"]


STORES: dict[str, Callable[[Site], object]] = {
    "swapped key": swap_key_content,
    "forged revocation list": forge_revocations,
    "no revocation list": lambda s: (s.trust_path / "revocations.json").unlink(),
    "one key in two roles": lambda s: edit_json(s.trust_path / "trust.json", one_key_two_roles),
    "threshold of none": lambda s: edit_json(s.trust_path / "trust.json", no_threshold),
    "missing key": lambda s: (s.trust_path / "keys" / f"{s.keys['holder'].public_key.keyid}.json").unlink(),
}  # fmt: skip


@pytest.mark.parametrize("name", STORES)
def test_manipulated_trust_store_is_refused(site: Site, name: str):
    assert site.check() == []
    STORES[name](site)
    with pytest.raises(trust.TrustError):
        trust.load(site.trust_path)


def test_productive_store_must_be_out_of_reach(site: Site):
    productive(site, True)
    site.template["demonstration"] = False
    site.sign()
    expected = set() if os.geteuid() == 0 else {"trust store"}
    assert fields(site.check()) == expected
    for path in (site.trust_path, site.trust_path.parent, site.trust_path / "trust.json"):
        mode = path.stat().st_mode
        path.chmod(0o777)
        assert fields(site.check()) == {"trust store"}, "or of a folder above, where it could be replaced"
        path.chmod(mode)


def test_two_signatures_of_one_role(site: Site):
    def stricter(data: dict) -> None:
        data["access_committee"]["keys"].append(site.keys["stranger"].public_key.keyid)
        data["access_committee"]["threshold"] = 2

    signing.write_public(site.keys["stranger"].public_key, site.trust_path / "keys" / "second.json")
    edit_json(site.trust_path / "trust.json", stricter)
    with pytest.raises(trust.TrustError, match="1 of 2"):
        trust.load(site.trust_path)


def test_demonstration_keys_cover_the_synthetic_cohort_only(repository: Path, tmp_path: Path):
    folder = repository / gate.DEMONSTRATION
    site = build(tmp_path / "s")
    site.keys["holder"] = signing.read_signer(folder / "keys/demo-data-holder.pem")
    site.keys["committee"] = signing.read_signer(folder / "keys/demo-access-committee.pem")
    site.template.update(controller="KIMed demonstration data holder")
    refusals = permit.check(site.sign(), site.context(), trust.load(folder / "trust"), NOW + timedelta(hours=1))
    assert fields(refusals) == {"datasets[0].path"}


def test_private_key_that_others_may_read_is_refused(site: Site):
    path = site.root / "site/holder.pem"
    path.chmod(0o640)
    with pytest.raises(signing.KeyProblem, match="chmod 600"):
        signing.read_signer(path)
