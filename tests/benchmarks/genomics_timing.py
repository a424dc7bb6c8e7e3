"""What the workflow costs against the plain sequence of the same tools, and how much memory it takes.

Both go from the same FASTQ files and the same index to a scored VCF, in turn, with the tools that are on PATH and the
same threads. The plain sequence writes a file after every tool, as one does by hand. It makes what the workflow makes
up to the scores (CRAM and VCF with indexes, statistics of alignments); only the workflow checks inputs and contents,
keeps logs and makes statistics of variants.
"""

import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
TURNS = 3  # medians count
SAMPLING = 0.1  # seconds between looks at the memory


class Peak:
    """Most memory (MB, shared pages counted once) of all processes that this one started, while it looks."""

    def __init__(self) -> None:
        self.megabytes = 0.0
        self.ended = threading.Event()

    def look(self) -> None:
        """Look until told to end."""
        while not self.ended.wait(SAMPLING):
            total = 0
            for process in psutil.Process().children(recursive=True):
                try:
                    total += process.memory_full_info().pss
                except (psutil.NoSuchProcess, psutil.AccessDenied):
                    continue
            self.megabytes = max(self.megabytes, total / 2**20)


@contextmanager
def peak_memory() -> Iterator[Peak]:
    """Look at the memory of all children during the block."""
    peak = Peak()
    thread = threading.Thread(target=peak.look)
    thread.start()
    try:
        yield peak
    finally:
        peak.ended.set()
        thread.join()


def plain_sequence(config: dict[str, Any], fastq: tuple[Path, ...], reference: Path, region: str, work: Path) -> None:
    """The tools one after the other, as written by hand; leaves `calls.vcf.gz` in `work`."""
    trimming, germline = config["trimming"], config["germline"]
    commands = [
        f"cutadapt --quality-cutoff {trimming['quality']} --minimum-length {trimming['minimum_length']}"
        f" -a {trimming['adapter_1']} -A {trimming['adapter_2']} -o 1.fastq.gz -p 2.fastq.gz {fastq[0]} {fastq[1]}",
        rf"bwa mem -t 2 -K 10000000 -R '@RG\tID:s\tSM:s\tLB:s\tPL:ILLUMINA' {reference} 1.fastq.gz 2.fastq.gz >s.sam",
        "samtools fixmate -m s.sam fixed.bam",
        "samtools sort -o sorted.bam fixed.bam",
        f"samtools markdup --reference {reference} -O cram sorted.bam s.cram",
        "samtools index s.cram",
        f"samtools stats --reference {reference} s.cram >s.stats",
        f"bcftools mpileup -f {reference} -r {region} --indels-cns -B -m 2 -F 0.1"
        f" -q {germline['minimum_mapping_quality']} -d {germline['maximum_depth']} -a AD,DP,SP"
        " -Ob -o pileup.bcf s.cram",
        "bcftools call -m -v -a GQ -Ob -o called.bcf pileup.bcf",
        f"bcftools norm -f {reference} -m -any -Ob -o filtered0.bcf called.bcf",
        *(
            f"bcftools filter -m + -s {one['name']} -e '{one['exclude']}' -Ob"
            f" -o filtered{number + 1}.bcf filtered{number}.bcf"
            for number, one in enumerate(germline["filters"])
        ),
        f"bcftools view -Oz -o calls.vcf.gz filtered{len(germline['filters'])}.bcf",
        "bcftools index --tbi calls.vcf.gz",
    ]
    for command in commands:
        subprocess.run(["bash", "-ec", command], cwd=work, check=True, capture_output=True)


def score(calls: Path, truth: Path, bed: Path | None, reference: Path) -> None:
    """The comparison that the workflow makes, in a process of its own as by hand."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import pysam; from kimedlib.genomics_files import *;"
        "from kimedlib.variant_comparison import Regions, compare; calls, truth, bed, reference = sys.argv[2:];"
        "outcome = compare(read_variants(truth), read_variants(calls), Regions(read_bed(bed) if bed else []),"
        "pysam.FastaFile(reference).fetch); print({kind: one.metrics() for kind, one in outcome.tallies.items()})"
    )
    arguments = [REPOSITORY / "scripts", calls, truth, bed or "", reference]
    subprocess.run([sys.executable, "-c", program, *map(str, arguments)], check=True, capture_output=True)


class Watch:
    """Wall time and processor seconds (all processes that ended) of a block."""

    def __enter__(self) -> "Watch":
        self.wall, self.processor = -time.monotonic(), -processor_seconds()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall += time.monotonic()
        self.processor += processor_seconds()


def processor_seconds() -> float:
    """Of all processes that this one started and that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def timing_metrics(
    identifier: str,
    fastq: tuple[Path, ...],
    truth: tuple[Path, Path | None],
    config: Path,
    run: Callable[[Path], None],
    root: Path,
) -> dict[str, float]:
    """What the workflow takes over what the plain sequence takes in the same turn, and its peak memory.

    Metrics are medians over the turns: `<case>.{wall,cpu}_ratio`, and seconds of both. The first run of the workflow is
    not timed: there is looked at the memory, which takes time itself.

    Parameters
    ----------
    identifier
        Name of the case.
    fastq, truth
        Its reads; true variants and their regions.
    config
        Config of the run.
    run
        Called with `root`; runs the workflow up to the scores. The indexed reference is there already.
    root
        Output root.
    """
    settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    reference = root / "genomics" / "reference" / "reference.fa"
    with peak_memory() as peak:
        run(root)
    plain, workflow = [], []
    for turn in range(TURNS):
        work = root / f"plain-{turn}"
        work.mkdir(parents=True)
        with Watch() as by_hand:
            plain_sequence(settings, fastq, reference, settings["region"], work)
            score(work / "calls.vcf.gz", *truth, reference)
        for made in (root / "genomics").iterdir():
            if made.name != "reference":
                shutil.rmtree(made) if made.is_dir() else made.unlink()
        with Watch() as whole:
            run(root)
        plain.append(by_hand)
        workflow.append(whole)
    pairs = list(zip(workflow, plain, strict=True))
    return {
        f"{identifier}.wall_ratio": round(median(ours.wall / theirs.wall for ours, theirs in pairs), 3),
        f"{identifier}.wall_seconds": round(median(one.wall for one in workflow), 1),
        f"{identifier}.plain_seconds": round(median(one.wall for one in plain), 1),
        f"{identifier}.cpu_ratio": round(median(ours.processor / theirs.processor for ours, theirs in pairs), 3),
        f"{identifier}.cpu_seconds": round(median(one.processor for one in workflow), 1),
        f"{identifier}.plain_cpu_seconds": round(median(one.processor for one in plain), 1),
        f"{identifier}.peak_mb": round(peak.megabytes),
    }
