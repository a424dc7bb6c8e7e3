"""Text that is planted in pixels goes, the rest of the picture stays; what cannot be masked is refused."""

import json
from pathlib import Path

import imaging_steps
import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom import Dataset, Sequence, dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.uid import (
    CTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    PositronEmissionTomographyImageStorage,
    RLELossless,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from kimedlib.dicom_masking import blank, frames_of, load_regions, treat_pixels
from kimedlib.problems import InputProblems

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
HEADER = "sop_class\tmanufacturer\tmodel\trows\tcolumns\trectangles\tcomplete\tsource"
LINES = ["Quellenbacher", "Ada", "ID 48151623"]
SIZE = 160


def written(shape: tuple[int, int]) -> np.ndarray:
    """Where letters stand, shape (rows, columns)."""
    canvas = Image.new("L", shape[::-1], 0)
    draw = ImageDraw.Draw(canvas)
    for number, line in enumerate(LINES):
        draw.text((6, 6 + 12 * number), line, fill=255, font=ImageFont.load_default_imagefont())
    return np.asarray(canvas) > 127


def texture(frames: int, seed: int = 4) -> np.ndarray:
    """A picture without text, shape (frames, rows, columns), 40 to 200."""
    y, x = np.mgrid[:SIZE, :SIZE]
    body = 120 + 60 * np.sin(x / 17) * np.cos(y / 23)
    return np.rint(body + np.random.default_rng(seed).normal(0, 4, (frames, SIZE, SIZE))).clip(40, 200)


def picture(kind: str, frames: int = 1, samples: int = 1, planar: int = 0, text_value: int = 255) -> Dataset:
    """An invented object with text in its pixels."""
    values = np.repeat(texture(frames)[..., None], samples, axis=3)
    values[:, written((SIZE, SIZE))] = text_value
    dataset = dcmread(get_testdata_file("CT_small.dcm"))
    for name in ("SmallestImagePixelValue", "LargestImagePixelValue"):
        if name in dataset:
            delattr(dataset, name)
    dataset.SOPClassUID = kind
    dataset.Rows = dataset.Columns = SIZE
    dataset.SamplesPerPixel = samples
    dataset.PhotometricInterpretation = "RGB" if samples == 3 else "MONOCHROME2"
    if samples == 3:
        dataset.PlanarConfiguration = planar
    if frames > 1:
        dataset.NumberOfFrames = frames
    dataset.BitsAllocated = dataset.BitsStored = 8 if samples == 3 else 16
    dataset.HighBit, dataset.PixelRepresentation = dataset.BitsStored - 1, 0
    ordered = values.transpose(0, 3, 1, 2) if planar else values
    dataset.PixelData = ordered.astype("<u1" if samples == 3 else "<u2").tobytes()
    return dataset


def devices(folder: Path, *rows: str) -> Path:
    path = folder / "regions.tsv"
    path.write_text("\n".join(["# ours", HEADER, *rows]) + "\n")
    return path


def everything_else(dataset: Dataset, before: np.ndarray) -> float:
    """Share of the pixels that keep their values; no letter may be left."""
    after = frames_of(dataset)
    letters = written(after.shape[1:3])
    assert all(len(np.unique(frame[letters].reshape(letters.sum(), -1), axis=0)) == 1 for frame in after)
    return float((after == before).mean())


@pytest.mark.parametrize("kind", [CTImageStorage, PositronEmissionTomographyImageStorage, EnhancedMRImageStorage])
@pytest.mark.parametrize("frames", [1, 3])
def test_text_in_scanner_images_is_masked_in_all_frames(kind, frames):
    dataset = picture(kind, frames)
    before = frames_of(dataset).copy()
    assert treat_pixels([picture(kind, frames)], "refuse", [])[0] == {"text in the pixels": 1}
    reasons, treated = treat_pixels([dataset], "mask", [])
    assert not reasons and treated[0].actions == ["masked: text found"] and treated[0].burned_in == ""
    assert everything_else(dataset, before) > 0.8


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize(("kind", "frames"), [(UltrasoundImageStorage, 1), (UltrasoundMultiFrameImageStorage, 4)])
def test_colours_of_a_listed_device(kind, frames, planar, tmp_path):
    regions = load_regions(devices(tmp_path, f"{kind}\tge med\t\t160\t\t0,0,160,45\tno\ttest"))
    dataset = picture(kind, frames, samples=3, planar=planar)
    before = frames_of(dataset).copy()
    reasons, treated = treat_pixels([dataset], "mask", regions)
    assert not reasons and treated[0].actions == ["masked: device list"]
    assert (frames_of(dataset)[:, :45] == 0).all() and np.array_equal(frames_of(dataset)[:, 45:], before[:, 45:])
    refused, _ = treat_pixels([picture(kind, frames, samples=3)], "refuse", regions)
    assert len(refused) == 2


@pytest.mark.parametrize("colour", [(255, 255, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0)])
def test_coloured_text_is_found(colour):
    dataset = picture(CTImageStorage, samples=3)
    values = frames_of(dataset).copy()
    values[:, written((SIZE, SIZE))] = colour
    dataset.PixelData = values.tobytes()
    assert treat_pixels([dataset], "refuse", [])[0] == {"text in the pixels": 1}


def test_ultrasound_keeps_only_its_regions(repository):
    dataset = picture(UltrasoundImageStorage, samples=3)
    region = Dataset()
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 20, 50
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 139, 149
    dataset.SequenceOfUltrasoundRegions = Sequence([region])
    before = frames_of(dataset).copy()
    reasons, _ = treat_pixels([dataset], "mask", load_regions(repository / "config/imaging.pixel_regions.tsv"))
    after = frames_of(dataset)[0]
    assert not reasons
    assert np.array_equal(after[50:150, 20:140], before[0, 50:150, 20:140])
    after[50:150, 20:140] = 0
    assert not after.any()


def test_unknown_device_is_refused_in_both_policies():
    for policy in ("mask", "refuse"):
        reasons, _ = treat_pixels([picture(SecondaryCaptureImageStorage)], policy, [])
        assert "Secondary Capture Image Storage may hold text" in reasons


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless])
def test_compressed_without_loss(syntax):
    dataset = picture(CTImageStorage, frames=2)
    before = frames_of(dataset).copy()
    dataset.compress(syntax, generate_instance_uid=False)
    reasons, treated = treat_pixels([dataset], "mask", [])
    assert not reasons and treated[0].actions
    assert dataset.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert everything_else(dataset, before) > 0.8


def test_compressed_with_loss(tmp_path):
    """JPEG blurs the letters; they are found, and the object says that it lost something."""
    dataset = picture(CTImageStorage)
    values = frames_of(dataset)[0].astype(np.uint8)
    Image.fromarray(values).save(tmp_path / "x.jpg", quality=85)
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelData = encapsulate([(tmp_path / "x.jpg").read_bytes()])
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    reasons, treated = treat_pixels([dataset], "mask", [])
    assert not reasons and treated[0].actions == ["masked: text found"]
    assert dataset.LossyImageCompression == "01"
    assert everything_else(dataset, values[None]) > 0.1


def test_text_found_in_one_slice_goes_in_all():
    hidden, plain = picture(CTImageStorage), picture(CTImageStorage)
    letters = written((SIZE, SIZE))
    values = frames_of(hidden).copy()[0, :, :]
    values[letters] = np.random.default_rng(1).integers(60, 200, letters.sum())  # no uniform value: not found here
    hidden.PixelData = values.astype("<u2").tobytes()
    assert not treat_pixels([hidden], "refuse", [])[0]
    assert not treat_pixels([hidden, plain], "mask", [])[0]
    assert len(np.unique(frames_of(hidden)[0][letters])) == 1


def test_white_is_blank_where_white_is_nothing():
    dataset = picture(CTImageStorage, text_value=0)
    dataset.PhotometricInterpretation = "MONOCHROME1"
    blank(dataset, np.array([[0, 45, 0, SIZE]]))
    assert (frames_of(dataset)[0, :45] == frames_of(dataset)[0, 45:].max()).mean() > 0


def test_brightness_difference_of_ybr(tmp_path):
    dataset = picture(CTImageStorage, samples=3)
    dataset.PhotometricInterpretation = "YBR_FULL"
    blank(dataset, np.array([[0, 45, 0, SIZE]]))
    raw = np.frombuffer(dataset.PixelData, np.uint8).reshape(SIZE, SIZE, 3)
    assert (raw[:45] == (0, 128, 128)).all() and (raw[45:] != (0, 128, 128)).any()


def test_log_review_and_what_the_object_says(tmp_path):
    """The whole step: text found in two of three files, then a device whose list entry is complete."""
    series = tmp_path / "series"
    series.mkdir()
    for number in range(3):
        dataset = picture(CTImageStorage)
        dataset.SOPInstanceUID, dataset.InstanceNumber = f"1.2.3.{number}", number + 1
        dataset.ImagePositionPatient = [0, 0, 5.0 * number]
        dataset.BurnedInAnnotation = "NO"
        if number == 2:
            dataset.StudyDescription = "Thorax"
        dataset.save_as(series / f"{number}.dcm")
    kind = CTImageStorage
    lists = {
        "open": devices(tmp_path, f"{kind}\tnobody\t\t\t\t0,0,1,1\tyes\ttest").read_text(),
        "vouched": devices(tmp_path, f"{kind}\t\t\t\t\t0,0,160,45\tyes\ttest").read_text(),
    }
    for name, text in lists.items():
        (tmp_path / f"{name}.tsv").write_text(text)
        imaging_steps.deidentify(tmp_path, series, name, pixels="mask", regions=tmp_path / f"{name}.tsv")
    after = {name: dcmread(tmp_path / f"deidentified/{name}/0001.dcm") for name in lists}
    assert "BurnedInAnnotation" not in after["open"]
    assert after["vouched"].BurnedInAnnotation == "NO"
    codes = {
        name: {code.CodeValue for code in found.DeidentificationMethodCodeSequence} for name, found in after.items()
    }
    assert "113101" in codes["vouched"] and "113101" not in codes["open"]
    log = pd.read_csv(tmp_path / "audit/open.tsv", sep="\t", dtype=str)
    log = log.groupby(["attribute", "action"])[["objects", "times", "files"]].first()
    assert list(log.loc[("PixelData", "masked: text found")]) == ["3", "3", "1-3"]
    assert log.loc[("StudyDescription", "removed: profile"), "files"] == "1-3"  # CT_small has one too
    assert log.loc[("Rows", "kept"), "files"] == "1-3"
    said = json.loads((tmp_path / "decisions/open.json").read_text())
    assert said["accepted"]
    assert said["review"] == [{"files": "1-3", "place": "(7FE0,0010) PixelData", "reason": "masked: text found"}]
    assert "CompressedSamples" not in (tmp_path / "audit/open.tsv").read_text()  # the patient's name in CT_small


def test_wrong_list(tmp_path):
    rows = [
        f"{CTImageStorage}\ta\t\t\t\t0,0,9\tno\tx", "1.2.3\ta\t\t\t\t0,0,9,9\tno\tx",
        f"{CTImageStorage}\ta\t\tmany\t\t0,0,9,9\tno\tx", f"{CTImageStorage}\ta\t\t\t\t0,0,9,9\tmaybe\tx",
    ]  # fmt: skip
    with pytest.raises(InputProblems) as raised:
        load_regions(devices(tmp_path, *rows))
    assert [problem.place for problem in raised.value.problems] == [
        "line 3, rectangles", "line 4, sop_class", "line 5, rows", "line 6, complete, source",
    ]  # fmt: skip
    (tmp_path / "x.tsv").write_text("a\tb\n")
    with pytest.raises(InputProblems, match="name them sop_class"):
        load_regions(tmp_path / "x.tsv")
