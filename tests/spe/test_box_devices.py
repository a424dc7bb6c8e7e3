"""Boxes of a run share the enclosure's /dev: usable, unchangeable, and no place where jobs meet."""

from pathlib import Path

from spe import runs

SCRIPT = r"""
exec >> "$1"
head -c 8 /dev/urandom | wc -c
head -c 2 /dev/zero | wc -c
echo gone > /dev/null && echo null
echo x 2> /dev/null > /dev/full || echo full
echo said >> /dev/stdout
echo "$2" > "/dev/shm/$2"
sleep 2
ls /dev/shm
for attempt in "touch /dev/own" "rm -f /dev/null" "ln -s /etc/passwd /dev/shm2" "ls /dev/pts /dev/ptmx"; do
    $attempt 2> /dev/null && echo "open: $attempt"
done
for name in self/oom_score_adj sys/kernel/hostname sysrq-trigger; do
    (echo 5 > /proc/$name) 2> /dev/null && echo "open: $name"
done
echo end
"""


def test_devices_work_and_jobs_do_not_meet(tmp_path: Path):
    project = runs.project(tmp_path)
    project.write("scripts/look.sh", SCRIPT)
    project.write(
        "Snakefile",
        'rule all:\n    input: expand("results/{n}.txt", n=["a", "b"])\n\n'
        'rule look:\n    output: "results/{n}.txt"\n    shell: "bash scripts/look.sh {output} {wildcards.n}"\n',
    )
    run = project.run()
    assert run.returncode == 0, run.stdout
    for name in "ab":
        said = (project.root / f"results/{name}.txt").read_text().split()
        assert said == ["8", "2", "null", "full", "said", name, "end"]
