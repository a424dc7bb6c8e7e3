#!/usr/bin/env bash
# simpleaf quant on all lanes of a sample; of its output the counts and what they were made from are kept.
set -euo pipefail
exec 2>"${snakemake_log[0]}"
folder=${snakemake_output[folder]}
work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT
export ALEVIN_FRY_HOME="$work/home"
cells=(--knee)
if [ -n "${snakemake_input[whitelist]:-}" ]; then
  gzip --decompress --force --stdout "${snakemake_input[whitelist]}" | sed 's/[\t\r].*$//; s/-1$//' >"$work/whitelist.txt"
  cells=(--unfiltered-pl "$work/whitelist.txt" --min-reads 1)
fi
read -ra files <<<"${snakemake_input[reads1]} ${snakemake_input[reads2]}"
gzip --test "${files[@]}"
cut -f 1,2 "${snakemake_input[t2g]}" >"$work/t2g.tsv"
simpleaf set-paths >&2
simpleaf quant --index "${snakemake_input[index]}" --reads1 "${snakemake_params[first]}" \
  --reads2 "${snakemake_params[second]}" --chemistry "${snakemake_params[geometry]}" \
  --expected-ori "${snakemake_params[strand]}" --resolution cr-like --t2g-map "$work/t2g.tsv" "${cells[@]}" \
  --threads "${snakemake[threads]}" --output "$work/out" >&2
rm -rf "$folder.tmp" "$folder"
mkdir -p "$folder.tmp/af_map" "$folder.tmp/af_quant"
cp "$work/out/af_map/map_info.json" "$folder.tmp/af_map/"
cp -r "$work/out/af_quant/alevin" "$work/out/af_quant/featureDump.txt" "$folder.tmp/af_quant/"
mv "$folder.tmp" "$folder"
