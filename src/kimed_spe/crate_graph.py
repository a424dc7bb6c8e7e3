"""The metadata of a crate: Provenance Run Crate (Workflow Run RO-Crate 0.5); `crate_frame` adds the whole.

Every statement comes from the register, the permit or the signed sources. What is not known is left out.
"""

import mimetypes
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rocrate.model import ContextEntity
from rocrate.rocrate import ROCrate

from kimed_spe import canonical
from kimed_spe.crate_record import Content, Job, Run
from kimed_spe.crate_sources import About, Source

VERSION = "1.1"
"""Of RO-Crate: the one that the run profiles of version 0.5 build on."""
RUN_CONTEXT = "https://w3id.org/ro/terms/workflow-run/context"
DONE = "http://schema.org/CompletedActionStatus"
FAILED = "http://schema.org/FailedActionStatus"
SNAKEMAKE = "https://snakemake.github.io"
FORMATS = {
    ".smk": "text/x-python", ".py": "text/x-python", ".yaml": "application/yaml", ".yml": "application/yaml",
    ".tsv": "text/tab-separated-values", ".vcf.gz": "application/gzip", ".h5ad": "application/x-hdf5",
    ".rst": "text/x-rst", ".md": "text/markdown", ".lock": "text/plain", ".log": "text/plain",
    ".nii.gz": "application/gzip", ".R": "text/x-r", ".jinja": "text/plain", ".sh": "application/x-sh",
}  # fmt: skip


def moment(value: datetime) -> str:
    """ISO 8601 with whole seconds and offset, the form that the run profiles ask for."""
    return value.astimezone(UTC).isoformat(timespec="seconds")


def media_type(path: str) -> str:
    """Media type by the end of a name; `application/octet-stream` if unknown."""
    for ending, name in FORMATS.items():
        if path.endswith(ending):
            return name
    return mimetypes.guess_type(path, strict=False)[0] or "application/octet-stream"


def local_id(kind: str, *parts: object) -> str:
    """A local identifier that depends on nothing but its parts."""
    return f"#{kind}-{canonical.sha256(canonical.encode([str(part) for part in parts]))[:20]}"


class Graph:
    """Builds the metadata.

    Parameters
    ----------
    run, about
        What to tell.
    included
        Results that travel: file by recorded path and digest.
    folders
        Recorded paths that are folders.
    fingerprints
        Digest of a declared result's content under its comparator, by recorded path and digest.
    scratch
        Folder for files that are written only to be put into the crate.
    """

    def __init__(
        self,
        run: Run,
        about: About,
        *,
        included: Mapping[tuple[str, str], Path],
        folders: set[str],
        fingerprints: Mapping[tuple[str, str], str],
        scratch: Path,
    ) -> None:
        self.run, self.about, self.included, self.folders = run, about, included, folders
        self.fingerprints, self.scratch = fingerprints, scratch
        self.crate = ROCrate(version=VERSION)
        self.crate.metadata.extra_contexts.append(RUN_CONTEXT)
        self.contents: dict[tuple[str, str], Any] = {}
        self.publisher = self.add(about.publisher["url"], "Organization", name=about.publisher["name"])
        self.publisher["url"] = about.publisher["url"]

    def build(self) -> tuple[Any, list[Any]]:
        """Describe workflow and run; gives the workflow, and the actions that the root is to mention."""
        workflow = self._workflow()
        engine = self._engine()
        tools = self._tools(workflow)
        actions, controls = self._actions(tools)
        main = self._main(workflow)
        self._organise(engine, controls, main)
        return workflow, [main, *actions]

    def add(self, name: str, kind: str | list[str], /, **properties: Any) -> Any:
        """A contextual entity of this identifier and type."""
        entity = ContextEntity(self.crate, name, properties={"@type": kind, **properties})
        return self.crate.add(entity)

    # -- what the run was made of ------------------------------------------------------------------------------------

    def _file(self, source: Source, folder: str, note: str) -> Any:
        properties = {
            "name": source.path, "sha256": source.sha256, "contentSize": str(source.size),
            "encodingFormat": media_type(source.path), "sdDatePublished": moment(self.run.ended),
        }  # fmt: skip
        if source.file is None:
            properties["description"] = f"Referenced by digest, not included: {source.withheld}"
            return self.add(local_id("file", folder, source.path), "File", **properties)
        return self.crate.add_file(
            source.file, f"{folder}/{source.path}", properties={**properties, "description": note}
        )

    def _workflow(self) -> Any:
        about, run = self.about, self.run
        parts = [
            self._file(source, "workflow", "File of the workflow")
            for source in about.sources
            if source.path != about.snakefile
        ]
        locks = [self._file(source, "environment", "Pins of the run's software") for source in about.locks]
        main = next(source for source in about.sources if source.path == about.snakefile)
        workflow = self.crate.add_workflow(
            main.file, f"workflow/{main.path}", main=True, lang="snakemake",
            properties={
                "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
                "name": about.properties.get("name", run.permit.content["workflow"]["name"]),
                "version": about.properties.get("version", about.tree), "sha256": main.sha256,
                "contentSize": str(main.size), "encodingFormat": media_type(main.path),
                "sdDatePublished": moment(run.ended),
                "identifier": f"source-tree-sha256:{about.tree}",
                "conformsTo": {"@id": "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"},
            },
        )  # fmt: skip
        workflow["url"] = about.properties.get("url") or {"@id": f"workflow/{main.path}"}
        if locks:
            workflow["softwareRequirements"] = locks
        workflow["isBasedOn"] = parts
        return workflow

    def _engine(self) -> Any:
        engine = self.add(SNAKEMAKE, "SoftwareApplication", name="Snakemake", url=SNAKEMAKE)
        version = self.run.start.content.get("versions", {}).get("snakemake")
        if version:
            engine["softwareVersion"] = version
        return engine

    def _tools(self, workflow: Any) -> dict[str, Any]:
        """One tool and one step per rule, in the order in which they first ran."""
        tools: dict[str, Any] = {}
        steps = []
        for job in self.run.jobs:
            if job.rule in tools:
                continue
            place = self._place(job.rule)
            tool = self.add(
                f"#rule-{job.rule}", ["SoftwareSourceCode"], name=job.rule, version=self.about.tree,
                url={"@id": f"workflow/{place}"},
            )  # fmt: skip
            step = self.add(f"#step-{job.rule}", "HowToStep", name=job.rule, position=str(len(tools) + 1))
            step["workExample"] = tool
            tools[job.rule] = tool
            steps.append(step)
        workflow["hasPart"] = list(tools.values())
        workflow["step"] = steps
        return tools

    def _place(self, rule: str) -> str:
        """File in which a rule is written; names of rules of modules carry a prefix, so shorter ones are tried too."""
        if not hasattr(self, "places"):
            self.places: dict[str, str] = {}
            for source in self.about.sources:
                if source.file and source.path.endswith((".smk", "Snakefile")):
                    for line in source.file.read_text(encoding="utf-8", errors="replace").splitlines():
                        word, _, rest = line.strip().partition(" ")
                        if word in ("rule", "checkpoint") and rest.endswith(":"):
                            self.places.setdefault(rest[:-1].strip(), source.path)
        parts = rule.split("_")
        names = ["_".join(parts[start:]) for start in range(len(parts))]
        return next((self.places[name] for name in names if name in self.places), self.about.snakefile)

    # -- what happened -----------------------------------------------------------------------------------------------

    def content(self, item: Content) -> Any:
        """The entity of a file or folder that a job read or made."""
        key = (item.path, item.sha256)
        if key in self.contents:
            return self.contents[key]
        name = self._shown(item.path)
        properties: dict[str, Any] = {
            "name": name, "sha256": item.sha256, "contentSize": str(item.size),
            "sdDatePublished": moment(self.run.ended),
        }  # fmt: skip
        if key in self.fingerprints:
            properties["identifier"] = self.fingerprints[key]
        kind = "Dataset" if item.path in self.folders else "File"
        if kind == "File":
            properties["encodingFormat"] = media_type(name)
        file = self.included.get(key)
        if file is not None:
            entity = self.crate.add_file(file, name, properties={**properties, "description": "Result of the run"})
        else:
            properties["description"] = "Referenced by digest, not included"
            entity = self.add(local_id("data", *key), kind, **properties)
        self.contents[key] = entity
        return entity

    def _shown(self, path: str) -> str:
        """A path that tells nothing of the machine: in a data set by the data set's name, else the last part."""
        if not path.startswith("/"):
            return path
        for item in self.run.permit.content["datasets"]:
            if path.startswith(f"{item['path']}/"):
                return f"{item['id']}/{path.removeprefix(item['path']).lstrip('/')}"
        return path.rpartition("/")[2]

    def _parameter(self, owner: Any, role: str, name: str, kind: str) -> Any:
        """The formal parameter of a tool or workflow, made on first use."""
        of = owner.id.lstrip("#") if owner.id.startswith("#") else "workflow"
        identifier = f"#parameter-{of}-{name}"
        found = self.crate.dereference(identifier)
        if found is None:
            found = self.add(identifier, "FormalParameter", name=name, additionalType=kind)
            owner.append_to(role, found)
        return found

    def _bind(self, entity: Any, parameter: Any) -> None:
        known = entity.get("exampleOfWork", [])
        if parameter not in (known if isinstance(known, list) else [known]):
            entity.append_to("exampleOfWork", parameter)

    def _exchanged(self, owner: Any, role: str, items: Iterable[Content]) -> list[Any]:
        entities = []
        for item in items:
            entity = self.content(item)
            folder = item.path in self.folders
            name = f"{role}_folders" if folder else f"{role}_files"
            self._bind(entity, self._parameter(owner, role, name, "Dataset" if folder else "File"))
            entities.append(entity)
        return entities

    def _values(self, tool: Any, job: Job) -> list[Any]:
        """Wildcards and parameters of a job."""
        entities = []
        for kind, values in (("wildcard", job.wildcards), ("param", job.parameters)):
            for name, value in sorted(values.items()):
                identifier = local_id("value", job.rule, kind, name, value)
                entity = self.crate.dereference(identifier)
                if entity is None:
                    entity = self.add(identifier, "PropertyValue", name=name, value=str(value))
                    self._bind(entity, self._parameter(tool, "input", f"{kind}_{name}", "Text"))
                entities.append(entity)
        return entities

    def _usage(self, job: Job) -> list[Any]:
        known = {"wall_seconds": (job.seconds, "https://qudt.org/vocab/unit/SEC")}
        if "memory_peak" in job.used:
            known["memory_peak_bytes"] = (job.used["memory_peak"], "https://qudt.org/vocab/unit/BYTE")
        return [
            self.add(
                f"#usage-{job.number}-{name}", "PropertyValue", name=name, value=str(value), unitCode=unit,
                propertyID=f"https://w3id.org/ro/terms/kimed#{name}",
            )
            for name, (value, unit) in known.items()
        ]  # fmt: skip

    def _actions(self, tools: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
        actions, controls = [], []
        for job in self.run.jobs:
            tool = tools[job.rule]
            made = self._exchanged(tool, "output", job.outputs)
            read = self._exchanged(tool, "input", job.inputs)
            label = ", ".join(f"{name}={value}" for name, value in sorted(job.wildcards.items()))
            status = FAILED if job.failed else DONE
            action = self.add(
                f"#job-{job.number}", "CreateAction", name=f"{job.rule} ({label})" if label else job.rule,
                description=f"Attempt {job.attempt}, exit status {job.exit_code}, software: {job.software}",
                startTime=moment(job.started), endTime=moment(job.ended), actionStatus=status,
                identifier=f"register-entry:{job.number}:{job.leaf}",
            )  # fmt: skip
            action["instrument"], action["agent"] = tool, self.publisher
            # Of a job that only feeds a pipe or has a flag set, what is known is how it ended.
            ended = (
                []
                if made
                else [self.add(f"#exit-{job.number}", "PropertyValue", name="exit_status", value=str(job.exit_code))]
            )
            action["object"], action["result"] = [*read, *self._values(tool, job)], made or ended
            action["resourceUsage"] = self._usage(job)
            control = self.add(f"#control-{job.number}", "ControlAction", name=f"Ran {job.rule}", actionStatus=status)
            control["instrument"] = self.crate.dereference(f"#step-{job.rule}")
            control["object"] = action
            actions.append(action)
            controls.append(control)
        return actions, controls

    def _main(self, workflow: Any) -> Any:
        """The run as a whole: what no job of it made goes in, what no job of it read comes out."""
        made = {(item.path, item.sha256): item for job in self.run.jobs if not job.failed for item in job.outputs}
        read = {(item.path, item.sha256): item for job in self.run.jobs for item in job.inputs}
        inputs = [read[key] for key in sorted(read) if key not in made]
        results = [made[key] for key in sorted(made) if key not in read]
        run = self.run
        targets = [name for name in run.start.content.get("targets", ()) if not name.startswith("/")]
        action = self.add(
            "#run", "CreateAction", name=f"Run of {workflow.get('name')}",
            description=f"Governed run {run.identifier} under permit {run.permit.identifier}"
            + ("" if run.complete else "; it did not come to its end, so results may be missing"),
            startTime=moment(run.started), endTime=moment(run.ended),
            actionStatus=DONE if run.complete else FAILED,
            identifier=[
                f"run:{run.identifier}", f"permit:{run.permit.identifier}", f"permit-sha256:{run.permit.digest}",
                *([f"targets:{' '.join(targets)}"] if targets else []),
            ],
        )  # fmt: skip
        action["instrument"], action["agent"] = workflow, self.publisher
        action["object"] = self._exchanged(workflow, "input", inputs)
        ended = str(self.run.stop.content.get("exit_code", "")) if self.run.stop else "cut off"
        action["result"] = self._exchanged(workflow, "output", results) or [
            self.add("#exit", "PropertyValue", name="exit_status", value=ended)
        ]
        return action

    def _organise(self, engine: Any, controls: list[Any], main: Any) -> None:
        organise = self.add("#engine", "OrganizeAction", name="Snakemake ran the workflow")
        organise["instrument"], organise["object"], organise["result"] = engine, controls, main
        organise["startTime"], organise["endTime"] = moment(self.run.started), moment(self.run.ended)
        organise["actionStatus"] = DONE if self.run.complete else FAILED
        machine = self.run.start.content.get("machine", {})
        if machine:
            organise["additionalProperty"] = [
                self.add(f"#machine-{name}", "PropertyValue", name=name, value=str(value))
                for name, value in sorted(machine.items())
            ]
