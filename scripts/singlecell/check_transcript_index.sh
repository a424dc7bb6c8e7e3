#!/usr/bin/env bash
# Names of the transcripts in an index of kallisto, all of which the table of genes must know.
set -euo pipefail
exec 2>"${snakemake_log[0]}"
index=${snakemake_input[index]}
t2g=${snakemake_input[t2g]}
work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "$1" >&2
  exit 1
}

# Mapping a read writes the names; it may be any.
printf '@read\n%060d\n+\n%060d\n' 0 0 | tr 0 A >"$work/read.fastq"
kallisto bus --index="$index" --output-dir="$work" --technology=0,0,16:0,16,28:1,0,0 \
  "$work/read.fastq" "$work/read.fastq" >&2 || true
[ -s "$work/transcripts.txt" ] || fail "$index: is no index of kallisto 0.50 or later; build it again with kb ref"
awk -F '\t' 'NR == FNR { known[$1]; next } !($1 in known)' "$t2g" "$work/transcripts.txt" >"$work/missing"
[ ! -s "$work/missing" ] || fail "$t2g: lacks $(wc -l <"$work/missing") transcripts of $index, first \
$(head -1 "$work/missing"); give the table that was made with the index"
cp "$work/transcripts.txt" "${snakemake_output[names]}.tmp"
mv "${snakemake_output[names]}.tmp" "${snakemake_output[names]}"
