"""What a crate says of itself as a whole, and of its governance: phases of the Five Safes profile that did happen."""

from typing import Any

from kimed_spe import canonical
from kimed_spe.crate_graph import DONE, VERSION, Graph, moment

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/provenance/0.5": ("Provenance Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
    "https://w3id.org/5s-crate/0.4": ("Five Safes RO-Crate", "0.4"),
}
PHASES = "https://w3id.org/shp#"
"""Vocabulary of the Five Safes profile for the phases of an AssessAction."""


def complete(graph: Graph) -> Any:
    """Build all of the crate: the run, the phases of its governance, the root.

    Returns
    -------
    rocrate.rocrate.ROCrate
        Ready to be written.
    """
    workflow, actions = graph.build()
    root(graph, workflow, [*actions, *phases(graph, workflow)])
    for entity in graph.crate.get_entities():
        _compact(entity)
    return graph.crate


def phases(graph: Graph, workflow: Any) -> list[Any]:
    """Phases of the Five Safes profile that did happen, as AssessActions; nobody else's are taken over."""
    run, accepted = graph.run, graph.run.accepted
    permit = graph.add(
        "#permit", "CreativeWork", name=f"Data permit {run.permit.identifier}",
        identifier=f"sha256:{run.permit.digest}",
        description=str(run.permit.content["purpose"]["text"]),
    )  # fmt: skip
    when = moment(canonical.moment(accepted.time))
    proof = f"register-entry:{accepted.index}:{accepted.hash}"
    told = (
        ("CheckValue", "Digests of the data sets were compared with the permit"),
        ("ValidationCheck", "Workflow, environment, user, time and purpose were compared with the permit"),
        ("SignOff", "Signatures of data holder and access committee on the permit were verified"),
    )
    actions = []
    for kind, name in told:
        phase = graph.add(f"{PHASES}{kind}", "DefinedTerm", name=kind)
        action = graph.add(
            f"#assess-{kind}", "AssessAction", name=name, endTime=when, actionStatus=DONE, identifier=proof
        )
        action["additionalType"], action["object"] = phase, workflow
        action["instrument"], action["agent"] = permit, graph.publisher
        actions.append(action)
    return actions


def _readme(graph: Graph, name: str, state: str) -> None:
    run = graph.run
    lines = [
        f"# Run of {name}", "",
        f"A {state} run, governed: permit {run.permit.identifier}, project {run.permit.content['project']}.",
        f"{len(run.jobs)} jobs between {moment(run.started)} and {moment(run.ended)}.", "",
        "`ro-crate-metadata.json` tells what each job read and made. Results about persons are named by digest only.",
        "`workflow/` holds what ran, `environment/` the pins of its software.", "",
        "Prove it: `spe crate validate <folder of the bag> --key <public key of the register>`.",
        "Repeat it: `spe reproduce <folder of the bag>`.",
    ]  # fmt: skip
    file = graph.scratch / "README.md"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    properties = {"name": "README", "encodingFormat": "text/markdown", "about": {"@id": "./"}}
    graph.crate.add_file(file, "README.md", properties=properties)


def root(graph: Graph, workflow: Any, mentions: list[Any]) -> None:
    """Describe the crate itself."""
    top, about = graph.crate.root_dataset, graph.about
    terms = graph.add(
        "#terms", "CreativeWork", name=f"Terms of data permit {graph.run.permit.identifier}",
        description="Contents may be used as the permit and the licence of the workflow allow.",
    )  # fmt: skip
    for entity in about.entities:
        graph.crate.add_or_update_jsonld(dict(entity))
    name = str(workflow.get("name"))
    top["name"] = f"Run of {name}"
    state = "complete" if graph.run.complete else "incomplete"
    top["description"] = about.properties.get("description", f"Provenance of a {state} governed run of {name}")
    _readme(graph, name, state)
    top["license"] = about.properties.get("license", terms)
    top["publisher"] = graph.publisher
    top["author"] = about.properties.get("author", graph.publisher)
    for key in ("keywords", "creator", "citation"):
        if key in about.properties:
            top[key] = about.properties[key]
    top["datePublished"] = moment(graph.run.ended)
    top["sourceOrganization"] = graph.add("#project", "Project", name=str(graph.run.permit.content["project"]))
    top["conformsTo"] = [
        graph.add(uri, "CreativeWork", name=title, version=version) for uri, (title, version) in PROFILES.items()
    ]
    top["mentions"] = mentions
    graph.crate.metadata["conformsTo"] = [
        {"@id": f"https://w3id.org/ro/crate/{VERSION}"}, {"@id": "https://w3id.org/workflowhub/workflow-ro-crate/1.0"}
    ]  # fmt: skip


def _compact(entity: Any) -> None:
    """A list of one as that one, as the RO-Crate specification recommends."""
    for key, value in list(entity.properties().items()):
        if isinstance(value, list) and len(value) == 1 and key != "@type":
            entity[key] = value[0]
