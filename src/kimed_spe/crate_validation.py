"""Judge a crate by the RO-Crate validator, without network: profiles of Workflow Run RO-Crate, and of Five Safes here.

The validator (roc-validator, Apache-2.0) belongs to the development environment. The JSON-LD contexts that crates name
ship with this package (RO-Crate's are CC0); whatever else a crate names is looked for in that cache only.
"""

import io
import logging
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from kimed_spe.crate_record import CrateError

CONTEXTS = {
    "https://w3id.org/ro/crate/1.1/context": "ro-crate-1.1-context.jsonld",
    "https://w3id.org/ro/terms/workflow-run/context": "workflow-run-context.jsonld",
    "https://w3id.org/ro/terms/workflow-run": "workflow-run-context.jsonld",
}
JSONLD = "application/ld+json"
PROFILE = "five-safes-kimed-0.4"
"""Ours; it inherits Provenance, Workflow and Process Run Crate 0.5, Workflow RO-Crate 1.0 and RO-Crate 1.1."""
DEFECT = "process-run-crate-0.5_5.1"
DEFECT_NODES = ("http://schema.org/SoftwareSourceCode", "https://bioschemas.org/ComputationalWorkflow")
"""The check of version 0.13 "SoftwareApplication id SHOULD be an absolute URI" asks it of all source code and
workflows, whose files in a crate cannot have one (crs4/rocrate-validator issue 51)."""


@dataclass(frozen=True)
class Judged:
    """Outcome.

    Attributes
    ----------
    checks
        How many were made.
    issues
        Failures at REQUIRED and RECOMMENDED severity, in words.
    defects
        Failures that no crate with a workflow in it can avoid (see DEFECT).
    """

    checks: int
    issues: tuple[str, ...]
    defects: tuple[str, ...] = ()


def validate(payload: Path) -> Judged:
    """Judge the crate in a folder at REQUIRED and RECOMMENDED severity.

    Raises
    ------
    CrateError
        The validator is not installed.
    """
    try:
        from rocrate_validator import services  # noqa: PLC0415 - takes a second, and only the development set has it
        from rocrate_validator.models import Severity  # noqa: PLC0415
    except ImportError as error:
        raise CrateError(
            "the RO-Crate validator is not installed (roc-validator, group `dev`); or --integrity-only"
        ) from error
    issues: set[str] = set()
    defects: set[str] = set()
    profiles = resources.files("kimed_spe").joinpath("data/crate_profiles")
    with tempfile.TemporaryDirectory(prefix="kimed-validator-") as folder, resources.as_file(profiles) as own:
        logging.getLogger("rocrate_validator").setLevel(logging.ERROR)
        cache = Path(folder) / "cache"
        _seed(cache)
        settings = {
            "rocrate_uri": str(payload), "profile_identifier": PROFILE, "extra_profiles_path": own,
            "requirement_severity": Severity.RECOMMENDED, "offline": True, "cache_path": cache,
        }  # fmt: skip
        result = services.validate(settings)
    for issue in result.get_issues():
        known = issue.check.identifier == DEFECT and issue.violatingEntity in DEFECT_NODES
        (defects if known else issues).add(_words(issue))
    return Judged(len(result.executed_checks), tuple(sorted(issues)), tuple(sorted(defects)))


def _words(issue: Any) -> str:
    place = f" ({issue.violatingEntity})" if issue.violatingEntity else ""
    return f"{issue.severity.name} {issue.check.identifier}: {issue.message}{place}"


def _seed(cache: Path) -> None:
    """Fill the validator's cache with what ships here; afterwards it is asked for nothing else."""
    import requests  # noqa: PLC0415
    from requests.adapters import BaseAdapter  # noqa: PLC0415
    from rocrate_validator.utils.http import HttpRequester  # noqa: PLC0415
    from urllib3.response import HTTPResponse  # noqa: PLC0415

    class Shipped(BaseAdapter):
        def send(self, request: Any, *_: Any, **__: Any) -> Any:
            data = resources.files("kimed_spe").joinpath(f"data/jsonld/{CONTEXTS[request.url]}").read_bytes()
            raw = HTTPResponse(
                body=io.BytesIO(data), status=200, headers={"Content-Type": JSONLD}, preload_content=False,
                request_method="GET", request_url=request.url,
            )  # fmt: skip
            response = requests.Response()
            response.status_code, response.url, response.request, response.raw = 200, request.url, request, raw
            response.headers["Content-Type"], response.encoding = JSONLD, "utf-8"
            return response

        def close(self) -> None:
            """Nothing is open."""

    HttpRequester.initialize_cache(cache_path=str(cache), cache_max_age=-1)
    session = HttpRequester().session
    session.mount("https://", Shipped())
    for address in CONTEXTS:
        session.get(address, headers={"Accept": f"{JSONLD}, application/json, */*;q=0.1"})
