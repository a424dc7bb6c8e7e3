"""Schemas are closed and described, configs and output lists pass theirs."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from snakemake.utils import update_config

from architecture.model import REPOSITORY, WORKFLOWS, relative, tracked
from kimed_spe import declared

SCHEMAS = tracked("config/schemas/*.yaml")


def objects(schema: Any, place: str = "$"):
    """All object schemas inside a schema."""
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield place, schema
        for key, value in schema.items():
            yield from objects(value, f"{place}.{key}")
    elif isinstance(schema, list):
        for number, value in enumerate(schema):
            yield from objects(value, f"{place}[{number}]")


@pytest.mark.parametrize("path", SCHEMAS, ids=relative)
def test_schema_is_closed_and_described(path: Path):
    schema = yaml.safe_load(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    for place, part in objects(schema):
        assert "additionalProperties" in part, f"{relative(path)}: {place} accepts any key"
        for name, described in part.get("properties", {}).items():
            assert "$ref" in described or described.get("description"), (
                f"{relative(path)}: {place}.{name} lacks a description"
            )


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_shipped_configs_pass_their_schema(workflow: str):
    schema = yaml.safe_load((REPOSITORY / "config" / "schemas" / f"{workflow}.schema.yaml").read_text(encoding="utf-8"))
    default = yaml.safe_load((REPOSITORY / "config" / f"{workflow}.yaml").read_text(encoding="utf-8"))
    Draft202012Validator(schema).validate(default)
    for path in tracked(f"config/*/{workflow}*.yaml"):
        if path.parent.name != "schemas":
            merged = deepcopy(default)
            update_config(merged, yaml.safe_load(path.read_text(encoding="utf-8")))
            Draft202012Validator(schema).validate(merged)


@pytest.mark.parametrize("path", tracked("config/*.yaml"), ids=relative)
def test_config_says_nothing_about_machines(path: Path):
    text = path.read_text(encoding="utf-8")
    for word in ("threads:", "mem_mb:", "partition:", "cores:"):
        assert word not in text, f"{relative(path)}: '{word}' belongs to profiles/ or the rule"


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_outputs_are_declared(workflow: str):
    paths = [output.path for output in declared.load(REPOSITORY / "workflows" / workflow / "outputs.yaml")]
    assert len(paths) == len(set(paths))
    if workflow != "synthetic":
        assert all(path.startswith(f"results/{workflow}/") for path in paths)
