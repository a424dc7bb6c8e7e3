"""Which build of the human reference contigs belong to, and how two sets of contigs differ."""

from collections.abc import Mapping

CHROMOSOMES = (*map(str, range(1, 23)), "X", "Y")
# Lengths of chromosomes 1-22, X, Y: Genome Reference Consortium (GRCh37, GRCh38), T2T Consortium (CHM13v2.0, whose Y is
# HG002's). The lengths of no chromosome are the same in two of them.
LENGTHS = {
    "GRCh37": (
        *(249250621, 243199373, 198022430, 191154276, 180915260, 171115067, 159138663, 146364022),
        *(141213431, 135534747, 135006516, 133851895, 115169878, 107349540, 102531392, 90354753),
        *(81195210, 78077248, 59128983, 63025520, 48129895, 51304566, 155270560, 59373566),
    ),
    "GRCh38": (
        *(248956422, 242193529, 198295559, 190214555, 181538259, 170805979, 159345973, 145138636),
        *(138394717, 133797422, 135086622, 133275309, 114364328, 107043718, 101991189, 90338345),
        *(83257441, 80373285, 58617616, 64444167, 46709983, 50818468, 156040895, 57227415),
    ),
    "T2T-CHM13v2.0": (
        *(248387328, 242696752, 201105948, 193574945, 182045439, 172126628, 160567428, 146259331),
        *(150617247, 134758134, 135127769, 133324548, 113566686, 101161492, 99753195, 96330374),
        *(84276897, 80542538, 61707364, 66210255, 45090682, 51324926, 154259566, 62460029),
    ),
}
BUILDS = {name: dict(zip(CHROMOSOMES, lengths, strict=True)) for name, lengths in LENGTHS.items()}


def bare(name: str) -> str:
    """Name of a contig without what naming styles add: `chr20` and `20` are `20`; `chrM`, `M` and `MT` are `MT`."""
    short = name[3:] if name.lower().startswith("chr") else name
    return "MT" if short.upper() in {"M", "MT"} else short


def known_build(lengths: Mapping[str, int | None]) -> str | None:
    """Build whose chromosomes have these lengths; None if none has all of them, or no chromosome is among them."""
    given = {bare(name): length for name, length in lengths.items() if length and bare(name) in CHROMOSOMES}
    fitting = [name for name, build in BUILDS.items() if all(build[one] == length for one, length in given.items())]
    return fitting[0] if given and len(fitting) == 1 else None


def other_name(name: str, contigs: Mapping[str, int]) -> str | None:
    """What `contigs` call the contig `name`, where only the style of names differs."""
    same = [one for one in contigs if one != name and bare(one) == bare(name)]
    return same[0] if same else None


def unknown_contig(name: str, contigs: Mapping[str, int]) -> tuple[str, str]:
    """What to say of a contig that the reference lacks, and the remedy."""
    style = other_name(name, contigs)
    if style:
        return (
            f"names '{name}', which the reference calls '{style}'",
            "rename one of the two (bcftools annotate --rename-chrs, samtools reheader): names must be the same",
        )
    known = ", ".join(sorted(contigs)[:5])
    return f"names '{name}', which the reference does not have", f"use the reference's names ({known}, ...)"


def other_length(
    name: str, length: int, contigs: Mapping[str, int], declared: Mapping[str, int | None]
) -> tuple[str, str] | None:
    """What to say of a contig whose length is not the reference's, and the remedy; None if both are equal.

    Parameters
    ----------
    name, length
        Contig as the file declares it.
    contigs
        Contigs of the reference.
    declared
        All contigs of the file, by which its build is known.
    """
    if contigs[name] == length:
        return None
    theirs, ours = known_build(declared), known_build(contigs)
    builds = f": the file is of {theirs}, the reference of {ours}" if theirs and ours else ""
    builds = builds or (f": the file is of {theirs}, the reference of another build" if theirs else "")
    builds = builds or (f": the reference is of {ours}, the file of another build" if ours else ": another build")
    found = f"says that '{name}' has {length} bases, in the reference it has {contigs[name]}{builds}"
    return found, "give files of one build: lift one over, or take the same file made for the reference's build"
