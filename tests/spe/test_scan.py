"""`spe scan` finds what was planted, in every layer and form, and nothing in files without identifiers."""

import base64
import bz2
import gzip
import io
import lzma
import os
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from kimed_spe import scan
from kimed_spe.cli import main

NAME = "MRN-00418273"
IDENTIFIERS = {1: NAME, 2: "Jörg Müßig", 3: "P017", 4: "4711081500", 5: "Ute"}
TEXT = f"patient {NAME} was seen".encode()


def png(data: bytes) -> bytes:
    """A picture with a compressed text chunk."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(data))
    pixels = chunk(b"IDAT", zlib.compress(b"\0\0"))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + text + pixels + chunk(b"IEND", b"")


def zipped(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.txt", data)
    return buffer.getvalue()


def tarred(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        item = tarfile.TarInfo("b.txt")
        item.size = len(data)
        archive.addfile(item, io.BytesIO(data))
    return buffer.getvalue()


def bgzf(data: bytes) -> bytes:
    """As BAM and vcf.gz are compressed: many members."""
    half = len(data) // 2
    return b"".join(gzip.compress(part) for part in (b"x" * 70_000, data[:half] + data[half:], b""))


def dicom(data: bytes) -> bytes:
    """Preamble, prefix and one text element of a DICOM file."""
    data += b" " * (len(data) % 2)
    return b"\0" * 128 + b"DICM" + struct.pack("<HH2sH", 0x10, 0x10, b"PN", len(data)) + data


def nifti(data: bytes) -> bytes:
    """A NIfTI-1 header with a text in `descrip`."""
    return gzip.compress(struct.pack("<i", 348) + b"\0" * 144 + data[:80].ljust(80, b"\0") + b"\0" * 120)


def hdf5(data: bytes, **filters: object) -> bytes:
    h5py = pytest.importorskip("h5py")
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_dataset("obs/donor", data=[data] * 50, dtype=f"S{len(data)}", chunks=(50,), **filters)
    return buffer.getvalue()


def hdf5_attribute(data: bytes) -> bytes:
    h5py = pytest.importorskip("h5py")
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_group("uns").attrs["command"] = data.decode()
    return buffer.getvalue()


def parquet(data: bytes) -> bytes:
    pyarrow, files = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    buffer = io.BytesIO()
    files.write_table(pyarrow.table({"who": [data.decode()] * 3}), buffer, compression="zstd")
    return buffer.getvalue()


def paged(data: bytes) -> bytes:
    """As a page carries data: in base64, in a script."""
    return b"<script>x = '" + base64.b64encode(data) + b"'</script>"


def mailed(data: bytes) -> bytes:
    """As mail carries attachments: base64 in lines of 76 characters."""
    return b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(data).replace(b"\n", b"\r\n")


LAYERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "bgzf": bgzf,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zlib inside": lambda data: os.urandom(1000) + zlib.compress(data) + os.urandom(1000),
    "gzip inside": lambda data: os.urandom(1000) + gzip.compress(data) + os.urandom(1000),
    "zip": zipped,
    "tar": tarred,
    "tar.gz in zip": lambda data: zipped(gzip.compress(tarred(data))),
    "png": png,
    "dicom": dicom,
    "nifti": nifti,
    "hdf5": hdf5,
    "hdf5 gzip": lambda data: hdf5(data, compression="gzip"),
    "hdf5 shuffle gzip": lambda data: hdf5(data, compression="gzip", shuffle=True),
    "hdf5 lzf": lambda data: hdf5(data, compression="lzf"),
    "hdf5 attribute": hdf5_attribute,
    "parquet zstd": parquet,
    "gzip in base64": lambda data: paged(gzip.compress(data + os.urandom(60))),
    "base64 in lines": lambda data: mailed(b"Befund: " * 20 + data),
    "base64 in base64": lambda data: paged(b"x = " + paged(b"Befund: " * 20 + data)),
    "npz": lambda data: zipped(b"\x93NUMPY" + data.decode().encode("utf-32-le") + data),
}
FORMS: dict[str, tuple[bytes, int]] = {
    "as it is": (NAME.encode(), 1),
    "lower case": (NAME.lower().encode(), 1),
    "without hyphen": (b"MRN00418273", 1),
    "inside a word": (b"xx" + NAME.encode() + b"yy", 1),
    "UTF-16 little-endian": (NAME.encode("utf-16-le"), 1),
    "UTF-16 big-endian": (NAME.encode("utf-16-be"), 1),
    "hexadecimal": (NAME.encode().hex().encode(), 1),
    "base64": (base64.b64encode(NAME.encode()), 1),
    "base64, second place": (base64.b64encode(b"a" + NAME.encode() + b"bcd"), 1),
    "base64, third place": (base64.b64encode(b"ab" + NAME.encode() + b"c"), 1),
    "umlauts composed": ("Jörg Müßig".encode(), 2),
    "umlauts decomposed": ("Jo\u0308rg Mu\u0308ßig".encode(), 2),
    "umlauts in Latin-1": ("Jörg Müßig".encode("latin-1"), 2),
    "umlauts in capitals": ("JÖRG MÜSSIG".encode(), 2),
    "umlauts written out": (b"Joerg Muessig", 2),
    "umlauts left out": (b"jorg mussig", 2),
    "number as a decimal": (b"x\t4711081500.0", 4),
    "number in a UID": (b"1.2.840.4711081500.1", 4),
    "number after letters": (b"MRN4711081500", 4),
    "number, UTF-16": ("x 4711081500 y".encode("utf-16-be"), 4),
    "name joined": ("JörgMüßig".encode(), 2),
    "short, as a word": (b"sample_P017.tsv", 3),
    "short, between zero bytes": (b"AB\0P017\0CD", 3),
    "very short": (b"Meier^Ute", 5),
    "short, UTF-16": ("x P017 y".encode("utf-16-le"), 3),
}


def hits(path: Path, identifiers: dict[int, str] = IDENTIFIERS) -> list[scan.Hit]:
    return [item for item in scan.scan([path], identifiers) if isinstance(item, scan.Hit)]


def gaps(path: Path, **limits: int) -> list[scan.Gap]:
    return [item for item in scan.scan([path], IDENTIFIERS, **limits) if isinstance(item, scan.Gap)]


@pytest.mark.parametrize("name", LAYERS)
def test_found_in_layer(tmp_path: Path, name: str):
    (tmp_path / "clean").write_bytes(LAYERS[name](b"patient XXXXXXXXXXXX was seen"))
    assert hits(tmp_path / "clean") == []
    (tmp_path / "leak").write_bytes(LAYERS[name](TEXT))
    assert {hit.form.number for hit in hits(tmp_path / "leak")} == {1}


@pytest.mark.parametrize("name", FORMS)
def test_found_in_form(tmp_path: Path, name: str):
    data, number = FORMS[name]
    (tmp_path / "leak").write_bytes(b"(" + data + b")")
    assert {hit.form.number for hit in hits(tmp_path / "leak")} == {number}


@pytest.mark.parametrize(
    "text",
    [
        "P0171",
        "XP017",
        "AP017B",
        "MRN-0041827",
        "Jorg Massig",
        "minute",
        "0.4711081500",
        "14711081500",
        "(ute)",
        "\x01Ute",
    ],
)
def test_other_words_are_not_found(tmp_path: Path, text: str):
    (tmp_path / "clean").write_text(text)
    assert hits(tmp_path / "clean") == []


def test_short_name_is_found_in_what_base64_means_and_not_in_its_letters(tmp_path: Path):
    """Ute stands in the letters of every third picture; a letter that names her does not show it in its base64."""
    pixels = base64.b64decode("iVBORw0KGgo" + "A" * 100 + "+Ute/" + "A" * 100)
    page = tmp_path / "a.html"
    page.write_bytes(paged(pixels))
    assert b"+Ute/" in page.read_bytes() and hits(page) == []
    page.write_bytes(paged(("Größe, Übelkeit, " * 9 + "gez. Ute").encode()))
    assert b"Ute" not in page.read_bytes() and {hit.form.number for hit in hits(page)} == {5}
    page.write_text("/Berta" * 30 + "/Ute/" + "Anton/" * 30)
    assert {hit.form.number for hit in hits(page)} == {5}, "a path of letters only is no base64"


def test_base64_is_bounded(tmp_path: Path):
    (tmp_path / "f").write_bytes(paged(b"Befund: " * 2000))
    assert len(gaps(tmp_path / "f", limit=10_000)) == 1 and gaps(tmp_path / "f", limit=20_000) == []


def test_program_text_of_software_is_told_and_not_counted(tmp_path: Path):
    """Only with the same text on both sides: data that a page puts beside program text counts."""
    program = (
        b"/*! library 3.1.2, MIT */"
        + b"var CL=xi(),Ute=gr(),Gte=kL();" * 2
        + b"function Ute(a){return a};"
        + b"var last=1;" * 9
    )
    (tmp_path / "software/js").mkdir(parents=True)
    (tmp_path / "software/js/library.min.js").write_bytes(program)

    def found(page: bytes) -> list[scan.Found]:
        (tmp_path / "page.html").write_bytes(page)
        return list(scan.scan([tmp_path / "page.html"], IDENTIFIERS, software=[tmp_path / "software"]))

    (shipped,) = found(b"<script>" + program + b"</script>")
    assert isinstance(shipped, scan.Shipped) and "js/library.min.js" in str(shipped)
    for page in (
        b"<script>" + program + b"</script><p>gez. Ute, Oberschwester der Station 3</p>",
        b"<script>" + program[:50] + b" Ute " + program[50:] + b"</script>",
        program.replace(b"Gte", b"Gtx").replace(b"return", b"yields"),
    ):
        assert any(isinstance(item, scan.Hit) and item.form.number == 5 for item in found(page)), page
    assert hits(tmp_path / "page.html"), "without software to compare with, everything counts"


def test_integer_column_is_found(tmp_path: Path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5ad", "w") as file:
        file.create_dataset("obs/mrn", data=[5, 4711081500], dtype="i8")
    assert {hit.form.number for hit in hits(tmp_path / "a.h5ad")} == {4}


def test_names_links_and_attributes_are_searched(tmp_path: Path):
    (tmp_path / f"{NAME}.tsv").write_text("x")
    (tmp_path / f"folder_{NAME}").mkdir()
    (tmp_path / "link").symlink_to(f"/data/{NAME}.bam")
    assert len(hits(tmp_path)) == 3
    file = tmp_path / "attribute"
    file.write_text("x")
    try:
        os.setxattr(file, "user.source", NAME.encode())
    except OSError:
        pytest.skip("this file system has no extended attributes")
    assert len(hits(file)) == 1


def test_name_in_a_gzip_header_is_found(tmp_path: Path):
    with (tmp_path / "a.gz").open("wb") as file, gzip.GzipFile(f"{NAME}.fastq", "wb", fileobj=file) as stream:
        stream.write(b"ACGT")
    assert len(hits(tmp_path / "a.gz")) == 1


def bomb(path: Path) -> None:
    path.write_bytes(gzip.compress(b"\0" * 30_000_000))


def encrypted(path: Path) -> None:
    data = bytearray(zipped(TEXT))
    for offset in (6, data.index(b"PK\x01\x02") + 8):
        data[offset] |= 1
    path.write_bytes(data)


def matryoshka(path: Path) -> None:
    data = TEXT
    for _ in range(8):
        data = zipped(data)
    path.write_bytes(data)


GAPS: dict[str, Callable[[Path], object]] = {
    "cut off": lambda path: path.write_bytes(gzip.compress(os.urandom(5000))[:-500]),
    "damaged": lambda path: path.write_bytes(gzip.compress(os.urandom(200_000))[:99_000] + b"x" * 9000),
    "zstandard": lambda path: path.write_bytes(b"\x28\xb5\x2f\xfd" + TEXT[:4]),
    "bomb": bomb,
    "encrypted": encrypted,
    "layers without end": matryoshka,
    "FIFO": os.mkfifo,
    "CRAM codecs": lambda path: path.write_bytes(b"CRAM\x03\x00" + b"\0" * 20),
}


@pytest.mark.parametrize("name", GAPS)
def test_what_cannot_be_searched_is_said(tmp_path: Path, name: str):
    GAPS[name](tmp_path / "f")
    assert len(gaps(tmp_path / "f", limit=10_000_000)) == 1


def test_missing_file_is_said(tmp_path: Path):
    assert len(gaps(tmp_path / "none")) == 1


def test_random_bytes_hold_nobody(tmp_path: Path):
    (tmp_path / "noise").write_bytes(random.Random(7).randbytes(3_000_000))
    assert hits(tmp_path) == [] and gaps(tmp_path) == []


@pytest.mark.parametrize("identifiers", [{}, {1: "P1"}])
def test_useless_lists_are_refused(tmp_path: Path, identifiers: dict[int, str]):
    with pytest.raises(ValueError, match="identifier"):
        list(scan.scan([tmp_path], identifiers))


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    linkage = tmp_path / "linkage.tsv"
    linkage.write_text(f"identifier\tpseudonym\n{NAME}\tABC\n\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.gz").write_bytes(gzip.compress(b"nobody"))
    command = ["scan", "--identifiers", str(linkage), str(tmp_path / "out")]
    assert main(command) == 0
    (tmp_path / "out/b.zst").write_bytes(b"\x28\xb5\x2f\xfd")
    assert main(command) == 0 and main([*command, "--strict"]) == 1
    (tmp_path / "out/a.gz").write_bytes(gzip.compress(TEXT))
    assert main(command) == 1 and main([*command, "--json"]) == 1
    linkage.write_text(f"patient\ttoken\nP1\t{NAME}\n")
    assert main([*command, "--column", "token"]) == 1 and main([*command, "--column", "name"]) == 2
    out = capsys.readouterr().out
    assert "identifier 2 (text)" in out and "0 in text of installed software" in out and NAME not in out, (
        "a report repeats no identifier"
    )
