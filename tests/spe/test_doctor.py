"""`spe doctor` sees what is wrong, and a box with a hole in it."""

import json
import shutil
from pathlib import Path

import pytest
from spe import runs

from kimed_spe import cli, doctor, sandbox


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> runs.Project:
    project = runs.project(tmp_path)
    project.write("Snakefile", "rule x:\n    output: 'results/x'\n    shell: 'touch {output}'\n")
    project.allow()
    for name, value in project.variables().items():
        monkeypatch.setenv(name, value)
    return project


def states(project: runs.Project) -> dict[str, str]:
    return {f"{item.area}: {item.check}": item.state for item in doctor.examine(project.root)}


def test_healthy_machine_passes(site: runs.Project, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["doctor", "--json", "--directory", str(site.root)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["state"] == "ok"
    assert {"area", "check", "state", "found", "remedy"} == set(document["findings"][0])
    closed = [item for item in document["findings"] if item["check"].startswith("closed: ")]
    assert len(closed) == 11 and all(item["state"] == "ok" for item in closed)


def test_table_names_a_remedy_for_all_that_is_not_ok(site: runs.Project, capsys: pytest.CaptureFixture[str]):
    cli.main(["doctor", "--directory", str(site.root)])
    lines = capsys.readouterr().out.splitlines()
    for number, line in enumerate(lines[:-1]):
        if line.startswith(("WARN", "FAIL")):
            assert lines[number + 1].strip().startswith("->")


def test_strict_counts_warnings(site: runs.Project, capsys: pytest.CaptureFixture[str]):
    # The trust store of the test site is one for demonstrations.
    assert cli.main(["doctor", "--strict", "--directory", str(site.root)]) == 1
    assert "demonstration" in capsys.readouterr().out


HOLES = {
    # argument that is taken out, what takes its place, what escapes then
    "network": ("--unshare-all", ["--unshare-pid", "--unshare-uts"], "closed: host service by TCP"),
    "namespaces": ("--disable-userns", [], "closed: user namespace"),
    "filter": ("--seccomp", [], "closed: hypervisor by VSOCK"),
    "environment": ("--clearenv", [], "closed: environment variable"),
}


@pytest.mark.parametrize("name", HOLES)
def test_hole_in_the_box_is_found(site: runs.Project, monkeypatch: pytest.MonkeyPatch, name: str):
    taken, given, check = HOLES[name]
    original = sandbox.Sandbox.__init__

    def weakened(self, *arguments, **options):
        original(self, *arguments, **options)
        place = self.base.index(taken)
        width = 2 if taken == "--seccomp" else 1
        self.base[place : place + width] = given
        if name == "namespaces":
            # The filter alone would still hold.
            place = self.base.index("--seccomp")
            self.base[place : place + 2] = []

    assert states(site)[f"sandbox: {check}"] == "ok"
    monkeypatch.setattr(sandbox.Sandbox, "__init__", weakened)
    found = states(site)
    if check.endswith("VSOCK") and found[f"sandbox: {check}"] == "ok":
        pytest.skip("this kernel has no VSOCK to be closed")
    assert found[f"sandbox: {check}"] == "fail"


def test_missing_bubblewrap(site: runs.Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(site.root))
    found = states(site)
    assert found["sandbox: bubblewrap"] == found["sandbox: box"] == "fail"


def test_missing_trust_store_and_permit(site: runs.Project):
    shutil.rmtree(site.site / "site" / "trust")
    (site.site / "permit.json").write_text("{}")
    found = states(site)
    assert found["trust: store"] == found["permit: readable"] == "fail"


def test_software_that_is_not_as_locked(site: runs.Project):
    site.write("tools.lock", "pytest==0.0.1 \\\n    --hash=sha256:00\nno-such-package==1.0\n")
    site.write("other.lock", "channels: []\n")
    site.changes = {"environments": ["tools.lock", "other.lock"]}
    site.allow()
    found = {item.check: item for item in doctor.examine(site.root) if item.area == "software"}
    assert found["tools.lock"].state == "fail" and found["other.lock"].state == "ok"
    assert "0 of 2" in found["tools.lock"].found and "other: pytest" in found["tools.lock"].found
    site.write("tools.lock", f"pytest=={pytest.__version__} \\\n    --hash=sha256:00\n")
    assert states(site)["software: tools.lock"] == "ok"


def test_data_and_folders_that_others_reach(site: runs.Project):
    assert states(site)["account: working directory"] == states(site)["data: data"] == "ok"
    site.root.chmod(0o777)
    (site.root / "data").chmod(0o777)
    assert states(site)["account: working directory"] == states(site)["data: data"] == "fail"
    site.root.chmod(0o755)
    shutil.rmtree(site.root / "data")
    assert states(site)["data: data"] == "fail"


def test_productive_data_that_everybody_can_read(site: runs.Project, monkeypatch: pytest.MonkeyPatch):
    site.changes = {"demonstration": False}
    site.allow()
    monkeypatch.setattr(doctor.Path, "parents", property(lambda _: ()))
    (site.root / "data").chmod(0o755)
    assert {item.check: item.state for item in doctor._data(site.root)}["data not for everybody"] == "warn"
    (site.root / "data").chmod(0o700)
    assert {item.check: item.state for item in doctor._data(site.root)}["data not for everybody"] == "ok"


def test_profile_that_does_not_govern(site: runs.Project, repository: Path):
    (site.root / "spe").symlink_to(repository / "profiles/spe")
    assert states(site)["profile: spe"] == "ok"
    (site.root / "spe").unlink()
    site.write("spe/profile.yaml", "cores: 1\n")
    assert states(site)["profile: spe"] == "fail"


def test_permit_of_somebody_else(site: runs.Project):
    assert states(site)["permit: for this account"] == "ok"
    site.changes = {"users": [{"id": "somebody", "name": "x"}]}
    site.allow()
    assert states(site)["permit: for this account"] == "warn"


def test_site_file(site: runs.Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor.site, "FILE", tmp_path / "spe.json")
    monkeypatch.setattr(doctor.site, "OWNER", tmp_path.stat().st_uid)
    monkeypatch.delenv("KIMED_REGISTER")
    assert states(site)["site: trust store is fixed"] == "warn"
    (tmp_path / "spe.json").write_text(json.dumps({"trust": str(site.site / "site/trust")}))
    assert states(site)["site: trust store is fixed"] == "ok"
    (tmp_path / "spe.json").write_text("{")
    assert states(site)["site: examination"] == "fail"


def test_clock_behind_the_register(site: runs.Project):
    log = site.register / "log.jsonl"
    log.parent.mkdir()
    entry = {"content": {}, "index": 0, "kind": "run.start", "previous": "0" * 64, "time": "2099-01-01T00:00:00Z"}
    log.write_text(json.dumps(entry, sort_keys=True, separators=(",", ":")) + "\n")
    log.chmod(0o666)
    found = states(site)
    assert found["clock: not behind the register"] == found["register: permissions"] == "fail"
