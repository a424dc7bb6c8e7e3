#!/usr/bin/env bash
# What `kb count` does for droplets, with its programmes and options: map, sort, correct barcodes, count molecules per gene.
# Two things more: reads behind each count (--cm), and how many molecules have how many reads, for the saturation.
set -euo pipefail
exec 2>"${snakemake_log[0]}"
folder=${snakemake_output[folder]}
read -ra first <<<"${snakemake_input[reads1]}" # the preflight refuses blanks in paths
read -ra second <<<"${snakemake_input[reads2]}"
threads=${snakemake[threads]}
memory=$((${snakemake_resources[mem_mb]} / 2))M
work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "$1" >&2
  exit 1
}

# kallisto reads a damaged file up to the damage, and mates up to the end of the shorter file, without a word.
lines_of() { gzip --decompress --stdout "$1" | wc -l || fail "$1: is truncated or damaged; copy it again"; }
files=()
for number in "${!first[@]}"; do
  one=$(lines_of "${first[number]}")
  two=$(lines_of "${second[number]}")
  ((one == two)) || fail "${first[number]} has $((one / 4)) reads, ${second[number]} $((two / 4)): one is incomplete"
  files+=("${first[number]}" "${second[number]}")
done

# shellcheck disable=SC2086 # the strand is an option or nothing
kallisto bus --index="${snakemake_input[index]}" --output-dir="$work" --technology="${snakemake_params[technology]}" \
  ${snakemake_params[strand]} --threads="$threads" "${files[@]}" >&2
# A transcript without gene sends bustools into an endless loop (bustools issue 94).
missing=$(awk -F '\t' 'NR == FNR { known[$1]; next } !($1 in known)' "${snakemake_input[t2g]}" "$work/transcripts.txt")
[ -z "$missing" ] || fail "${snakemake_input[t2g]}: lacks transcripts of the index: $(head -3 <<<"$missing" | xargs)"

sorted() { bustools sort -T "$work/sort" -t "$threads" -m "$memory" -o "$2" "$1" >&2; }
sorted "$work/output.bus" "$work/mapped.bus"
if [ -n "${snakemake_input[whitelist]:-}" ]; then
  gzip --decompress --force --stdout "${snakemake_input[whitelist]}" | sed 's/[\t\r].*$//; s/-1$//' \
    >"$work/whitelist.txt"
else
  bustools allowlist -o "$work/whitelist.txt" "$work/mapped.bus" >&2
fi
mkdir "$work/out"
bustools inspect -o "$work/out/mapped.json" "$work/mapped.bus" >&2
bustools correct -w "$work/whitelist.txt" -o "$work/corrected.bus" "$work/mapped.bus" >&2
sorted "$work/corrected.bus" "$work/final.bus"
bustools inspect -o "$work/out/corrected.json" "$work/final.bus" >&2

counted() { # name and options
  timeout "$((${snakemake_resources[runtime]} / 4))m" bustools count --genecounts "${@:2}" -o "$work/out/$1" \
    -g "${snakemake_input[t2g]}" -e "$work/matrix.ec" -t "$work/transcripts.txt" "$work/final.bus" >&2
}
counted counts --umi-gene || fail "bustools count failed or did not end in time"
counted reads --cm || fail "bustools count failed or did not end in time"
# Records are sorted: barcode, UMI, equivalence class, reads.
{
  printf 'reads\tmolecules\n'
  bustools text -p "$work/final.bus" | awk -v OFS='\t' '
    $1 == barcode && $2 == umi { reads += $4; next }
    reads { histogram[reads]++ }
    { barcode = $1; umi = $2; reads = $4 }
    END {
      if (reads) histogram[reads]++
      for (number in histogram) print number, histogram[number]
    }' | sort -n
} >"$work/out/histogram.tsv"
cp "$work/run_info.json" "$work/out/"
rm -rf "$folder.tmp" "$folder"
cp -r "$work/out" "$folder.tmp"
mv "$folder.tmp" "$folder"
