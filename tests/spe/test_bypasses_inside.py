"""What code inside the enclosure, or somebody at the same files, may try: numbers, floods, changes behind the back."""

import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from spe import offices

from kimed_spe import broker, canonical, cli, door, gate, jobs, outputs, permit, signing
from kimed_spe.limits import Groups, Limits
from kimed_spe.register import Register
from kimed_spe.sandbox import Sandbox


@pytest.fixture
def site(tmp_path: Path) -> offices.Site:
    site = offices.build(tmp_path / "s")
    site.sign()
    return site


@pytest.mark.parametrize(
    "text",
    ['{"a": 1e999}', '{"a": -1e999}', '{"a": NaN}', '{"a": Infinity}', '{"a": 1, "a": 2}', "[" * 100_000, '{"a": 1}x'],
)
def test_json_that_two_readers_could_read_differently(text: str):
    with pytest.raises(ValueError):  # noqa: PT011 - the message depends on what is wrong
        canonical.decode(text.encode())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_resources_that_are_no_amount(site: offices.Site, value: float):
    assert {item.field for item in site.check(resources={"mem_mb": value})} == {"resources.mem_mb"}


def test_output_outside_under_a_permit_for_everything(site: offices.Site):
    site.template["outputs"] = [{"path": "**", "meaning": "all", "egress": "check"}]
    site.sign()
    assert site.check(outputs=("results/deep/a",)) == []
    for output in ("/data/other/a", "../a", "results/../../a"):
        assert {item.field for item in site.check(outputs=(output,))} == {"outputs"}


def test_config_file_outside_of_the_signed_tree(site: offices.Site):
    signed, other = site.root / "config/config.yaml", site.root / "data/other.yaml"
    assert site.check(configs={signed: ("threshold",), other: ("samples",)}) == []
    (refusal,) = site.check(configs={other: ("threshold", "samples")})
    assert refusal.field == "workflow.overrides" and "other.yaml" in refusal.found


LOOKALIKES = {
    "another alphabet": lambda c: c["users"].append({"id": "аlice", "name": "x"}),  # Cyrillic
    "turned around": lambda c: c["purpose"].update(text="for \u202enoitacilbup\u202c only"),
    "of no width": lambda c: c.update(controller=c["controller"] + "\u200b"),
    "line break after the id": lambda c: c.update(id=c["id"] + "\n"),
    "private letters": lambda c: c["workflow"].update(name="\ue000"),
}


@pytest.mark.parametrize("name", LOOKALIKES)
def test_permit_that_reads_differently_than_it_is(site: offices.Site, name: str):
    content = canonical.decode(permit.load(site.permit_path).envelope.payload)
    content["purpose"]["text"] = "Brustkrebs, Untergruppen (Universität B)"
    assert site.check(site.seal(content)) == [], "letters of a language are none of this"
    LOOKALIKES[name](content)
    assert site.check(site.seal(content))


@pytest.fixture
def desk(site: offices.Site, tmp_path: Path) -> broker.Desk:
    register = Register(tmp_path / "register")
    return broker.Desk(site.root, site.root / "Snakefile", None, site.permit_path, site.trust_path, register)


def ask(address: Path, data: bytes) -> dict:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(address))
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").readline()
    return json.loads(answer) if answer else {}


HOSTILE = {
    "not JSON": b"hello\n",
    "nothing": b"\n",
    "a number that is none": b'{"ask": "record", "kind": "job", "content": {"x": NaN}}\n',
    "a number too large": b'{"ask": "record", "kind": "job", "content": {"x": 1e999}}\n',
    "nested without end": b"[" * 200_000 + b"\n",
    "a key twice": b'{"ask": "record", "kind": "job", "kind": "permit.accepted", "content": {}}\n',
    "an entry of the supervisor": b'{"ask": "record", "kind": "permit.accepted", "content": {}}\n',
    "an end of the run": b'{"ask": "record", "kind": "run.stop", "content": {}}\n',
    "a secret": b'{"ask": "record", "kind": "job", "content": {"password": "x"}}\n',
    "another request": b'{"ask": "shutdown"}\n',
    "a list": b"[]\n",
    "facts that are none": b'{"ask": "check", "facts": {"resources": {"cores": [1]}}}\n',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_requests(desk: broker.Desk, tmp_path: Path, name: str):
    address = tmp_path / "b"
    served = broker.Broker(desk, address)
    try:
        assert not ask(address, HOSTILE[name]).get("done")
        assert ask(address, b'{"ask": "record", "kind": "job", "content": {"rule": "a"}}\n') == {"done": True}
    finally:
        served.close()
    assert [entry.kind for entry in desk.register.entries() if entry.kind != "permit.refused"] == ["job"]


def test_silent_and_many_connections_do_not_stop_the_others(
    desk: broker.Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(door, "PATIENCE_SECONDS", 0.2)
    served = broker.Broker(desk, tmp_path / "b")
    silent = [socket.socket(socket.AF_UNIX) for _ in range(3 * broker.AT_ONCE)]
    try:
        for connection in silent:
            connection.connect(str(tmp_path / "b"))
        assert ask(tmp_path / "b", b'{"ask": "record", "kind": "job", "content": {}}\n') == {"done": True}
    finally:
        served.close()
        for connection in silent:
            connection.close()


def test_connection_is_kept_for_the_next_request_and_closed_when_idle(
    desk: broker.Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(broker, "IDLE_SECONDS", 0.4)
    served = broker.Broker(desk, tmp_path / "b")
    link = broker.SocketLink(str(tmp_path / "b"))
    try:
        link.record("job", {"n": 1})
        ((_, first),) = link.kept
        with pytest.raises(broker.LinkError, match="not written on request"):
            link.record("run.stop", {})
        link.record("job", {"n": 2})
        assert link.kept[0][1] is first
        time.sleep(0.6)
        link.record("job", {"n": 3})
        assert link.kept[0][1] is not first
        assert first.fileno() == -1
    finally:
        served.close()
        for _, connection in link.kept:
            connection.close()
    assert [entry.content["n"] for entry in desk.register.of_kind("job")] == [1, 2, 3]


def test_forked_process_does_not_share_a_connection(desk: broker.Desk, tmp_path: Path):
    """Two processes on one connection would read each other's answers: a refusal could be taken for a permission."""
    served = broker.Broker(desk, tmp_path / "b")
    link = broker.SocketLink(str(tmp_path / "b"))
    try:
        link.record("job", {"n": 1})
        assert len(link.kept) == 1
        if not (child := os.fork()):
            os._exit(len(link.kept))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 and len(link.kept) == 1
    finally:
        served.close()
        for _, connection in link.kept:
            connection.close()


def test_request_that_is_cut_off_is_not_taken_for_two(desk: broker.Desk, tmp_path: Path):
    """Half a line has no second half: what follows an end of transmission is never read as a request."""
    served = broker.Broker(desk, tmp_path / "b")
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(tmp_path / "b"))
            connection.sendall(b'{"ask": "record", "kind": "job", "content": {}}\n{"ask": "rec')
            connection.shutdown(socket.SHUT_WR)
            with connection.makefile("rb") as stream:
                answers = [json.loads(line) for line in stream]
    finally:
        served.close()
    assert [answer["done"] for answer in answers] == [True, False]
    assert len(desk.register.of_kind("job")) == 1


def test_flood_of_entries_is_bounded(desk: broker.Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(broker, "ENTRIES", 5)
    for _ in range(5):
        desk.record("job", {})
    with pytest.raises(broker.LinkError, match="no more than 5"):
        desk.record("job", {})
    monkeypatch.setattr(broker, "ENTRIES", 100)
    monkeypatch.setattr(broker, "BYTES", 1000)
    desk.record("job", {"x": "a" * 500})
    with pytest.raises(broker.LinkError, match="no more than"):
        desk.record("job", {"x": "a" * 500})


def test_flood_of_refused_questions_is_bounded(desk: broker.Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(broker, "ENTRIES", 3)
    monkeypatch.setattr(broker, "ENTRIES_PER_JOB", 0)
    question = {"resources": {"cores": 1}, "outputs": ["../" + "a" * 9000] * 300}
    for _ in range(3):
        with pytest.raises(broker.LinkError, match="outputs"):
            desk.check(question)
    with pytest.raises(broker.LinkError, match="no more than 3"):
        desk.check(question)
    assert len(list(desk.register.entries())) == 3
    assert desk.register.log.stat().st_size < 3 * gate.MOST * 3 * gate.LONGEST


def test_permit_without_end(tmp_path: Path):
    with pytest.raises(ValueError, match="too much"):
        signing.read_envelope(Path("/dev/zero"))


def test_error_of_a_job_writes_no_lines_for_the_auditor(
    desk: broker.Desk, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    forged = "no\n     1  2026-11-26T10:00:00Z  run.stop            exit_code=0\x1b[1A\x1b[2K\u202e"
    desk.record("job", {"rule": "a", "error": forged})
    assert cli.main(["audit", "show", "--register", str(desk.register.path)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert "\x1b" not in line and "\u202e" not in line and "no\\n" in line
    (tmp_path / "list").write_text("MRN-0042\n")
    (tmp_path / "f").mkdir()
    (tmp_path / "f/MRN-0042\x1b[2K\n0 hits").write_text("")
    assert cli.main(["scan", "--identifiers", str(tmp_path / "list"), str(tmp_path / "f")]) == 1
    assert "\x1b" not in capsys.readouterr().out


def test_linkage_file_stays_closed(tmp_path: Path):
    out = tmp_path / "out.tsv"
    out.write_text("old")
    out.chmod(0o666)
    (tmp_path / "list.tsv").write_text("identifier\nMRN-0001\n")
    place = ["--store", str(tmp_path / "c"), "--key", str(tmp_path / "k"), "--project", "one"]
    assert cli.main(["pseudonym", "init", *place, "--purpose", "study"]) == 0
    assert cli.main(["pseudonym", "issue", str(tmp_path / "list.tsv"), *place, "-o", str(out)]) == 0
    assert out.stat().st_mode & 0o777 == 0o600 and "MRN-0001" in out.read_text()


def test_first_request_states_its_resources(desk: broker.Desk):
    """Snakemake's mode for single jobs states none, and a workflow profile could set it."""
    with pytest.raises(broker.LinkError, match="states its resources"):
        desk.check({"resources": {}})


def test_change_that_hides_its_time_is_noticed(tmp_path: Path):
    path, digests = tmp_path / "x", outputs.Digests()
    path.write_text("patient 4711")
    before, status = digests.of(path), path.stat()
    path.write_text("patient 4712")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (status.st_size, status.st_mtime_ns, status.st_ino)
    assert digests.of(path) != before


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> jobs.Runner:
    (tmp_path / "w").mkdir()
    monkeypatch.chdir(tmp_path / "w")
    groups = Groups.adopt('{"kind": "rlimit", "folders": {}}')
    recorded: list[dict] = []
    made = jobs.Runner(Sandbox(tmp_path / "boxes"), groups, tmp_path / "w", [], record=recorded.append)
    made.recorded = recorded
    return made


def test_boxes_of_two_processes_of_a_run_have_groups_of_their_own(tmp_path: Path):
    """A job with `shadow:` is a process that numbers its boxes from the beginning: the end of one ended the other."""
    parent = tmp_path / "group"
    parent.mkdir()
    (tmp_path / "w").mkdir()
    text = json.dumps({"kind": "cgroup1", "folders": {"cpu": str(parent)}})
    runners = [
        jobs.Runner(Sandbox(tmp_path / name), Groups.adopt(text), tmp_path / "w", [], record=print)
        for name in ("run-a", "run-b")
    ]
    first, second = (one.prepare(plan(tmp_path / "w"), Limits.of({}, 1)) for one in runners)
    assert first.folder.name == second.folder.name and len(list(parent.iterdir())) == 2
    assert set(first.groups).isdisjoint(second.groups)


def plan(folder: Path, output: str = "results/a") -> jobs.Plan:
    return jobs.Plan("rule", "1", (folder / "x", folder / "d"), (folder / output,), ())


def run_while(runner: jobs.Runner, change: Callable[[Path], object]) -> None:
    """A job that writes its output while somebody else changes what it reads."""
    folder, limits = runner.workdir, Limits.of({}, 1)
    (folder / "x").write_text("1")
    (folder / "d").mkdir()
    (folder / "results").mkdir()
    (folder / "d/y").write_text("1")
    box = runner.prepare(plan(folder), limits)

    def action() -> None:
        (box.folder / "out0/a").write_text("result")
        change(folder)

    runner.run(plan(folder), box, limits, action, {})


CHANGES = {
    "content": lambda folder: (folder / "x").write_text("2"),
    "another file": lambda folder: ((folder / "z").write_text("2"), (folder / "z").replace(folder / "x")),
    "a link": lambda folder: ((folder / "x").unlink(), (folder / "x").symlink_to("/etc/passwd")),
    "removed": lambda folder: (folder / "x").unlink(),
    "in a folder": lambda folder: (folder / "d/y").write_text("2"),
    "a file more in a folder": lambda folder: (folder / "d/.hidden").write_text("2"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_inputs_changed_behind_the_back(runner: jobs.Runner, name: str):
    with pytest.raises(jobs.JobRefused, match="was changed while"):
        run_while(runner, CHANGES[name])
    assert not (runner.workdir / "results/a").exists()
    assert runner.recorded[0]["exit_code"] != 0 and not runner.recorded[0]["outputs"]


def test_inputs_that_only_got_another_name_or_time(runner: jobs.Runner):
    """Hard links of boxes with many inputs change the inode's time, not the content."""
    run_while(runner, lambda folder: (os.link(folder / "x", folder / "second"), os.utime(folder / "d/y")))
    assert (runner.workdir / "results/a").read_text() == "result"


def test_without_the_defence_the_record_is_not_true(runner: jobs.Runner, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(jobs.Runner, "_check_unchanged", lambda *_: None)
    run_while(runner, CHANGES["content"])
    recorded = runner.recorded[0]
    assert recorded["exit_code"] == 0 and recorded["inputs"]["x"]["sha256"] != canonical.sha256(b"2")


@pytest.mark.parametrize("own", [".snakemake", ".spe"])
def test_folder_of_outputs_that_leads_to_records(runner: jobs.Runner, own: str):
    (runner.workdir / own).mkdir()
    (runner.workdir / "results").symlink_to(own)
    with pytest.raises(jobs.JobRefused, match="own records"):
        runner.prepare(plan(runner.workdir), Limits.of({}, 1))
