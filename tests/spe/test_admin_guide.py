"""The administration guide, typed as printed, from an empty folder to a verified run of somebody else's workflow."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from kimed_spe import canonical, permit
from kimed_spe.gate import current_user

HERE = Path(__file__).parent
# The guide's places, in this order of the blocks.
SETUP, TEMPLATE, PERMIT, MANIFEST, REVOKE, AUDIT, TRUST_CENTRE, SCAN = range(8)
PLACES = ("/etc/kimed", "/etc/xdg", "/opt/kimed", "/projects", "/received", "/tc", "/safe")


class Terminal:
    """A shell in the offices' folder; the guide's absolute places lie below a folder of the test."""

    def __init__(self, folder: Path, repository: Path) -> None:
        self.folder, self.home = folder, folder / "home"
        for name in ("home", "received", "tc", "safe", "opt"):
            (folder / name).mkdir()
        (folder / "opt/kimed").symlink_to(repository)
        text = (repository / "docs/spe/admin.md").read_text()
        self.blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)

    def place(self, name: str) -> Path:
        return self.folder / name.strip("/")

    def type(self, block: int, *replaced: tuple[str, str]) -> str:
        """Run a block; every command of it must succeed."""
        text = self.blocks[block]
        for place in PLACES:
            text = re.sub(rf"(?<![\w.~-]){place}\b", str(self.place(place)), text)
        for old, new in replaced:
            assert old in text, f"the guide does not say {old}"
            text = text.replace(old, new)
        environment = {
            "HOME": str(self.home), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "LANG": "C.UTF-8",
            "XDG_CONFIG_DIRS": str(self.place("/etc/xdg")), "KIMED_TRUST": str(self.place("/etc/kimed/trust")),
            "SPE_KEY_PASSPHRASE": "correct horse", "PYTHONHASHSEED": "0",
        }  # fmt: skip
        # The administrator's rights are this account's, and files stay its own.
        sudo = 'sudo() { [ "$1" = chown ] || "$@"; }\n'
        run = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", sudo + text], cwd=self.home, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=300,
        )  # fmt: skip
        assert run.returncode == 0, f"{text}\n{run.stdout}"
        return run.stdout


def fill_in(path: Path) -> None:
    """What the guide says is to be filled in."""
    content = yaml.safe_load(path.read_text())
    # A productive store that belongs to the running account is refused; root's account owns everything.
    content.update(id="DAA-2026-001", demonstration=False, project="study-one", controller="Clinic A", environments=[])
    content["users"] = [{"id": current_user(), "name": "Dr Example"}]
    content["datasets"][0].update(id="texts", path="data")
    content["workflow"].update(name="wordfreq", sources=["workflow", "config"], overrides=[])
    content["outputs"] = [{"path": "results/**", "meaning": "counts", "egress": "check"}]
    path.write_text(yaml.safe_dump(content))


def test_guide_as_printed(tmp_path: Path, repository: Path):
    if os.geteuid() != 0:
        pytest.skip("only root can own a trust store that the running account does not count as its own")
    terminal = Terminal(tmp_path.resolve(), repository)
    project = terminal.place("/projects/p1")
    shutil.copytree(HERE / "thirdparty/wordfreq", project)
    made = terminal.type(SETUP)
    keys = dict(re.findall(r"(\w+)\.pem \(private\).*id (\w+)\)", made))
    assert set(keys) == {"holder", "committee", "register"}

    terminal.type(TEMPLATE)
    fill_in(terminal.home / "permit.yaml")
    said = terminal.type(PERMIT)
    assert "KIMed profile 'spe'" in said and "2 signature(s)" in said and "wordfreq: done" in said
    assert (project / "results/summary.tsv").exists()
    content = permit.load(terminal.home / "permit.json").content
    told = terminal.type(MANIFEST, ("find .", f"cd {project}/data && find ."))
    assert told.split()[0] == content["datasets"][0]["manifest"]

    (checkpoint,) = checkpoints(terminal, project)
    shutil.copy(checkpoint, terminal.place("/received"))
    # The block signs another one, of the same size.
    said = terminal.type(AUDIT, ("000000012", checkpoint.stem))
    assert "no finding(s)" in said and "proven by" in said and "rule=" in said

    (terminal.place("/safe")).chmod(0o700)
    assert terminal.type(TRUST_CENTRE).endswith("MRN-00418273\n")
    assert "0 hits of 2 identifiers" in terminal.type(SCAN)

    terminal.type(REVOKE, ("KEYID", keys["holder"]))
    with pytest.raises(AssertionError, match="consent withdrawn"):
        terminal.type(PERMIT, ("-o permit.json", "-o /dev/null"), ("spe permit sign", "true"))


def checkpoints(terminal: Terminal, project: Path) -> list[Path]:
    terminal.blocks.append("cd /projects/p1\nspe audit checkpoint --key ~/register.pem\n")
    terminal.type(-1)
    assert canonical.decode((project / ".spe/register/log.jsonl").read_bytes().splitlines()[0])
    return list((project / ".spe/register/checkpoints").glob("*.json"))
