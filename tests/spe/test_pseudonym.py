"""The trust centre: pseudonyms join within a project, never across; nothing that leaves it leads back."""

import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from spe.fake_services import GpasFake, MainzellisteFake, serving

from kimed_spe import pseudonym, scan
from kimed_spe.cli import main
from kimed_spe.pseudonym_services import Gpas, Mainzelliste, ServiceError
from kimed_spe.trust_centre import TrustCentre, TrustCentreError
from kimedlib import pseudonyms
from kimedlib.problems import InputProblems

MASTER = bytes(range(32))
ONE, TWO = (pseudonym.Domain.derive(MASTER, name) for name in ("project-one", "project-two"))


def test_check_character_is_that_of_iso_7064():
    """A Global Release Identifier (GRid) ends in a MOD 37,36 check character; the example is from its standard."""
    assert pseudonym.check_character("A12425GABC1234002") == "M"


def test_check_character_finds_every_single_error():
    name = ONE.pseudonym("MRN-1")
    assert pseudonym.valid(name)
    for place, right in enumerate(name):
        for wrong in set(pseudonym.ALPHABET) - {right}:
            assert not pseudonym.valid(name[:place] + wrong + name[place + 1 :])
    assert not pseudonym.valid("") and not pseudonym.valid("A") and not pseudonym.valid(name.lower())


def test_pseudonym_is_keyed_stable_and_plain():
    name = ONE.pseudonym("MRN-1")
    assert name == ONE.pseudonym(" MRN-1 ") and re.fullmatch(r"[A-Z2-7]{16}[A-Z0-9]", name)
    assert name != pseudonym.Domain.derive(MASTER[::-1], "project-one").pseudonym("MRN-1")
    assert ONE.pseudonym("Mu\u0308ller") == ONE.pseudonym("Müller")
    assert "key" not in repr(ONE)


@pytest.mark.parametrize("identifier", ["", "  ", "a\tb", "a\nb"])
def test_identifiers_that_a_table_cannot_hold_are_refused(identifier: str):
    with pytest.raises(ValueError, match="identifier"):
        ONE.pseudonym(identifier)


def test_two_projects_cannot_be_joined():
    patients = [f"MRN-{number:05d}" for number in range(2000)]

    def everything(domain: pseudonym.Domain) -> set[str]:
        names = {patient: domain.pseudonym(patient) for patient in patients}
        rows = pseudonym.links(domain, {patient: patient for patient in patients}, names)
        return {value for row in rows for value in (row.pseudonym, row.uid_key)}

    assert everything(ONE) & everything(TWO) == set()
    shifts = [ONE.date_shift(p) == TWO.date_shift(p) for p in patients]
    assert sum(shifts) < 20, "shifts agree as often as chance has it (1 in 730), so they join nobody either"
    # The attack works where a site reuses one domain for two projects: that is what domains defend against.
    assert everything(ONE) & everything(pseudonym.Domain.derive(MASTER, "project-one")) == everything(ONE)


@pytest.mark.parametrize("count", [50_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_many_identifiers_get_as_many_pseudonyms(count: int):
    assert len({ONE.pseudonym(str(number))[:-1].encode() for number in range(count)}) == count


def test_date_shifts_are_never_zero_and_spread():
    shifts = [ONE.date_shift(f"p{number}") for number in range(5000)]
    assert 0 not in shifts and min(shifts) >= -365 and max(shifts) <= 365
    assert len(set(shifts)) > 700 and abs(sum(shifts)) / len(shifts) < 15


@pytest.fixture
def centre(tmp_path: Path) -> TrustCentre:
    made = TrustCentre.create(tmp_path / "centre", tmp_path / "master.key")
    for name in ("project-one", "project-two"):
        made.add_domain(name, "test")
    return made


def test_issued_pseudonyms_can_be_resolved_and_nothing_is_stored_in_clear(centre: TrustCentre):
    names = centre.issue("project-one", ["MRN-00000001", "MRN-00000002"])
    assert centre.issue("project-one", ["MRN-00000002", "MRN-00000003"])["MRN-00000002"] == names["MRN-00000002"]
    assert centre.resolve("project-one", names["MRN-00000001"]) == "MRN-00000001"
    found = list(scan.scan([centre.folder], {number: f"MRN-0000000{number}" for number in (1, 2, 3)}))
    assert found == [], "links are encrypted, the register counts only"
    assert centre.domains() == {"project-one": "test", "project-two": "test"}


def test_resolving_needs_the_project_and_the_right_pseudonym(centre: TrustCentre):
    name = centre.issue("project-one", ["MRN-1"])["MRN-1"]
    for project, wrong in [("project-two", name), ("project-one", name[:-1] + "0"), ("project-x", name)]:
        with pytest.raises(TrustCentreError):
            centre.resolve(project, wrong)


def test_collision_is_noticed_before_anything_is_issued(centre: TrustCentre, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pseudonym.Domain, "pseudonym", lambda *_: "SAME")
    with pytest.raises(TrustCentreError, match="nothing was issued"):
        centre.issue("project-one", ["a", "b"])
    assert not (centre.folder / "links").exists()


def test_another_master_key_opens_nothing(centre: TrustCentre, tmp_path: Path):
    centre.issue("project-one", ["MRN-1"])
    TrustCentre.create(tmp_path / "other", tmp_path / "other.key")
    with pytest.raises(TrustCentreError, match="another master key"):
        TrustCentre(centre.folder, tmp_path / "other.key").issue("project-one", ["MRN-1"])


def test_master_key_is_guarded(centre: TrustCentre, tmp_path: Path):
    key = tmp_path / "master.key"
    with pytest.raises(FileExistsError):
        TrustCentre.create(tmp_path / "centre", key)
    key.chmod(0o640)
    with pytest.raises(TrustCentreError, match="chmod 600"):
        TrustCentre(centre.folder, key)
    key.chmod(0o600)
    with pytest.raises(TrustCentreError, match="inside the store"):
        TrustCentre(centre.folder, key.rename(centre.folder / "master.key"))
    (tmp_path / "short.key").write_text("abcd\n")
    (tmp_path / "short.key").chmod(0o600)
    with pytest.raises(TrustCentreError, match="2 bytes"):
        TrustCentre(centre.folder, tmp_path / "short.key")


@pytest.mark.parametrize("name", ["", "../x", ".hidden", "a/b", "project-one"])
def test_bad_domain_is_refused(centre: TrustCentre, name: str):
    with pytest.raises(TrustCentreError):
        centre.add_domain(name, "test")


def spe(*arguments: object) -> int:
    return main(["pseudonym", *map(str, arguments)])


def test_commands_make_the_file_that_ingest_rules_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    place = ["--store", tmp_path / "c", "--key", tmp_path / "k", "--project", "one"]
    assert spe("init", *place, "--purpose", "study") == 0
    assert spe("init", *place, "--purpose", "again") == 2
    sheet = tmp_path / "people.tsv"
    sheet.write_text("identifier\tpatient\nMRN-0001\t\nS-0001-T\tMRN-0001\nS-0001-N\tMRN-0001\nMRN-0002\tMRN-0002\n")
    out = tmp_path / "linkage.tsv"
    assert spe("issue", sheet, *place, "-o", out) == 0
    assert out.stat().st_mode & 0o777 == 0o600
    linkage = pseudonyms.read_linkage(out.read_text().splitlines(), str(out))
    assert set(linkage.pseudonyms) == {"MRN-0001", "S-0001-T", "S-0001-N", "MRN-0002"}
    assert linkage.date_shifts["S-0001-T"] == linkage.date_shifts["MRN-0001"]
    assert linkage.uid_keys["S-0001-T"] == linkage.uid_keys["MRN-0001"] != linkage.uid_keys["MRN-0002"]
    capsys.readouterr()
    assert spe("resolve", linkage.pseudonyms["S-0001-T"], *place, "--reason", "incidental finding") == 0
    assert capsys.readouterr().out == "S-0001-T\n"
    log = (tmp_path / "c/register/log.jsonl").read_text()
    assert "incidental finding" in log and "S-0001-T" not in log
    master = (tmp_path / "k").read_text().strip()
    assert not list(scan.scan([out, tmp_path / "c"], {1: master})), "the master key is nowhere else"


@pytest.mark.parametrize("text", ["name\nx\n", "", "identifier\tpatient\nA1\tP1\nA1\tP2\n", 'identifier\n""\n'])
def test_command_refuses_bad_lists(tmp_path: Path, text: str):
    place = ["--store", tmp_path / "c", "--key", tmp_path / "k", "--project", "one"]
    assert spe("init", *place, "--purpose", "study") == 0
    (tmp_path / "list.tsv").write_text(text)
    assert spe("issue", tmp_path / "list.tsv", *place, "-o", tmp_path / "out.tsv") == 2
    assert not (tmp_path / "out.tsv").exists()


def test_gpas_surface():
    with serving(GpasFake) as base:
        service = Gpas(f"{base}/ttp-fhir/fhir/gpas", "Bearer sesame")
        wanted = [f"MRN-{number}" for number in range(1100)]
        names = service.issue("study", wanted)
        assert list(names) == wanted and len(set(names.values())) == 1100
        assert service.issue("study", ["MRN-7"]) == {"MRN-7": names["MRN-7"]}
        assert service.resolve("study", names["MRN-9"]) == "MRN-9"
        for broken in (lambda: service.issue("unknown", ["MRN-7"]), lambda: service.resolve("study", "nobody")):
            with pytest.raises(ServiceError):
                broken()
        with pytest.raises(ServiceError, match="401"):
            Gpas(f"{base}/ttp-fhir/fhir/gpas").issue("study", ["MRN-7"])


@pytest.mark.parametrize("mode", ["incomplete", "other domain", "other form"])
def test_gpas_answers_that_do_not_fit_are_refused(mode: str):
    with serving(GpasFake, mode) as base, pytest.raises(ServiceError) as caught:
        Gpas(base, "Bearer sesame").issue("study", ["MRN-7", "MRN-8"])
    assert "MRN" not in str(caught.value)


def test_mainzelliste_surface():
    with serving(MainzellisteFake) as base:
        service = Mainzelliste(base, "sesame")
        names = service.issue("pid", ["MRN-1", "MRN-2"])
        assert service.issue("pid", ["MRN-2"]) == {"MRN-2": names["MRN-2"]}
        assert service.resolve("pid", names["MRN-1"]) == "MRN-1"
        with pytest.raises(ServiceError, match="no patient"):
            service.resolve("pid", "99999999")
        with pytest.raises(ServiceError, match="401"):
            Mainzelliste(base, "wrong").issue("pid", ["MRN-1"])
    with serving(MainzellisteFake, "other form") as base, pytest.raises(ServiceError, match="lacks"):
        Mainzelliste(base, "sesame").issue("pid", ["MRN-1"])


@pytest.mark.parametrize("base", ["http://gpas.example/fhir", "ftp://localhost/", "localhost:8080"])
def test_identifiers_do_not_travel_in_clear(base: str):
    with pytest.raises(ServiceError):
        Gpas(base)


def test_service_that_is_not_there_is_said():
    with pytest.raises(ServiceError, match="Refused"):
        Gpas("http://127.0.0.1:9").issue("study", ["MRN-1"])


def test_command_with_a_service_keeps_links_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    place = ["--store", tmp_path / "c", "--key", tmp_path / "k", "--project", "study"]
    assert spe("init", *place, "--purpose", "study") == 0
    (tmp_path / "list.tsv").write_text("identifier\nMRN-0001\n")
    monkeypatch.setenv("SPE_PSEUDONYM_CREDENTIAL", "Bearer sesame")
    with serving(GpasFake) as base:
        service = ["--service", "gpas", "--url", base]
        assert spe("issue", tmp_path / "list.tsv", *place, *service, "-o", tmp_path / "out.tsv") == 0
    assert "psn-0000" in (tmp_path / "out.tsv").read_text() and not (tmp_path / "c/links").exists()
    assert spe("issue", tmp_path / "list.tsv", *place, "--service", "gpas", "-o", tmp_path / "out.tsv") == 2


def test_sandbox_package_does_not_load_the_trust_centre():
    """What runs jobs must not even know how pseudonyms are made."""
    code = (
        "import sys, kimed_spe.gate; print(sorted(m for m in sys.modules if 'pseudonym' in m or 'trust_centre' in m))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


LINKAGE = pseudonyms.Linkage(
    {"P1": "AAAA", "P10": "BBBB", "MRN-7": "CCCC", "S7": "DDDD"},
    {"P1": b"1" * 32, "P10": b"2" * 32}, {"P1": -3, "P10": 40},
)  # fmt: skip


def test_vcf_header_loses_identifiers():
    header = [
        "##fileformat=VCFv4.2\n", "##SAMPLE=<ID=P1,Description=\"of P10\">", "##cmd=call /data/MRN-7x/in.bam",
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tP10\tP1\n",
    ]  # fmt: skip
    changed = pseudonyms.vcf_header(header, LINKAGE, "a.vcf")
    assert changed[1] == '##SAMPLE=<ID=AAAA,Description="of BBBB">'
    assert changed[2].endswith("FORMAT\tBBBB\tAAAA") and len(changed) == 3
    with pytest.raises(InputProblems, match="lacks") as caught:
        pseudonyms.vcf_header([header[3].replace("P10", "Unknown9")], LINKAGE, "a.vcf")
    assert "Unknown9" not in str(caught.value)


def test_bam_header_loses_identifiers():
    header = {
        "HD": {"VN": "1.6"},
        "RG": [{"ID": "P1.lane1", "SM": "P1", "LB": "lib_P1", "PI": 300}, {"ID": "x", "SM": "P10"}],
        "PG": [{"ID": "bwa", "CL": "bwa mem xMRN-7x.fq"}], "CO": ["for MRN-7", "from xMRN-7x", "plain"],
    }  # fmt: skip
    changed, groups = pseudonyms.bam_header(header, LINKAGE, "a.bam")
    assert changed["RG"] == [
        {"ID": "AAAA.lane1", "SM": "AAAA", "LB": "lib_AAAA", "PI": 300}, {"ID": "x", "SM": "BBBB"},
    ]  # fmt: skip
    assert changed["PG"][0]["CL"] == pseudonyms.REMOVED and changed["CO"] == ["for CCCC", "plain"]
    assert changed["HD"] == {"VN": "1.6"} and groups == {"P1.lane1": "AAAA.lane1"}


def test_anndata_parts_lose_identifiers():
    import pandas as pd

    frame = pd.DataFrame({"donor": ["P1", "P10"], "n": [1, 2]}, index=["ACGT-P1", "ACGT-P10"])
    changed = pseudonyms.table(frame, ["donor"], LINKAGE, "a.h5ad")
    assert list(changed["donor"]) == ["AAAA", "BBBB"] and list(changed.index) == ["ACGT-AAAA", "ACGT-BBBB"]
    assert list(frame["donor"]) == ["P1", "P10"], "the given table stays as it is"
    value = {"P1_colors": ["red", "P10"], "n": 3, "path": "/x/aMRN-7b"}
    assert pseudonyms.nested(value, LINKAGE) == {"AAAA_colors": ["red", "BBBB"], "n": 3, "path": pseudonyms.REMOVED}


def test_dicom_uids_are_valid_keyed_and_consistent():
    one, two = (pseudonyms.dicom_uid("1.2.840.1", LINKAGE.uid_keys[name]) for name in ("P1", "P10"))
    assert one == pseudonyms.dicom_uid("1.2.840.1\0", LINKAGE.uid_keys["P1"]) != two
    assert re.fullmatch(r"2\.25\.[1-9][0-9]*", one) and len(one) <= 64


@pytest.mark.parametrize(
    ("value", "days", "expected"),
    [("20240228", 2, "20240301"), ("2024-03-01", -1, "2024-02-29"), ("20240101093000.5", -1, "20231231093000.5"),
     ("2024-01-01T10:00:00+01:00", 365, "2024-12-31T10:00:00+01:00")],
)  # fmt: skip
def test_dates_are_shifted_in_their_form(value: str, days: int, expected: str):
    assert pseudonyms.shift_date(value, days) == expected


@pytest.mark.parametrize("value", ["", "2024", "01.02.2024", "2024-1-2", "20241301", "2024-0101"])
def test_dates_in_other_forms_do_not_pass(value: str):
    with pytest.raises(ValueError):  # noqa: PT011 - the message depends on what is wrong
        pseudonyms.shift_date(value, 3)


def test_intervals_stay_true():
    days = ONE.date_shift("MRN-1")
    first, second = (date.fromisoformat(pseudonyms.shift_date(text, days)) for text in ("2024-01-31", "2024-03-01"))
    assert (second - first).days == 30


KEY = "0" * 64


@pytest.mark.parametrize(
    "row", [f"P1\tAAAA\t{KEY}", f"\tAAAA\t{KEY}\t3", "P2\tB\txyz\t3", f"P2\tB\t{KEY}\t0", f"P2\tB\t{KEY}\t1.5",
            f"P1\tB\t{KEY}\t3", f"P2\tAAAA\t{KEY}\t3"],
)  # fmt: skip
def test_bad_linkage_file_is_refused_without_repeating_identifiers(row: str):
    header = "\t".join(pseudonyms.COLUMNS)
    good = f"P1\tAAAA\t{KEY}\t3"
    assert pseudonyms.read_linkage([header, good], "l.tsv").pseudonym("P1", "x") == "AAAA"
    with pytest.raises(InputProblems, match="line 3") as caught:
        pseudonyms.read_linkage([header, good, row], "l.tsv")
    assert "P1" not in str(caught.value) and "P2" not in str(caught.value)
    with pytest.raises(InputProblems, match="columns"):
        pseudonyms.read_linkage([good], "l.tsv")


def test_columns_of_both_layers_agree():
    assert pseudonym.COLUMNS == pseudonyms.COLUMNS
