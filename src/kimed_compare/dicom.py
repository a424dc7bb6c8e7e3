"""DICOM objects: the data set and the decoded pixels."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kimed_compare.comparator import NAMES, Comparator, Differences, Measure, Option, Settings, Unreadable

# They speak of the encoding of the file, not of the object (PS3.10 section 7.1).
ENCODING = ("FileMetaInformationGroupLength", "FileMetaInformationVersion", "TransferSyntaxUID",
            "ImplementationClassUID", "ImplementationVersionName", "SourceApplicationEntityTitle")  # fmt: skip
PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


class Dicom(Comparator):
    """Content is the data set by tag, nested sequences too, and the pixels decoded."""

    name = "dicom"
    meaning = "Data set by tag, nested sequences included, and decoded pixels; not transfer syntax or implementation."
    suffixes = (".dcm", ".dicom", ".ima")
    measures = {  # noqa: RUF012
        "pixel": Measure("Largest difference of a stored pixel value.", "pixels"),
        "changed_fraction": Measure("Share of pixels that differ.", "pixels"),
    }
    options = {  # noqa: RUF012
        "ignored": Option("Attributes that are not looked at, at any depth: keywords, or tags as 8 digits.", [], NAMES)
    }

    def read(self, path: Path, options: Mapping[str, Any]) -> Any:
        """Value by place (`00081140[0].00081155`), and the pixel array."""
        import pydicom  # noqa: PLC0415 - importing this package is cheap

        try:
            data = pydicom.dcmread(path)
            elements = dict(_walk(data.file_meta, "meta.", (*ENCODING, *options["ignored"])))
            elements |= dict(_walk(data, "", (*PIXELS, *options["ignored"])))
            return {"elements": elements, "pixels": _pixels(data)}
        except (pydicom.errors.InvalidDicomError, OSError, EOFError, ValueError, AttributeError, RuntimeError) as error:
            raise Unreadable(f"{path.name} is no readable DICOM object: {error}") from error

    def differences(self, reference: Any, found: Any, settings: Settings) -> Differences:  # noqa: ARG002
        """Every attribute that differs is a difference of structure; pixels are measured."""
        import numpy as np  # noqa: PLC0415

        result = Differences()
        first, second = reference["elements"], found["elements"]
        for place in sorted(result.keys("attribute", first, second)):
            if first[place] != second[place]:
                result.structure(f"attribute {place}: {_shown(first[place])} -> {_shown(second[place])}")
        before, after = reference["pixels"], found["pixels"]
        if (before is None) != (after is None):
            result.structure("pixels are on one side only")
        elif before is not None:
            if before.shape != after.shape:
                result.structure(f"pixels {after.shape}, expected {before.shape}")
            else:
                distance = np.abs(before.astype(np.float64) - after.astype(np.float64))
                changed = float((distance > 0).mean())
                result.add(
                    "pixel", float(distance.max()), f"{changed:.3%} of the pixels differ, by up to {distance.max():g}"
                )
                result.add("changed_fraction", changed)
        return result


def _walk(data: Any, place: str, ignored: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for element in data:
        tag = f"{int(element.tag):08x}"
        if element.keyword in ignored or tag in [name.lower() for name in ignored]:
            continue
        if element.VR == "SQ":
            yield f"{place}{tag}", ["SQ", len(element.value)]
            for number, item in enumerate(element.value):
                yield from _walk(item, f"{place}{tag}[{number}].", ignored)
        else:
            yield f"{place}{tag}", _value(element)


def _value(element: Any) -> Any:
    """Value in one form, whatever the transfer syntax: padding gone, decimal strings as numbers."""
    value = element.value
    if element.tag.is_private:  # implicit syntaxes do not say what a private attribute is
        raw = value if isinstance(value, bytes) else "\\".join(map(str, _several(value))).encode("utf-8", "replace")
        return raw.rstrip(b" \0")
    items = [_item(item) for item in _several(value)]
    return items[0] if len(items) == 1 else items


def _several(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) or type(value).__name__ == "MultiValue" else [value]


def _item(item: Any) -> Any:
    if item is None or (isinstance(item, bytes | int) and not isinstance(item, bool)):
        return item if not isinstance(item, int) else int(item)
    try:
        return float(item) if type(item).__name__ in {"DSfloat", "DSdecimal", "float"} else str(item).rstrip(" \0")
    except ValueError:
        return str(item)


def _pixels(data: Any) -> Any:
    """Decoded pixels; the bytes with their transfer syntax where nothing here decodes them; None without pixels."""
    import numpy as np  # noqa: PLC0415

    if not any(name in data for name in PIXELS):
        return None
    try:
        return data.pixel_array
    except (NotImplementedError, AttributeError, RuntimeError):
        return np.frombuffer(data.PixelData, dtype=np.uint8)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
