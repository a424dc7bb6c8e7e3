"""Real runs of small workflows at a small site: own permit, own trust store, own register, the real command."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spe import offices

from kimed_spe import issue, signing
from kimed_spe.gate import current_user

RESOURCES = {"cores": 8, "jobs": 1000, "mem_mb": 8000, "runtime": 60, "disk_mb": 5000, "gpus": 0}


@dataclass
class Project:
    """A project folder with a workflow, a permit over it, and what a run of it left."""

    root: Path
    site: Path
    environment: dict[str, str] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)
    sources: tuple[str, ...] = ()

    @property
    def register(self) -> Path:
        return self.site / "register"

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def allow(self, snakefile: str = "Snakefile", data: str = "data") -> None:
        """Sign a permit for the workflow as it is now."""
        (self.root / data).mkdir(exist_ok=True)
        if not any((self.root / data).iterdir()):
            (self.root / data / "empty").write_text("")
        made = {"results", "logs", "bench", data}
        sources = self.sources or tuple(
            sorted(path.name for path in self.root.iterdir() if path.name not in made and path.name[0] != ".")
        )
        keys = {name: signing.read_signer(self.site / "site" / f"{name}.pem") for name in ("holder", "committee")}
        template = json.loads(json.dumps(offices.TEMPLATE)) | {
            "users": [{"id": current_user(), "name": "Test"}],
            "datasets": [dataset(data)],
            "valid_from": "2020-01-01T00:00:00Z", "valid_to": "2099-01-01T00:00:00Z",
            "workflow": {"name": "workflow", "sources": list(sources), "exclude": [], "overrides": []},
            "environments": [], "outputs": [{"path": "**", "meaning": "all", "egress": "check"}],
            "resources": RESOURCES, "protocol": None,
        } | self.changes  # fmt: skip
        draft = self.site / "draft.yaml"
        draft.write_text(json.dumps(template))
        content = issue.draft(draft, self.root, self.root / snakefile)
        signers = [keys["holder"], keys["committee"]]
        signing.write_envelope(
            signing.seal(content, "application/vnd.kimed.permit+json", *signers), self.site / "permit.json"
        )

    def run(
        self,
        *arguments: str,
        sandboxed: bool = True,
        sign: bool = True,
        snakefile: str = "Snakefile",
        timeout: int = 300,
    ) -> Any:
        """Run Snakemake as `--profile spe` does, or without any defence."""
        if sandboxed and sign:
            self.allow(snakefile)
        module = "kimed_spe.enclosure" if sandboxed else "snakemake"
        executor = ["--executor", "spe"] if sandboxed else []
        command = [sys.executable, "-m", module, "--cores", "2", "--nocolor", *executor, *arguments]
        return subprocess.run(
            command, cwd=self.root, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            timeout=timeout, env=self.variables(),
        )  # fmt: skip

    def variables(self) -> dict[str, str]:
        return {
            **os.environ, "KIMED_PERMIT": str(self.site / "permit.json"), "KIMED_TRUST": str(self.site / "site/trust"),
            "KIMED_REGISTER": str(self.register), "PYTHONHASHSEED": "0", **self.environment,
        }  # fmt: skip

    def entries(self, kind: str | None = None) -> list[dict[str, Any]]:
        log = self.register / "log.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        entries = [json.loads(line) for line in lines]
        return [entry for entry in entries if kind in (None, entry["kind"])]

    def clean(self) -> None:
        """Remove what runs left."""
        for name in (".snakemake", "results"):
            shutil.rmtree(self.root / name, ignore_errors=True)


def dataset(path: str) -> dict[str, Any]:
    return {"id": path.replace("/", "-"), "version": "1", "path": path, "duo": [{"code": "DUO:0000042"}]}


def project(folder: Path) -> Project:
    """An empty project at a site of its own."""
    site = offices.build(folder / "site")
    root = folder / "project"
    root.mkdir()
    return Project(root.resolve(), site.root)
