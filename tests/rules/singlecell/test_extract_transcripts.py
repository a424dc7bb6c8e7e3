"""`extract_transcripts`: spliced bases on both strands, and a gene model of another genome."""

import pytest

from kimedlib.problems import InputProblems

GENOME = "AAAACCCCGGGGTTTTACGTACGTAC"


def exon(start, end, strand, transcript, gene, name="", contig="c1"):
    text = f'gene_id "{gene}"; transcript_id "{transcript}";' + (f' gene_name "{name}";' if name else "")
    return f"{contig}\tx\texon\t{start}\t{end}\t.\t{strand}\t.\t{text}\n"


def extracted(step, tmp_path, gtf, genome=f">c1 first\n{GENOME[:13]}\n{GENOME[13:]}\n>c2\nACGT\n"):
    (tmp_path / "genome.fa").write_text(genome)
    (tmp_path / "genes.gtf").write_text("#comment\n" + gtf)
    outputs = tmp_path / "t.fa", tmp_path / "t2g.tsv"
    step("singlecell/extract_transcripts").main(tmp_path / "genome.fa", tmp_path / "genes.gtf", *outputs)
    return outputs[0].read_text(), outputs[1].read_text()


def test_exons_are_joined_in_the_direction_of_transcription(step, tmp_path):
    # By hand: 1-based, both ends included; T2 is the reverse complement of ACCC + TTTT.
    gtf = exon(1, 4, "+", "T1", "G1", "ALPHA") + exon(9, 12, "+", "T1", "G1", "ALPHA")
    gtf += exon(13, 16, "-", "T2", "G2") + exon(4, 7, "-", "T2", "G2")
    fasta, t2g = extracted(step, tmp_path, gtf)
    assert fasta == ">T1\nAAAAGGGG\n>T2\nAAAAGGGT\n"
    assert t2g == "T1\tG1\tALPHA\nT2\tG2\tG2\n"


def test_few_transcripts_on_other_contigs_are_left_out(step, tmp_path):
    gtf = "".join(exon(1, 4, "+", f"T{n}", "G") for n in range(20)) + exon(1, 4, "+", "P", "G", contig="patch")
    assert ">P" not in extracted(step, tmp_path, gtf)[0]


def test_gene_model_of_another_naming_is_refused_and_leaves_nothing(step, tmp_path):
    with pytest.raises(InputProblems, match="lie on contigs"):
        extracted(step, tmp_path, exon(1, 4, "+", "T1", "G1", contig="chr1"))
    assert not (tmp_path / "t.fa").exists()
