"""Every rule is documented, logged, measured, sized and named the one way."""

import re
from pathlib import Path

import pytest

from architecture.model import REPOSITORY, Rule, all_rules, identify, imports, relative, tracked, working_rules

RULE_FILES = [path for path in tracked("rules/**/*.smk") if path.parent.name != "rules"]


@pytest.mark.parametrize("rule", all_rules(), ids=identify)
def test_has_a_docstring(rule: Rule):
    assert (rule.parsed.docstring or "").strip(), f"{identify(rule)} has no docstring"


@pytest.mark.parametrize("rule", working_rules(), ids=identify)
def test_has_everything_a_rule_needs(rule: Rule):
    parsed = rule.parsed
    missing = [
        name
        for name, there in {
            "output": len(parsed.output) > 0,
            "log": len(parsed.log) > 0,
            "benchmark": parsed.benchmark is not None,
            "conda": parsed.conda_env is not None,
            "threads": "\n    threads:" in rule.text,
            "resources: mem_mb": "mem_mb" in parsed.resources,
            "resources: runtime": "runtime" in parsed.resources,
        }.items()
        if not there
    ]
    assert not missing, f"{identify(rule)} lacks {', '.join(missing)}"


@pytest.mark.parametrize("rule", working_rules(), ids=identify)
def test_has_one_name_everywhere(rule: Rule):
    assert re.fullmatch(r"[a-z][a-z0-9_]*", rule.name)
    for path in [*rule.parsed.log, rule.parsed.benchmark]:
        assert f"/{rule.name}" in str(path), f"{identify(rule)}: {path} does not carry the rule's name"
    if rule.script:
        folder = REPOSITORY / "scripts" / rule.domain
        assert rule.script in {folder / f"{rule.name}.py", folder / f"{rule.name}.sh"}
    test = REPOSITORY / "tests" / "rules" / rule.domain / f"test_{rule.name}.py"
    assert test.is_file(), f"{identify(rule)} has no {relative(test)}"


@pytest.mark.parametrize("rule", working_rules(), ids=identify)
def test_runs_no_run_block(rule: Rule):
    assert not rule.parsed.is_run, "run: starts a whole Snakemake per job and escapes any sandbox around jobs"


@pytest.mark.parametrize("rule", [rule for rule in working_rules() if rule.is_python], ids=identify)
def test_reruns_when_its_library_changes(rule: Rule):
    uses_library = any(name.startswith("kimedlib") for name in imports(rule.script))
    assert uses_library == ("library" in dict(rule.parsed.params.items())), (
        f"{identify(rule)}: `params: library=library(...)` stands exactly where the script imports kimedlib"
    )


@pytest.mark.parametrize("path", RULE_FILES, ids=relative)
def test_rule_file_holds_rules_only(path: Path):
    text = path.read_text(encoding="utf-8")
    names = re.findall(r"^(?:rule|checkpoint) (\w+):", text, flags=re.MULTILINE)
    assert path.stem in names, f"{relative(path)} holds {names}, none has the file's name"
    assert text.startswith('"""'), f"{relative(path)} does not start with its contract"
    assert "Inputs" in text.split('"""')[1] and "Outputs" in text.split('"""')[1], (
        "the contract names inputs and outputs"
    )
    assert not re.search(r"^\s*(def|class|import|from) ", text, flags=re.MULTILINE), (
        "functions belong to scripts/kimedlib"
    )
    assert not re.search(r"[\"'](/(home|work|mnt|data|scratch|opt|usr)/)", text), "absolute path"


@pytest.mark.parametrize("path", RULE_FILES, ids=relative)
def test_rules_fit_on_a_screen(path: Path):
    lines = path.read_text(encoding="utf-8").splitlines()
    starts = [number for number, line in enumerate(lines) if re.match(r"(rule|checkpoint) \w+:", line)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        length = len("\n".join(lines[start:end]).rstrip().splitlines())
        assert length <= 40, f"{relative(path)}: {lines[start]} has {length} lines"


def test_gpu_profile_names_the_rules_that_can_use_one():
    text = (REPOSITORY / "profiles/gpu/profile.yaml").read_text(encoding="utf-8")
    named = set(re.findall(r"^  (\w+):\n    gpu_required: 1", text, flags=re.MULTILINE))
    able = [path for path in tracked("rules/**/*.smk") if re.search(r"^\s+gpu=1,$", path.read_text(), re.MULTILINE)]
    assert able, "no rule asks for a GPU"
    assert named == {path.stem for path in able} | {f"{path.parent.name}_{path.stem}" for path in able}
    for name in ("local", "spe"):
        assert re.search(
            r"^resources:\n  gpu: 0$", (REPOSITORY / f"profiles/{name}/profile.yaml").read_text(), re.MULTILINE
        )
