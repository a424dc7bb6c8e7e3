"""Offices of a small site for tests: keys, trust store, data, workflow, and a permit over them."""

import copy
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from kimed_spe import issue, permit, signing, trust
from kimed_spe.permit import Context, Refusal

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOLDER = "Clinic A"
TEMPLATE: dict[str, Any] = {
    "type": "kimed-permit/1", "id": "DAA-2026-001", "demonstration": True, "project": "project-one",
    "controller": HOLDER, "users": [{"id": "alice", "name": "Dr Alice Example"}],
    "organisation": {"name": "University B", "not_for_profit": True, "region": "DE"},
    "purpose": {
        "text": "Breast cancer subtypes", "commercial": False, "kinds": ["health", "genetics"],
        "diseases": ["MONDO:0007254"], "research_types": ["cohort"], "ethics_approval": "EK-2026-17",
        "collaboration": "with Clinic A", "publishes_results": True,
        "publishes_not_before": "2027-06-01T00:00:00Z", "returns_results": True,
    },
    "legal_basis": ["Regulation (EU) 2025/327 Art. 53(1)(e)"],
    "datasets": [{"id": "cohort-a", "version": "3", "path": "data/cohort", "duo": [{"code": "DUO:0000042"}]}],
    "valid_from": "2026-06-01T00:00:00Z", "valid_to": "2027-06-01T00:00:00Z",
    "workflow": {
        "name": "w", "sources": ["."], "exclude": ["data", "results", "protocol.md", "site"], "overrides": ["samples"],
    },
    "environments": ["tools.lock"],
    "outputs": [{"path": "results/{sample}.tsv", "meaning": "table", "egress": "check"},
                {"path": "results/plots/**", "meaning": "figures", "egress": "open"}],
    "resources": {"cores": 4, "jobs": 100, "mem_mb": 8000, "runtime": 60, "disk_mb": 1000, "gpus": 0},
    "sandbox": "bubblewrap", "protocol": "protocol.md",
}  # fmt: skip


@dataclass
class Site:
    """A site whose files lie below `root`."""

    root: Path
    keys: dict[str, signing.CryptoSigner]
    template: dict[str, Any] = field(default_factory=lambda: copy.deepcopy(TEMPLATE))

    @property
    def trust_path(self) -> Path:
        return self.root / "site" / "trust"

    @property
    def permit_path(self) -> Path:
        return self.root / "site" / "permit.json"

    @property
    def trust(self) -> trust.TrustStore:
        return trust.load(self.trust_path)

    def sign(self, *names: str) -> permit.Permit:
        """Draft from the template, sign as `names` (the needed offices if none), load."""
        (self.root / "site" / "draft.yaml").write_text(yaml.safe_dump(self.template))
        content = issue.draft(self.root / "site" / "draft.yaml", self.root, self.root / "Snakefile")
        return self.seal(content, *names)

    def seal(self, content: dict[str, Any], *names: str) -> permit.Permit:
        """Sign a document as it is, however wrong."""
        signers = [self.keys[name] for name in names or ("holder", "committee")]
        signing.write_envelope(signing.seal(content, permit.PAYLOAD_TYPE, *signers), self.permit_path)
        return permit.load(self.permit_path)

    def context(self, **changes: Any) -> Context:
        facts: dict[str, Any] = {
            "root": self.root, "user": "alice", "snakefile": self.root / "Snakefile",
            "sources": (self.root / "scripts/step.py",), "inputs": (Path("data/cohort/a.tsv"),),
            "outputs": ("results/a.tsv", "results/plots/deep/b.png"), "locks": (Path("tools.lock"),),
            "resources": {"cores": 2, "jobs": 3, "mem_mb": 1000, "runtime": 5, "disk_mb": 10, "gpus": 0},
        }  # fmt: skip
        return Context(**{**facts, **changes})

    def check(self, document: permit.Permit | None = None, now: datetime = NOW, **changes: Any) -> list[Refusal]:
        return permit.check(document or permit.load(self.permit_path), self.context(**changes), self.trust, now)

    def revoke(self, now: datetime = NOW, days: int = 30, **what: Any) -> int:
        return issue.write_revocations(
            self.trust_path, [self.keys["committee"]], now, timedelta(days=days), old=self.trust, **what
        )


def build(root: Path) -> Site:
    """Make the site's keys, trust store, data and workflow."""
    root = root.resolve()
    for folder in ("site", "data/cohort/sub", "scripts", "config"):
        (root / folder).mkdir(parents=True)
    (root / "data/cohort/a.tsv").write_text("gene\tcount\nTP53\t4\n")
    (root / "data/cohort/sub/b.tsv").write_text("gene\tcount\nBRCA1\t2\n")
    (root / "Snakefile").write_text('rule all:\n    input: "data/cohort/a.tsv"\n')
    (root / "scripts/step.py").write_text("print(1)\n")
    (root / "config/config.yaml").write_text("threshold: 3\n")
    (root / "tools.lock").write_text("snakemake==9.27.1\n")
    (root / "protocol.md").write_text("We study subtypes.\n")
    keys, public = {}, {}
    for name in ("holder", "committee", "register", "stranger", "holder2"):
        path = root / "site" / f"{name}.pem"
        signing.new_key(path)
        keys[name], public[name] = signing.read_signer(path), path.with_suffix(".pub.json")

    def role(*names: str, threshold: int = 1) -> dict[str, Any]:
        return {
            "keys": [keys[n].public_key.keyid for n in names],
            "threshold": threshold,
            "contact": f"{names[0]} office",
        }

    roles = {
        "demonstration": True, "issued": "2026-05-01T00:00:00Z", "contact": "administrator",
        "data_holders": {HOLDER: role("holder"), "Clinic C": role("holder2")},
        "access_committee": role("committee"), "register": role("register"),
    }  # fmt: skip
    site = Site(root, keys)
    issue.write_trust_store(site.trust_path, roles, [public[n] for n in ("holder", "committee", "register", "holder2")])
    issue.write_revocations(site.trust_path, [keys["committee"]], NOW - timedelta(days=1), timedelta(days=30))
    return site


def edit_json(path: Path, change: Any) -> None:
    """Load, change, write."""
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
