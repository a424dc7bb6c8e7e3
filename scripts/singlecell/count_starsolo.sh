#!/usr/bin/env bash
# STARsolo on all lanes of a sample; of its output the unfiltered matrix and the summary are kept.
set -euo pipefail
exec 2>"${snakemake_log[0]}"
folder=${snakemake_output[folder]}
work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT
whitelist=None
if [ -n "${snakemake_input[whitelist]:-}" ]; then
  whitelist=$work/whitelist.txt
  gzip --decompress --force --stdout "${snakemake_input[whitelist]}" | sed 's/[\t\r].*$//; s/-1$//' >"$whitelist"
fi
# Damage that STAR would report somewhere in the middle.
read -ra files <<<"${snakemake_input[reads1]} ${snakemake_input[reads2]}"
gzip --test "${files[@]}"
read -ra layout <<<"${snakemake_params[layout]}"
STAR --runThreadN "${snakemake[threads]}" --genomeDir "${snakemake_input[index]}" --outTmpDir "$work/tmp" \
  --outFileNamePrefix "$work/" --readFilesCommand gzip -dc \
  --readFilesIn "${snakemake_params[second]}" "${snakemake_params[first]}" \
  --soloCBwhitelist "$whitelist" "${layout[@]}" --soloFeatures Gene --soloUMIdedup 1MM_CR --soloCellFilter None \
  --soloUMIfiltering MultiGeneUMI_CR --outSAMtype None >&2
cat "$work/Log.final.out" >&2
rm -rf "$folder.tmp" "$folder"
cp -r "$work/Solo.out/Gene" "$folder.tmp"
mv "$folder.tmp" "$folder"
