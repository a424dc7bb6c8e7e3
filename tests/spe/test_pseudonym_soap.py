"""gPAS by SOAP: the surface that its published WSDL and interface describe, against a fake of it."""

from pathlib import Path

import pytest
from spe.fake_services import GpasSoapFake, serving

from kimed_spe import cli
from kimed_spe.pseudonym_services import GpasSoap, ServiceError

PATH = "/gpas/gpasService"


def test_pseudonyms_and_back():
    with serving(GpasSoapFake) as base:
        service = GpasSoap(base + PATH, "Bearer sesame")
        wanted = [f"MRN-{number} <Müller & Söhne>" for number in range(1100)]
        names = service.issue("study", wanted)
        assert list(names) == wanted and len(set(names.values())) == 1100
        assert service.issue("study", [wanted[7]]) == {wanted[7]: names[wanted[7]]}
        assert service.resolve("study", names[wanted[9]]) == wanted[9]


@pytest.mark.parametrize("mode", ["incomplete", "absent", "other form", "entities"])
def test_answers_that_do_not_fit_are_refused(mode: str):
    with serving(GpasSoapFake, mode) as base, pytest.raises(ServiceError) as caught:
        GpasSoap(base, "Bearer sesame").issue("study", ["MRN-7", "MRN-8"])
    assert "MRN" not in str(caught.value)


def test_faults_name_the_exception_and_no_identifier():
    with serving(GpasSoapFake) as base:
        service = GpasSoap(base, "Bearer sesame")
        with pytest.raises(ServiceError, match="UnknownDomainException") as unknown:
            service.issue("other", ["MRN-7"])
        with pytest.raises(ServiceError, match="PSNNotFoundException") as absent:
            service.resolve("study", "psn-9999")
        with pytest.raises(ServiceError, match="401"):
            GpasSoap(base).issue("study", ["MRN-7"])
    assert "MRN" not in str(unknown.value) and "psn-9999" not in str(absent.value)


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    place = ["--store", str(tmp_path / "c"), "--key", str(tmp_path / "k"), "--project", "study"]
    assert cli.main(["pseudonym", "init", *place, "--purpose", "study"]) == 0
    (tmp_path / "list.tsv").write_text("identifier\nMRN-0001\n")
    monkeypatch.setenv("SPE_PSEUDONYM_CREDENTIAL", "Bearer sesame")
    with serving(GpasSoapFake) as base:
        service = ["--service", "gpas-soap", "--url", base + PATH]
        out = str(tmp_path / "out.tsv")
        assert cli.main(["pseudonym", "issue", str(tmp_path / "list.tsv"), *place, *service, "-o", out]) == 0
        assert "psn-0000" in Path(out).read_text() and not (tmp_path / "c/links").exists()
        capsys.readouterr()
        assert cli.main(["pseudonym", "resolve", "psn-0000", *place, *service, "--reason", "test"]) == 0
        assert capsys.readouterr().out == "MRN-0001\n"
