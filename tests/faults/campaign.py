"""A random campaign: faults of all kinds at random moments of many studies, on this machine and on a real SLURM.

    python tests/faults/campaign.py [--number 100] [--seed 1] [--where both|local|slurm] [--per-study 4]

Every study suffers several faults, one after the other; whenever the controller is gone it is started again. Then it is
finished as an operator would, and judged. Prints one line per study and a summary; the status is 1 if one is wrong.
"""

import argparse
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from faults.injection import LOCAL, SLURM, Study, build, finish, happen, judge, remove, undisturbed
from slurm.cluster import Cluster, provide


def disturb(study: Study, chance: random.Random, number: int) -> list[str]:
    """Faults that happened."""
    kinds = [kind for kind in (SLURM if study.cluster else LOCAL) if kind != "disk full"]
    happened: list[str] = []
    study.start()
    for _ in range(5 * number):
        kind = chance.choice(kinds)
        if happen(study, kind, chance, 3):
            happened.append(kind)
        if len(happened) == number:
            break
        if not study.runs():
            # What a fault took away comes back before somebody starts again.
            study.wait()
            while study.undo:
                study.undo.pop()()
            if (study.root / "results/report.txt").exists():
                break
            study.start(unlock=True)
            study.wait()
            study.start()
    return happened


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--where", choices=("both", "local", "slurm"), default="both")
    parser.add_argument("--per-study", type=int, default=4)
    options = parser.parse_args()
    # Whoever ends it leaves no daemons behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    chance, total, bad, studies = random.Random(options.seed), Counter[str](), 0, 0
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        cluster = None
        if options.where != "local":
            provide()
            cluster = Cluster(base / "slurm")
            cluster.start()
        try:
            (base / "truth").mkdir()
            truth = undisturbed(base / "truth")
            while sum(total.values()) < options.number:
                studies += 1
                here = {"local": None, "slurm": cluster, "both": (cluster, None)[studies % 2]}[options.where]
                folder = base / str(studies)
                folder.mkdir()
                began = time.monotonic()
                study = build(folder, here, chance.choice(("0", "240")))
                happened = disturb(study, chance, min(options.per_study, options.number - sum(total.values())))
                try:
                    finish(study)
                    wrong = judge(study, truth)
                except AssertionError as problem:
                    wrong = [str(problem)]
                total.update(happened)
                bad += bool(wrong)
                where = "SLURM" if here else "local"
                print(
                    f"{studies} {where} {time.monotonic() - began:.0f} s {happened}: {wrong or 'as undisturbed'}",
                    flush=True,
                )
                if not wrong:
                    remove(folder)
        finally:
            if cluster:
                cluster.stop()
    print(f"{sum(total.values())} faults in {studies} studies, {bad} studies wrong; {dict(sorted(total.items()))}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
