"""The register against everybody who would rather have another history."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from spe.offices import Site, build

from kimed_spe import audit, canonical, merkle, outputs, register, signing
from kimed_spe.cli import main
from kimed_spe.register import Entry, Register, RegisterError

# Inputs and roots of the reference tests of Certificate Transparency (RFC 6962), trees of 0 to 8 leaves.
INPUTS = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
LEAVES = [bytes.fromhex(text) for text in INPUTS]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
# Audit path of the first of eight leaves, same source.
PATH = [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
]


@pytest.mark.parametrize("size", range(9))
def test_root_is_that_of_certificate_transparency(size: int):
    assert merkle.root(merkle.leaf(data) for data in LEAVES[:size]).hex() == ROOTS[size]


def test_audit_path_is_that_of_certificate_transparency():
    leaves = [merkle.leaf(data) for data in LEAVES]
    assert [step.hex() for step in merkle.inclusion(leaves, 0)] == PATH


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13])
def test_audit_paths_prove_their_leaf_and_no_other(size: int):
    leaves = [merkle.leaf(bytes([number])) for number in range(size)]
    root = merkle.root(leaves)
    for index in range(size):
        path = merkle.inclusion(leaves, index)
        assert merkle.root_from_inclusion(leaves[index], index, size, path) == root
        assert merkle.root_from_inclusion(merkle.leaf(b"forged"), index, size, path) != root
        for wrong in [path[:-1]] * bool(path) + [[*path, root]]:
            with pytest.raises(ValueError, match="too"):
                merkle.root_from_inclusion(leaves[index], index, size, wrong)
    for index in (-1, size):
        with pytest.raises(IndexError):
            merkle.inclusion(leaves, index)
        with pytest.raises(ValueError, match="no leaf"):
            merkle.root_from_inclusion(root, index, size, [])


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return build(tmp_path / "s")


@pytest.fixture
def log(tmp_path: Path) -> Register:
    """A register of eight entries."""
    filled = Register(tmp_path / "register")
    for number in range(8):
        filled.append("job", {"rule": f"step{number}", "outputs": {}, "exit": 0})
    return filled


def lines(log: Register) -> list[bytes]:
    return list(log.lines())


def write(log: Register, new: list[bytes]) -> None:
    log.log.write_bytes(b"".join(line + b"\n" for line in new))


def chained(entries: list[Entry]) -> list[bytes]:
    """What a forger writes who knows the format: numbers and hashes all fit."""
    previous, result = register.START, []
    for index, entry in enumerate(entries):
        forged = Entry(index, entry.time, entry.kind, entry.content, previous)
        result.append(forged.line())
        previous = forged.hash
    return result


def edited(log: Register) -> list[Entry]:
    entries = list(log.entries())
    entries[3] = Entry(3, entries[3].time, "job", {"rule": "step3", "outputs": {}, "exit": 1}, entries[3].previous)
    return entries


def swap(items: list, one: int, other: int) -> list:
    items[one], items[other] = items[other], items[one]
    return items


def line_4(log: Register, old: bytes, new: bytes) -> list[bytes]:
    """The fifth line edited."""
    return [line.replace(old, new, 1) if number == 4 else line for number, line in enumerate(lines(log))]


ALIEN = Entry(4, "2026-11-24T00:00:00Z", "job", {}, "0" * 64).line()
CHAIN: dict[str, Callable[[Register], list[bytes]]] = {
    "edited value": lambda log: [line.replace(b'"rule":"step3"', b'"rule":"step9"') for line in lines(log)],
    "edited kind": lambda log: line_4(log, b'"kind":"job"', b'"kind":"jab"'),
    "edited time": lambda log: line_4(log, b"Z", b"z"),
    "white space": lambda log: line_4(log, b":", b": "),
    "key given twice": lambda log: line_4(log, b"{", b'{"index":4,'),
    "no JSON": lambda log: [b"hello" if i == 4 else line for i, line in enumerate(lines(log))],
    "deleted in the middle": lambda log: lines(log)[:3] + lines(log)[4:],
    "deleted at the start": lambda log: lines(log)[1:],
    "reordered": lambda log: swap(lines(log), 3, 4),
    "repeated": lambda log: [*lines(log)[:5], *lines(log)[4:]],
    "inserted": lambda log: [*lines(log)[:4], ALIEN, *lines(log)[4:]],
    "empty line": lambda log: [*lines(log)[:4], b"", *lines(log)[4:]],
}  # fmt: skip


@pytest.mark.parametrize("name", CHAIN)
def test_chain_shows(log: Register, name: str):
    assert audit.verify(log, None) == []
    write(log, CHAIN[name](log))
    assert audit.verify(log, None)


FORKS: dict[str, Callable[[Register], list[bytes]]] = {
    "history rewritten": lambda log: chained(edited(log)),
    "entry removed, chain mended": lambda log: chained([entry for entry in log.entries() if entry.index != 3]),
    "entries reordered, chain mended": lambda log: chained(swap(list(log.entries()), 3, 4)),
    "last entry removed": lambda log: lines(log)[:-1],
    "all but one removed": lambda log: lines(log)[:1],
    "first entry replaced, chain mended": lambda log: chained(list(log.entries())[1:] * 2),
    "everything removed": lambda _log: [],
}


@pytest.mark.parametrize("kept", ["in the register", "elsewhere only"])
@pytest.mark.parametrize("name", FORKS)
def test_checkpoint_shows_what_a_chain_cannot(log: Register, site: Site, tmp_path: Path, name: str, kept: str):
    path, _ = log.checkpoint(site.keys["register"])
    anchors = []
    if kept == "elsewhere only":
        anchors.append(path.rename(tmp_path / "anchor.json"))
    assert audit.verify(log, site.trust, anchors) == []
    write(log, FORKS[name](log))
    assert audit.read(log).findings == [], "the chain alone sees nothing: the attack works without checkpoints"
    found = audit.verify(log, site.trust, anchors)
    assert len(found) == 1 and "checkpoint" in found[0].place


def test_fork_after_a_checkpoint_is_seen_by_the_next_anchor(log: Register, site: Site, tmp_path: Path):
    log.checkpoint(site.keys["register"])
    common = lines(log)
    log.append("job", {"rule": "honest"})
    anchor = log.checkpoint(site.keys["register"])[0].rename(tmp_path / "anchor.json")
    write(log, common)
    log.append("job", {"rule": "other"})
    assert audit.verify(log, site.trust) == []
    assert len(audit.verify(log, site.trust, [anchor])) == 1


def forge(site: Site, path: Path) -> None:
    content = canonical.decode(signing.read_envelope(path).payload)
    signing.write_envelope(signing.seal(content, register.CHECKPOINT_TYPE, site.keys["stranger"]), path)


def rename_signature(site: Site, path: Path) -> None:
    forge(site, path)
    data = json.loads(path.read_text())
    data["signatures"][0]["keyid"] = site.keys["register"].public_key.keyid
    path.write_text(json.dumps(data))


def other_role(site: Site, path: Path) -> None:
    content = canonical.decode(signing.read_envelope(path).payload)
    signing.write_envelope(signing.seal(content, register.CHECKPOINT_TYPE, site.keys["committee"]), path)


def other_type(site: Site, path: Path) -> None:
    content = canonical.decode(signing.read_envelope(path).payload)
    signing.write_envelope(signing.seal(content, "application/other", site.keys["register"]), path)


def smaller(_site: Site, path: Path) -> None:
    """The size in the signed text, without a new signature."""
    envelope = signing.read_envelope(path)
    envelope.payload = envelope.payload.replace(b'"size":8', b'"size":7')
    signing.write_envelope(envelope, path)


@pytest.mark.parametrize("forgery", [forge, rename_signature, other_role, other_type, smaller])
def test_forged_checkpoint_is_seen(log: Register, site: Site, forgery: Callable[[Site, Path], None]):
    path, _ = log.checkpoint(site.keys["register"])
    assert audit.verify(log, site.trust) == []
    forgery(site, path)
    assert len(audit.verify(log, site.trust)) == 1


def test_checkpoint_of_a_revoked_key_is_seen(log: Register, site: Site):
    log.checkpoint(site.keys["register"])
    site.revoke(keys={site.keys["register"].public_key.keyid: "stolen"})
    assert len(audit.verify(log, site.trust)) == 1


def test_checkpoint_without_trust_store_proves_nothing(log: Register, site: Site):
    log.checkpoint(site.keys["register"])
    assert len(audit.verify(log, None)) == 1


def test_entry_that_is_older_than_the_one_before_is_seen(log: Register):
    entries = list(log.entries())
    earlier = canonical.timestamp(datetime.now(UTC) - timedelta(hours=1))
    entries[5] = Entry(5, earlier, "job", {}, "")
    write(log, chained(entries))
    assert [finding.place for finding in audit.verify(log, None)] == ["line 6"]


def test_writers_do_not_lose_or_mix_entries(tmp_path: Path):
    code = (
        "import sys; from pathlib import Path; from kimed_spe.register import Register\n"
        "for n in range(40): Register(Path(sys.argv[1])).append('job', {'writer': sys.argv[2], 'number': n})"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "register")]
    processes = [subprocess.Popen([*command, str(number)]) for number in range(3)]
    mine = Register(tmp_path / "register")

    def write_some(name: str) -> None:
        for number in range(40):
            mine.append("job", {"writer": name, "number": number})

    threads = [threading.Thread(target=write_some, args=(f"thread{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert audit.verify(mine, None) == []
    seen = [(entry.content["writer"], entry.content["number"]) for entry in mine.entries()]
    assert len(seen) == len(set(seen)) == 240
    for writer in {name for name, _ in seen}:
        assert [number for name, number in seen if name == writer] == list(range(40)), "in the writer's order"


def test_line_that_a_crash_cut_off_is_recorded_and_removed(log: Register):
    with log.log.open("ab") as file:
        file.write(b'{"content":{"ru')
    assert [finding.what for finding in audit.verify(log, None)] != []
    log.append("job", {"rule": "next"})
    assert [entry.kind for entry in log.entries()][-2:] == ["register.recovered", "job"]
    assert audit.verify(log, None) == []


def test_damaged_end_takes_no_more_entries(log: Register):
    write(log, [*lines(log)[:-1], b"{}"])
    with pytest.raises(RegisterError, match="audit verify"):
        log.append("job", {})


def test_long_entries_are_found_from_the_end(log: Register):
    log.append("job", {"text": "x" * 300_000})
    log.append("job", {"rule": "after"})
    assert log.newest().index == 9 and audit.verify(log, None) == []


@pytest.mark.parametrize(
    "content",
    [
        {"password": "x"},
        {"a": [{"API_TOKEN": "x"}]},
        {"text": "-----BEGIN " + "PRIVATE KEY-----"},
        {"x": {"passwd": 1}},
    ],
)
def test_secrets_are_not_taken(log: Register, content: dict):
    with pytest.raises(RegisterError):
        log.append("job", content)
    assert len(lines(log)) == 8


def test_changed_output_is_found(log: Register, tmp_path: Path):
    for name in ("a.tsv", "gone.tsv", "folder/b.tsv", "link.tsv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1\n")
    files = ("a.tsv", "gone.tsv", "folder", "link.tsv")
    log.append("job", {"rule": "make", "outputs": {n: vars(outputs.digest(tmp_path / n)) for n in files}})
    (tmp_path / "gone.tsv").unlink()
    (tmp_path / "folder/.snakemake_timestamp").write_text("")
    assert audit.changed_files(log.entries(), tmp_path) == []
    (tmp_path / "a.tsv").write_text("2\n")
    (tmp_path / "folder/c.tsv").write_text("new\n")
    (tmp_path / "link.tsv").unlink()
    (tmp_path / "link.tsv").symlink_to("folder/b.tsv")
    found = audit.changed_files(log.entries(), tmp_path)
    assert [finding.place for finding in found] == ["a.tsv", "folder", "link.tsv"]


def test_exported_entry_is_proven_by_a_checkpoint(log: Register, site: Site, tmp_path: Path):
    checkpoint, _ = log.checkpoint(site.keys["register"])
    document = audit.proof(log, 5)
    assert audit.verify_proof(document, checkpoint, site.trust) is None
    log.append("job", {"rule": "later"})
    assert audit.verify_proof(audit.proof(log, 5), checkpoint, site.trust), "of another size"
    assert audit.verify_proof(audit.proof(log, 5, checkpoint), checkpoint, site.trust) is None
    with pytest.raises(IndexError):
        audit.proof(log, 8, checkpoint)
    for change in ({"entry": document["entry"].replace("step5", "step6")}, {"index": 4}, {"size": 9}, {"path": []}):
        assert audit.verify_proof({**document, **change}, checkpoint, site.trust)
    forge(site, checkpoint)
    assert audit.verify_proof(document, checkpoint, site.trust)


def test_commands(log: Register, site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    place, store = ["--register", str(log.path)], ["--trust", str(site.trust_path)]
    key = str(site.root / "site/register.pem")
    assert main(["audit", "checkpoint", "--key", key, *place]) == 0
    assert main(["audit", "show", *place]) == 0 and "rule=step7" in capsys.readouterr().out
    assert main(["audit", "verify", *place, *store]) == 0
    assert main(["audit", "export", "--entry", "2", "-o", str(tmp_path / "e.json"), *place]) == 0
    anchor = ["--anchor", str(log.path / "checkpoints/000000008.json")]
    assert main(["audit", "verify", "--proof", str(tmp_path / "e.json"), *anchor, *store]) == 0
    assert main(["audit", "export", *place]) == 0 and capsys.readouterr().out.count("\n") >= 8
    write(log, lines(log)[:-1])
    assert main(["audit", "verify", *place, *store]) == 1
    assert main(["audit", "verify", "--register", str(tmp_path / "none"), *store]) == 2
