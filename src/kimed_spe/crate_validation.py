"""Judge a crate by the RO-Crate validator, without network: profiles of Workflow Run RO-Crate, and of Five Safes here.

The validator (roc-validator, Apache-2.0) belongs to the development environment. The JSON-LD contexts that crates name
ship with this package; a request for anything else is answered as if there were no network.
"""

import contextlib
import io
import logging
import tempfile
from collections.abc import Iterator
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
PROFILES = ("process-run-crate-0.5", "workflow-run-crate-0.5", "provenance-run-crate-0.5", "five-safes-kimed-1.0")
OWN = "five-safes-kimed-1.0"


@dataclass(frozen=True)
class Judged:
    """Outcome of one profile.

    Attributes
    ----------
    checks
        How many were made.
    issues
        Failures at REQUIRED and RECOMMENDED severity, in words.
    """

    profile: str
    checks: int
    issues: tuple[str, ...]


def validate(payload: Path) -> list[Judged]:
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
    judged = []
    profiles = resources.files("kimed_spe").joinpath("data/crate_profiles")
    with _offline(), resources.as_file(profiles) as own:
        for profile in PROFILES:
            settings = {
                "rocrate_uri": str(payload), "profile_identifier": profile, "requirement_severity": Severity.RECOMMENDED,
                "extra_profiles_path": own if profile == OWN else None,
            }  # fmt: skip
            result = services.validate({key: value for key, value in settings.items() if value is not None})
            issues = tuple(sorted({_words(issue) for issue in result.get_issues()}))
            judged.append(Judged(profile, len(result.executed_checks), issues))
    return judged


def _words(issue: Any) -> str:
    place = f" ({issue.violatingEntity})" if getattr(issue, "violatingEntity", None) else ""
    return f"{issue.severity.name} {issue.check.identifier}: {issue.message}{place}"


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    """Answer the validator's requests from this package."""
    import requests  # noqa: PLC0415
    from requests.adapters import BaseAdapter  # noqa: PLC0415
    from rocrate_validator.utils.http import HttpRequester  # noqa: PLC0415
    from urllib3.response import HTTPResponse  # noqa: PLC0415

    class Shipped(BaseAdapter):  # type: ignore[misc]
        def send(self, request: Any, **_: Any) -> Any:
            name = CONTEXTS.get(request.url)
            if name is None:
                raise requests.ConnectionError(f"{request.url} is not asked for: validation is offline")
            data = resources.files("kimed_spe").joinpath(f"data/jsonld/{name}").read_bytes()
            raw = HTTPResponse(
                body=io.BytesIO(data), status=200, headers={"Content-Type": "application/ld+json"},
                preload_content=False, request_method="GET", request_url=request.url,
            )  # fmt: skip
            response = requests.Response()
            response.status_code, response.url, response.request, response.raw = 200, request.url, request, raw
            response.headers["Content-Type"], response.encoding = "application/ld+json", "utf-8"
            return response

        def close(self) -> None:
            """Nothing is open."""

    with tempfile.TemporaryDirectory(prefix="kimed-validator-") as folder:
        logging.getLogger("rocrate_validator").setLevel(logging.ERROR)
        HttpRequester.initialize_cache(cache_path=f"{folder}/cache")
        session = HttpRequester().session
        for scheme in ("https://", "http://"):
            session.mount(scheme, Shipped())
        yield
