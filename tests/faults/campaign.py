"""A random campaign: faults of all kinds at random moments of many studies.

    python tests/faults/campaign.py --study cohort --patients 4 --number 100 --log campaign.jsonl
    python tests/faults/campaign.py --study small --where both

`cohort` is the cohort study with all domains on a real SLURM, of its first patients or of all; `small` one of 11 short
jobs. A fault happens every few seconds of a run; whenever the controller is gone it is started again as an operator
would. Then the study is finished and judged against a run without faults on this machine. Prints a line per study and a
table; `--log` takes a line of JSON per fault, study and campaign. The status is 1 if a study is wrong.
"""

import argparse
import json
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
import psutil
from faults import cohort
from faults.injection import CAMPAIGN, ENDING, LOCAL, SLURM, Fault
from faults.studies import (
    Study,
    build,
    entries,
    finish,
    judge,
    may_mount,
    remove,
    repair,
    small_disk,
    undisturbed,
    unlock,
)
from slurm.cluster import Cluster, provide

WARM = 30.0
"""Seconds that a start may take until its first command; no fault happens before, else none would ever run."""
MOST_STARTS = 40
RARELY = 0.4
"""Weight of faults that end the run, against 1 of others: most time would go into starting again."""


@dataclass
class Campaign:
    """What happened so far.

    Attributes
    ----------
    log
        Takes lines of JSON.
    faults, outcomes
        Number per kind of fault; number of studies by whether all was as undisturbed.
    ends
        How jobs of SLURM ended, by the register.
    """

    chance: random.Random
    pause: tuple[float, float]
    log: Path | None
    faults: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[bool] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    starts: int = 0

    def tell(self, kind: str, **content: Any) -> None:
        if self.log:
            with self.log.open("a") as file:
                file.write(json.dumps({"kind": kind, **content}) + "\n")

    def disturb(self, study: Study, name: str, kinds: dict[str, Fault], number: int) -> int:
        """Let faults happen to a study until it is complete or had enough; gives how many there were."""
        began, happened = time.monotonic(), 0
        self._start(study)
        while happened < number and study.starts < MOST_STARTS:
            if not self._pass(study):
                status = study.wait()
                study.heal()
                again = repair(study)
                if status == 0 and not again:
                    break
                unlock(study)
                self._start(study, *again)
                continue
            names = sorted(kinds)
            kind = self.chance.choices(names, [RARELY if name in ENDING else 1.0 for name in names])[0]
            try:
                what = kinds[kind](study, self.chance)
            except (OSError, psutil.Error):
                what = ""  # what it should happen to went away meanwhile
            if what:
                happened += 1
                self.faults[kind] += 1
                self.tell("fault", study=name, second=round(time.monotonic() - began, 1), fault=kind, what=what)
        return happened

    def _start(self, study: Study, *again: str) -> None:
        study.start(*again)
        end = time.monotonic() + WARM
        while study.runs() and time.monotonic() < end and not study.processes("--args 9"):
            time.sleep(0.5)

    def _pass(self, study: Study) -> bool:
        """Let time pass until the next fault; whether the study still runs."""
        end = time.monotonic() + self.chance.uniform(*self.pause)
        while study.runs() and time.monotonic() < end:
            study.heal(everything=False)
            time.sleep(0.1)
        return study.runs()

    def judge(self, study: Study, truth: Study, name: str, happened: int, began: float) -> list[str]:
        """Finish a study, and tell what is wrong with it."""
        try:
            finish(study, truth)
            wrong = judge(study, truth)
        except (AssertionError, subprocess.TimeoutExpired) as problem:
            wrong = [str(problem)]
        self.outcomes[not wrong] += 1
        self.starts += study.starts
        found = [entry.content for entry in entries(study) if entry.kind == "cluster.allocation"]
        self.ends.update(re.sub(r" on (no node|\w+)|:.*| \(.*", "", job["end"]) for job in found)
        more: dict[str, Any] = {}
        if study.compare is cohort.differences:
            more["results"] = Counter(map(str, cohort.verdicts(truth, study).values()))
        self.tell(
            "study", study=name, faults=happened, starts=study.starts, seconds=round(time.monotonic() - began),
            wrong=wrong, entries=len(entries(study)), jobs=len(found), **more,
        )  # fmt: skip
        print(
            f"{name}: {happened} faults, {study.starts} starts, {time.monotonic() - began:.0f} s {more or ''}", end=""
        )
        print(f": {wrong or 'as undisturbed'}", flush=True)
        return wrong

    def summary(self) -> str:
        lines = [f"{kind}\t{number}" for kind, number in sorted(self.faults.items())]
        lines.append(f"all\t{self.faults.total()}")
        lines.append(f"{self.outcomes.total()} studies, {self.outcomes[False]} wrong, {self.starts} starts")
        lines.append(f"ends of jobs of SLURM: {dict(sorted(self.ends.items()))}")
        return "\n".join(lines)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", choices=("cohort", "small"), default="cohort")
    parser.add_argument("--patients", type=int, help="of the cohort; all without it")
    parser.add_argument("--number", type=int, default=100, help="faults in all")
    parser.add_argument("--per-study", type=int, help="faults at most; default 25, of small ones 4")
    parser.add_argument("--pause", type=float, nargs=2, metavar=("LEAST", "MOST"), help="seconds between two faults")
    parser.add_argument("--where", choices=("both", "local", "slurm"), default="slurm", help="of small studies")
    parser.add_argument("--kinds", nargs="+", help="only these kinds of faults")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--truth", type=Path, help="folder of the run without faults; made if it is not there")
    parser.add_argument("--folder", type=Path, help="where studies lie; one that is wrong stays there")
    parser.add_argument("--log", type=Path)
    return parser.parse_args()


def known(options: argparse.Namespace, base: Path) -> Study:
    """The study without faults, run on this machine unless that was done before."""
    place = options.truth or base / "truth"
    if options.study == "cohort" and (place / "project").is_dir():
        return cohort.study(place.resolve() / "project", None)
    place.mkdir(parents=True)
    whole = options.study == "cohort"
    return undisturbed(cohort.build(place, None, options.patients, "2") if whole else build(place, None))


def run(options: argparse.Namespace, campaign: Campaign, base: Path, cluster: Cluster | None) -> None:
    whole, number, truth = options.study == "cohort", 0, known(options, base)
    while campaign.faults.total() < options.number:
        number += 1
        here = None if options.where == "local" or (options.where == "both" and number % 2) else cluster
        folder = base / str(number)
        folder.mkdir()
        share = campaign.chance.choice(("0", "240"))
        study = cohort.build(folder, here, options.patients) if whole else build(folder, here, share)
        kinds = CAMPAIGN if whole else SLURM if here else LOCAL
        kinds = {name: fault for name, fault in kinds.items() if name in (options.kinds or kinds)}
        away = small_disk(study, cohort.MEGABYTES if whole else 24) if may_mount() else None
        most = min(options.per_study or (25 if whole else 4), options.number - campaign.faults.total())
        began, wrong = time.monotonic(), ["stopped"]
        try:
            happened = campaign.disturb(study, str(number), kinds, most)
            wrong = campaign.judge(study, truth, str(number), happened, began)
        finally:
            if study.process and study.runs():
                study.process.kill()
            if wrong and away:
                subprocess.run(["cp", "-a", str(study.root), str(folder / "kept")], check=False)
            if away:
                away()
        if not wrong:
            remove(folder)


def main() -> int:
    options = arguments()
    # Whoever ends it leaves no daemons behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    campaign = Campaign(
        random.Random(options.seed), tuple(options.pause or ((5, 10) if options.study == "cohort" else (1, 6))),
        options.log,
    )  # fmt: skip
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        base = options.folder or Path(name)
        base.mkdir(exist_ok=True)
        cluster = None
        if options.study == "cohort" or options.where != "local":
            provide()
            cluster = Cluster(Path(name) / "slurm")
            cluster.start()
        try:
            run(options, campaign, base, cluster)
        finally:
            if cluster:
                cluster.stop()
            minutes = round((time.monotonic() - began) / 60, 1)
            campaign.tell(
                "campaign", study=options.study, patients=options.patients, seed=options.seed, minutes=minutes,
                faults=dict(sorted(campaign.faults.items())), all=campaign.faults.total(), starts=campaign.starts,
                studies=campaign.outcomes.total(), wrong=campaign.outcomes[False], ends=dict(campaign.ends),
            )  # fmt: skip
            print(campaign.summary(), f"{minutes} minutes", sep="\n", flush=True)
    return 1 if campaign.outcomes[False] else 0


if __name__ == "__main__":
    sys.exit(main())
