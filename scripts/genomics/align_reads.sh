#!/usr/bin/env bash
# Trim, align, complete mates, sort, mark duplicates: one stream, so that no FASTQ or SAM lies on disk between the steps.
set -euo pipefail
exec 2>"${snakemake_log[0]}"
reference=${snakemake_input[reference]}
work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT

# Batches of a fixed size (-K): the number of threads changes nothing. Headers keep no command lines, which hold paths.
cutadapt --report=minimal --json "$work/trimming.cutadapt.json" \
  --quality-cutoff "${snakemake_params[quality]}" --minimum-length "${snakemake_params[minimum_length]}" \
  -a "${snakemake_params[adapter_1]}" -A "${snakemake_params[adapter_2]}" \
  --interleaved "${snakemake_input[reads_1]}" "${snakemake_input[reads_2]}" |
  bwa mem -p -t "${snakemake[threads]}" -K 10000000 -R "${snakemake_params[read_group]}" "$reference" - |
  sed '/^@PG/s/\tCL:.*//' |
  samtools fixmate -m -u --no-PG - - |
  samtools sort -u --no-PG -m 200M -T "$work/sort" - |
  samtools markdup --no-PG --reference "$reference" -O cram - "$work/with_path.cram"

# The reference is known by its checksums; its path is of this machine only.
samtools reheader --no-PG -c "sed 's/\tUR:[^\t]*//'" "$work/with_path.cram" >"$work/sample.cram"
samtools index "$work/sample.cram"
samtools stats --reference "$reference" "$work/sample.cram" >"$work/sample.stats"
if ! grep --quiet -P '^SN\treads properly paired:\t[1-9]' "$work/sample.stats"; then
  echo 'no properly paired reads: are these reads of this reference, and mates in order?' >&2
  exit 1
fi

# Copied beside its place first: the work folder may lie on another disk, and a cut-off copy must not look whole.
publish() {
  cp "$1" "$2.tmp"
  mv "$2.tmp" "$2"
}
publish "$work/trimming.cutadapt.json" "${snakemake_output[trimming]}"
publish "$work/sample.stats" "${snakemake_output[statistics]}"
publish "$work/sample.cram" "${snakemake_output[alignments]}"
publish "$work/sample.cram.crai" "${snakemake_output[alignments_index]}"
