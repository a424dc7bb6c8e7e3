"""Bundles: fetched and packed here, checked and unpacked there; every way to spoil one is seen."""

import functools
import gzip
import hashlib
import http.server
import io
import json
import tarfile
import threading
from pathlib import Path

import pysam
import pytest
import yaml

from kimed_hosttools import references
from kimedlib.check_genomics_references import check_reference
from kimedlib.genomics_manifest import config_problems, read_manifest, sequences
from kimedlib.problems import InputProblems

BASES = "acgtNNACGTACGTTTGA"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def site(tmp_path):
    """A server with a reference and targets."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "genome.fa.gz").write_bytes(gzip.compress(f">c1 text\n{BASES[:10]}\n{BASES[10:]}\n>c2\nTTTT\n".encode()))
    (folder / "exons.bed").write_text("c1\t0\t9\n")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def specification(tmp_path, site):
    """A function that writes a specification."""
    folder, address = site

    def write(**changes):
        digest = hashlib.sha256((folder / "genome.fa.gz").read_bytes()).hexdigest()
        content = {
            "build": "ours",
            "files": [
                {"role": "reference", "url": f"{address}/genome.fa.gz", "sha256": digest, "name": "reference.fa.gz"}
                | changes,
                {"role": "targets", "url": (folder / "exons.bed").as_uri()},
            ],
        }
        path = tmp_path / "references.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    return write


@pytest.fixture
def bundle(tmp_path, specification):
    references.main(["prepare", str(specification()), str(tmp_path / "bundle.tar")])
    return tmp_path / "bundle.tar"


def test_what_was_prepared_is_installed(tmp_path, bundle, site, capsys):
    references.main(["install", str(bundle), str(tmp_path / "there" / "references")])
    there = tmp_path / "there" / "references"
    assert sorted(path.name for path in there.iterdir()) == ["exons.bed", "manifest.json", "reference.fa.gz"]
    assert (there / "reference.fa.gz").read_bytes() == (site[0] / "genome.fa.gz").read_bytes()
    config = yaml.safe_load(capsys.readouterr().out.split("For the config:\n")[1])
    assert check_reference({**config, "gene_model": ""})[0] == []
    assert read_manifest(there / "manifest.json").lengths == {"c1": 18, "c2": 4}


@pytest.mark.parametrize(
    ("section", "key"),
    [("somatic", "population_frequencies"), ("tumour", "driver_table"), ("tumour", "signatures")],
)
def test_tables_of_the_config_are_declared_too(tmp_path, bundle, section, key):
    references.main(["install", str(bundle), str(tmp_path / "references")])
    manifest = read_manifest(tmp_path / "references" / "manifest.json")
    table = tmp_path / "references" / "exons.bed"
    (undeclared,) = config_problems(manifest, {section: {key: str(tmp_path / "other.tsv")}})
    assert f"{section}: {key}" in undeclared.place and "is not declared" in undeclared.found
    (as_another,) = config_problems(manifest, {section: {key: str(table)}})
    assert "is declared as targets" in as_another.found and "other" in as_another.remedy


def test_checksums_of_contigs_are_those_of_samtools(tmp_path, site):
    path = tmp_path / "plain.fa"
    path.write_bytes(gzip.decompress((site[0] / "genome.fa.gz").read_bytes()))
    lines = pysam.samtools.dict(str(path)).splitlines()
    expected = {
        fields["SN"]: fields["M5"]
        for fields in (dict(cell.split(":", 1) for cell in line.split("\t")[1:]) for line in lines if "@SQ" in line)
    }
    assert {one["name"]: one["md5"] for one in sequences(path)} == expected


def test_the_same_files_give_the_same_bundle(tmp_path, bundle, specification):
    references.main(["prepare", str(specification()), str(tmp_path / "again.tar")])
    assert (tmp_path / "again.tar").read_bytes() == bundle.read_bytes()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"sha256": "0" * 64}, "has SHA-256"),
        ({"url": "http://127.0.0.1:1/none.fa.gz"}, "cannot be fetched"),
        ({"url": "ftp://somewhere/x.fa.gz"}, "has the address"),
        ({"name": "../x"}, "is to be called"),
        ({"role": "genome"}, "has the role"),
        ({"more": 1}, "give role and url"),
    ],
)
def test_nothing_is_packed_that_is_not_right(tmp_path, specification, change, expected):
    with pytest.raises(SystemExit, match=expected):
        references.main(["prepare", str(specification(**change)), str(tmp_path / "bundle.tar")])
    assert not (tmp_path / "bundle.tar").exists()
    assert not list(tmp_path.glob(".bundle-*"))


def test_lengths_of_another_build_are_refused(tmp_path):
    from kimedlib.genomics_manifest import describe

    (tmp_path / "a.fa").write_text(">c1\nACGT\n")
    with pytest.raises(ValueError, match="no known build"):
        describe(tmp_path, [{"path": "a.fa", "role": "reference"}])


def rewritten(bundle, change):
    """The bundle with members changed by `change(name, bytes)`, which gives TarInfo and bytes, or None."""
    with tarfile.open(bundle) as source:
        members = [(one.name, source.extractfile(one).read()) for one in source.getmembers()]
    with tarfile.open(bundle, "w") as sink:
        for name, content in members:
            for info, data in change(name, content):
                info.size = len(data)
                sink.addfile(info, io.BytesIO(data))


def kept(name, content):
    return tarfile.TarInfo(name), content


def flipped(name, content):
    return [kept(name, content[:-1] + bytes([content[-1] ^ 1]) if name == "exons.bed" else content)]


def with_link(name, content):
    link = tarfile.TarInfo("link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return [kept(name, content), (link, b"")]


def declared_outside(name, content):
    return [kept(name, content.replace(b'"exons.bed"', b'"../exons.bed"') if name == "manifest.json" else content)]


SPOILED = {
    "has SHA-256": flipped,
    "does not exist": lambda name, content: [kept(name, content)] * (name != "exons.bed"),
    "is not in the manifest": lambda name, content: [
        kept(name, content),
        *[kept("more", b"x")] * (name == "exons.bed"),
    ],
    "is no plain file": with_link,
    "has no plain name": declared_outside,
    "is not JSON": lambda name, content: [kept(name, b"{" if name == "manifest.json" else content)],
}


@pytest.mark.parametrize("expected", SPOILED)
def test_a_spoiled_bundle_leaves_nothing(tmp_path, bundle, expected):
    rewritten(bundle, SPOILED[expected])
    with pytest.raises(SystemExit, match=expected):
        references.main(["install", str(bundle), str(tmp_path / "there")])
    assert not (tmp_path / "there").exists() and not list(tmp_path.glob(".installing-*"))


def test_members_outside_the_folder_and_cut_off_bundles(tmp_path, bundle):
    content = bundle.read_bytes()
    with tarfile.open(bundle) as archive:
        last = archive.getmembers()[-1]
    bundle.write_bytes(content[: last.offset_data + 5])
    with pytest.raises(SystemExit, match="cut off"):
        references.main(["install", str(bundle), str(tmp_path / "there")])
    bundle.write_bytes(content)
    rewritten(bundle, lambda name, data: [kept(f"../{name}", data)])
    with pytest.raises(SystemExit, match="is no plain file"):
        references.main(["install", str(bundle), str(tmp_path / "there")])
    assert not (tmp_path / "there").exists()


def test_nothing_is_overwritten(tmp_path, bundle):
    (tmp_path / "there").mkdir()
    with pytest.raises(SystemExit, match="exists already"):
        references.main(["install", str(bundle), str(tmp_path / "there")])


# The manifest before a run


@pytest.fixture
def installed(tmp_path, bundle):
    manifest = references.install(bundle, tmp_path / "references")
    return dict(line.split(": ") for line in references.config_lines(manifest)) | {"gene_model": ""}


def texts(config):
    return [one.found for one in check_reference(config)[0]]


def test_one_changed_byte_is_seen(installed):
    path = installed["targets"]
    with Path(path).open("r+b") as handle:
        handle.write(b"C")
    assert len(texts(installed)) == 1 and "has SHA-256" in texts(installed)[0]


def test_files_that_nobody_declared_and_other_contigs(installed, tmp_path):
    other = tmp_path / "other.bed"
    other.write_text("c1\t0\t4\n")
    assert "is not declared" in texts({**installed, "targets": str(other)})[0]
    path = tmp_path / "references" / "manifest.json"
    content = json.loads(path.read_text())
    content["contigs"][0]["length"] = 19
    path.write_text(json.dumps(content))
    assert any("other sequences than the manifest" in text for text in texts(installed))
    content["contigs"][0] |= {"name": "chr20", "length": 64444167}
    path.write_text(json.dumps({**content, "build": "GRCh37"}))
    assert any("the lengths are those of GRCh38" in text for text in texts(installed))


def test_the_schema_is_kept(installed, tmp_path):
    path = tmp_path / "references" / "manifest.json"
    content = json.loads(path.read_text())
    del content["files"][0]["sha256"]
    path.write_text(json.dumps({**content, "more": 1}))
    with pytest.raises(InputProblems, match="'sha256' is a required property") as raised:
        read_manifest(path)
    assert len(raised.value.problems) == 2


def test_files_that_are_there_are_described(installed, tmp_path, repository):
    target = tmp_path / "elsewhere" / "manifest.json"
    target.parent.mkdir()
    references.main(["describe", str(target), "ours", f"reference={installed['reference']}"])
    assert read_manifest(target).entry(installed["reference"])["role"] == "reference"
    with pytest.raises(SystemExit, match="exactly one must"):
        references.main(["describe", str(target), "ours", f"targets={installed['reference']}"])
    # the manifest that the demonstration ships is what this command writes
    shipped = repository / "config" / "genomics.references.json"
    data = repository / "test_data" / "genomics"
    files = [f"reference={data}/reference.fa.gz", f"gene_model={data}/genes.gff3", f"targets={data}/targets.bed"]
    made = repository / "config" / ".made.json"
    try:
        references.main(["describe", str(made), "synthetic", *files])
        assert made.read_bytes() == shipped.read_bytes()
    finally:
        made.unlink(missing_ok=True)
