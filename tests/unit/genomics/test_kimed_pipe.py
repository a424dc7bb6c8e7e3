"""`kimed-pipe` against the shell's own pipe: the same bytes, the same status."""

import os
import subprocess
import sys
from pathlib import Path

import pysam
import pytest

BIN = Path(sys.executable).parent
READS = "".join(f"r{n}\t0\tc\t{n}\t60\t10M\t*\t0\t0\tACGTACGTAC\tIIIIIIIIII\n" for n in (700, 20, 311, 5))
HEADER = "@HD\tVN:1.6\n@SQ\tSN:c\tLN:1000\n"


def by_shell(commands, **options):
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", " | ".join(commands)], capture_output=True, check=False, **options
    )


def by_pipe(commands, **options):
    return subprocess.run([BIN / "kimed-pipe", *commands], capture_output=True, check=False, **options)


@pytest.fixture
def environment(tmp_path):
    (tmp_path / "a.sam").write_text(HEADER + READS)
    return {"cwd": tmp_path, "env": {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}}


def test_bundled_tools_and_others_in_turn(environment):
    commands = [
        "samtools view --no-PG -u a.sam",
        "samtools sort --no-PG -u -",
        "tee 'a copy.bam'",
        "samtools view --no-PG -h -",
        "sed -e 's/^r\\([0-9]*\\)/read \"\\1\"/'",
    ]
    ours = by_pipe(commands, **environment)
    assert ours.returncode == 0, ours.stderr
    with pysam.AlignmentFile(str(environment["cwd"] / "a copy.bam"), check_sq=False) as copy:
        assert [read.reference_start for read in copy] == [4, 19, 310, 699]
    assert ours.stdout == by_shell(commands, **environment).stdout and b'read "311"' in ours.stdout


@pytest.mark.parametrize(
    "commands",
    [
        ["samtools view -u missing.sam", "samtools sort -", "cat"],
        ["cat a.sam", "samtools view -u --wrong", "cat"],
        ["false", "sh -c 'cat; exit 3'", "cat"],
        ["sh -c 'exit 4'", "cat"],
        ["cat a.sam", "no-such-tool", "cat"],
        ["sh -c 'kill -KILL $$'", "cat"],
        ["yes", "head -n 3"],
    ],
    ids=str,
)
def test_status_is_the_shell_s(commands, environment):
    ours, shell = by_pipe(commands, **environment), by_shell(commands, **environment)
    assert ours.returncode == shell.returncode
    assert ours.stdout == shell.stdout
    assert bool(ours.stderr) == bool(shell.stderr)


def test_another_tool_of_the_same_name_is_used_if_path_says_so(environment):
    (environment["cwd"] / "bin").mkdir()
    native = environment["cwd"] / "bin" / "samtools"
    native.write_text("#!/bin/sh\necho native\n")
    native.chmod(0o755)
    environment["env"]["PATH"] = f"{native.parent}:{environment['env']['PATH']}"
    assert by_pipe(["samtools --version", "cat"], **environment).stdout == b"native\n"


@pytest.mark.parametrize("arguments", [[], [""], ["cat", " "]], ids=str)
def test_nothing_to_run(arguments, environment):
    run = by_pipe(arguments, **environment)
    assert run.returncode == 1 and b"usage" in run.stderr
