"""AnnData in HDF5: matrices, tables of cells and genes, clusters, embeddings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kimed_compare.arrays import VALUES, add_numbers
from kimed_compare.comparator import NAMES, SWITCH, Comparator, Differences, Measure, Option, Settings, Unreadable

NEIGHBOURS = 15
MOST_CELLS = 3000
"""Cells, evenly picked, whose neighbours are compared."""


class H5ad(Comparator):
    """Content is every element; how it is stored (sparse or dense, order of categories, compression) is not."""

    name = "h5ad"
    meaning = "X, layers, obs, var, obsm, varm, obsp, varp and uns of AnnData; not sparsity or order of categories."
    suffixes = (".h5ad",)
    measures = {  # noqa: RUF012
        **VALUES,
        "changed_labels": Measure("Largest share of a text column that differs.", "labels"),
        "ari_loss": Measure("1 - adjusted Rand index (Hubert & Arabie 1985) of a column of clusters.", "clusters"),
        "nmi_loss": Measure("1 - normalised mutual information of a column of clusters.", "clusters"),
        "neighbour_loss": Measure(
            f"1 - the share of the {NEIGHBOURS} nearest neighbours that cells keep in an embedding.", "embeddings"
        ),
        "coordinate": Measure("Largest difference of a coordinate of an embedding.", "embeddings"),
    }
    options = {  # noqa: RUF012
        "clusters": Option("Columns of obs whose labels are names only: who is with whom counts.", [], NAMES),
        "embeddings": Option("Keys of obsm in which only neighbourhoods mean something (UMAP, t-SNE).", [], NAMES),
        "ignored": Option("Elements that are not looked at, e.g. `uns/log1p` or `obs/run`.", [], NAMES),
        "unordered": Option("Whether the order of cells and genes means nothing.", False, SWITCH),
    }

    def read(self, path: Path, options: Mapping[str, Any]) -> Any:
        """Elements by place (`obs/n_counts`), each as `[kind, content]`."""
        import warnings  # noqa: PLC0415 - importing this package is cheap

        import anndata  # noqa: PLC0415

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                data = anndata.read_h5ad(path)
        except (OSError, KeyError, ValueError, TypeError, AttributeError, anndata._io.utils.AnnDataReadError) as error:
            raise Unreadable(f"{path.name} is no readable H5AD file: {type(error).__name__}: {error}") from error
        if options["unordered"]:
            data = data[sorted(data.obs_names), sorted(data.var_names)].copy()
        places: dict[str, Any] = {"obs_names": list(data.obs_names), "var_names": list(data.var_names)}
        places["X"] = _element(data.X)
        for part in ("layers", "obsm", "varm", "obsp", "varp"):
            for key, value in getattr(data, part).items():
                kind = "embedding" if part == "obsm" and key in options["embeddings"] else ""
                places[f"{part}/{key}"] = _element(value, kind)
        for part in ("obs", "var"):
            for column, values in getattr(data, part).items():
                clusters = part == "obs" and column in options["clusters"]
                places[f"{part}/{column}"] = _column(values, clusters=clusters)
        _add_unstructured(places, "uns", data.uns)
        return {
            place: content
            for place, content in places.items()
            if not any(place == name or place.startswith(f"{name}/") for name in options["ignored"])
        }

    def differences(self, reference: Any, found: Any, settings: Settings) -> Differences:  # noqa: ARG002
        """Cells and genes first: without the same ones nothing else can be compared."""
        result = Differences()
        for axis in ("obs_names", "var_names"):
            if reference[axis] != found[axis]:
                missing, new = (set(a[axis]) - set(b[axis]) for a, b in ((reference, found), (found, reference)))
                order = "in another order" if not missing and not new else f"{len(missing)} missing, {len(new)} new"
                result.structure(f"{axis}: {order}")
        if "structure" in result.amounts:
            return result
        for place in sorted(result.keys("element", reference, found) - {"obs_names", "var_names"}):
            _add(result, place, reference[place], found[place])
        return result


def _element(value: Any, kind: str = "") -> list[Any]:
    """A matrix: sparse and dense ones of equal content are equal."""
    import numpy as np  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415
    from scipy import sparse  # noqa: PLC0415

    if value is None:
        return ["nothing", None]
    if isinstance(value, pd.DataFrame):
        return ["table", {str(name): _column(column) for name, column in value.items()}]
    if kind:
        return [kind, np.asarray(value)]
    if not sparse.issparse(value) and np.ndim(value) != 2:
        return ["array", np.asarray(value)]
    matrix = sparse.csr_array(value)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    matrix.sort_indices()
    return ["matrix", [list(matrix.shape), matrix.indptr, matrix.indices, matrix.data]]


def _column(values: Any, *, clusters: bool = False) -> list[Any]:
    """A column of a table: clusters numbered by first appearance, texts, or numbers."""
    import numpy as np  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    if clusters:
        return ["clusters", pd.factorize(values.astype(str), sort=False)[0]]
    plain = values.to_numpy()
    if pd.api.types.is_numeric_dtype(values.dtype):
        return ["numbers", pd.to_numeric(values).to_numpy(dtype=plain.dtype if plain.dtype.kind in "biuf" else float)]
    texts = [None if missing else str(item) for item, missing in zip(plain, np.asarray(pd.isna(values)), strict=True)]
    return ["texts", texts]


def _add_unstructured(places: dict[str, Any], place: str, value: Any) -> None:
    import numpy as np  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    if isinstance(value, Mapping):
        for key, inner in value.items():
            _add_unstructured(places, f"{place}/{key}", inner)
        if not value and place != "uns":
            places[place] = ["empty", None]
    elif isinstance(value, np.ndarray) and value.dtype.names:
        for name in value.dtype.names:
            _add_unstructured(places, f"{place}/{name}", value[name])
    elif isinstance(value, pd.DataFrame) or hasattr(value, "tocsr"):
        places[place] = _element(value)
    elif isinstance(value, np.ndarray) and value.dtype.kind not in "biufc":
        places[place] = ["texts", [str(item) for item in value.ravel().tolist()]]
    elif (isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufc") or isinstance(
        value, bool | int | float
    ):
        places[place] = ["array", np.asarray(value)]
    else:
        places[place] = ["texts", [str(value)]]


def _add(result: Differences, place: str, reference: list[Any], found: list[Any]) -> None:
    import numpy as np  # noqa: PLC0415

    if reference[0] != found[0]:
        result.structure(f"{place} holds {found[0]}, expected {reference[0]}")
        return
    kind, first, second = reference[0], reference[1], found[1]
    if kind in ("numbers", "array"):
        add_numbers(result, place, np.atleast_1d(first), np.atleast_1d(second))
    elif kind == "matrix":
        _add_matrix(result, place, first, second)
    elif kind == "texts":
        _add_texts(result, place, first, second)
    elif kind == "clusters":
        _add_clusters(result, place, first, second)
    elif kind == "embedding":
        _add_embedding(result, place, first, second)
    elif kind == "table":
        for name in sorted(result.keys(f"{place}: column", first, second)):
            _add(result, f"{place}/{name}", first[name], second[name])


def _add_matrix(result: Differences, place: str, first: list[Any], second: list[Any]) -> None:
    """Distances over the entries that either matrix has."""
    from scipy import sparse  # noqa: PLC0415

    if first[0] != second[0]:
        result.structure(f"{place} has shape {tuple(second[0])}, expected {tuple(first[0])}")
        return
    sides = [sparse.csr_array((data, indices, indptr), shape=shape) for shape, indptr, indices, data in (first, second)]
    pattern = (sides[0] != 0) + (sides[1] != 0)
    rows, columns = pattern.nonzero()
    add_numbers(result, place, sides[0].tocsr()[rows, columns], sides[1].tocsr()[rows, columns])


def _add_texts(result: Differences, place: str, first: list[Any], second: list[Any]) -> None:
    if len(first) != len(second):
        result.structure(f"{place} has {len(second)} values, expected {len(first)}")
        return
    changed = [number for number, (a, b) in enumerate(zip(first, second, strict=True)) if a != b]
    if changed:
        one = changed[0]
        example = f"first at {one}: {first[one]!r} -> {second[one]!r}"
        result.add("changed_labels", len(changed) / len(first), f"{place}: {len(changed)} of {len(first)}, {example}")


def _add_clusters(result: Differences, place: str, first: Any, second: Any) -> None:
    import numpy as np  # noqa: PLC0415
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score  # noqa: PLC0415

    if np.array_equal(first, second):
        return
    agreement = adjusted_rand_score(first, second)
    counts = [len(np.unique(side)) for side in (first, second)]
    what = f"{place}: {counts[0]} -> {counts[1]} clusters, adjusted Rand index {agreement:.4f}"
    # Rounding must not make two different partitions equal.
    result.add("ari_loss", max(1 - float(agreement), 1e-12), what)
    result.add("nmi_loss", max(1 - float(normalized_mutual_info_score(first, second)), 1e-12))


def _add_embedding(result: Differences, place: str, first: Any, second: Any) -> None:
    import numpy as np  # noqa: PLC0415
    from sklearn.neighbors import NearestNeighbors  # noqa: PLC0415

    if first.shape != second.shape:
        result.structure(f"{place} has shape {second.shape}, expected {first.shape}")
        return
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        result.structure(f"{place} holds values that are no numbers")
        return
    result.add("coordinate", float(np.abs(first - second).max()) if first.size else 0.0)
    count = min(NEIGHBOURS, len(first) - 1)
    if count < 1:
        return
    picked = np.unique(np.linspace(0, len(first) - 1, min(MOST_CELLS, len(first))).astype(int))
    near = [
        NearestNeighbors(n_neighbors=count + 1).fit(side).kneighbors(side[picked], return_distance=False)
        for side in (first, second)
    ]
    kept = [
        len((set(a) - {cell}) & (set(b) - {cell})) / count for cell, a, b in zip(picked, near[0], near[1], strict=True)
    ]
    loss = max(0.0, 1 - float(np.mean(kept)))
    result.add("neighbour_loss", loss, f"{place}: {loss:.2%} of the neighbours are others")
