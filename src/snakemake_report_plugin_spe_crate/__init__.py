"""`snakemake --profile spe --reporter spe-crate`: the crate of the last run. The work is in `kimed_spe.crate_write`.

Under the profile the supervisor answers, outside of the enclosure, where the register is; this class answers a
Snakemake that runs without it.
"""

from dataclasses import dataclass, field
from pathlib import Path

from snakemake_interface_report_plugins.reporter import ReporterBase
from snakemake_interface_report_plugins.settings import ReportSettingsBase

from kimed_spe.crate_cli import DEFAULT, report

__all__ = ["ReportSettings", "Reporter"]


@dataclass
class ReportSettings(ReportSettingsBase):  # type: ignore[misc]
    """Options of the command line.

    Attributes
    ----------
    path
        Folder to make.
    """

    path: Path = field(default=DEFAULT, metadata={"help": "folder to make", "required": False})


class Reporter(ReporterBase):  # type: ignore[misc]
    """Writes the crate of the last governed run in the working directory."""

    def render(self) -> None:
        """Write it."""
        report(Path(self.settings.path), Path.cwd())
