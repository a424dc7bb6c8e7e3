#!/usr/bin/env bash
# Alleles that several normals show with two reads each; genotypes and counts are left out.
set -euo pipefail
exec 2>"${snakemake_log[0]}"
reference=${snakemake_input[reference]}
panel=${snakemake_output[panel]}
normals=${snakemake_params[minimum_normals]}
where=()
if [ -n "${snakemake_params[region]}" ]; then where+=(-r "${snakemake_params[region]}"); fi
if [ -n "${snakemake_input[targets]:-}" ]; then where+=(-T "${snakemake_input[targets]}"); fi
# all files of a named input arrive in one string; sample names hold no spaces
read -r -a alignments <<<"${snakemake_input[alignments]}"
if [ "${#alignments[@]}" -lt "$normals" ]; then
  echo "a panel needs at least $normals normals (somatic: minimum_panel_normals), the sheet has ${#alignments[@]}" >&2
  exit 1
fi

bcftools mpileup --no-version -f "$reference" "${where[@]}" --indels-cns -B -m 2 -F 0.02 \
  -q "${snakemake_params[minimum_mapping_quality]}" -Q "${snakemake_params[minimum_base_quality]}" \
  -d "${snakemake_params[maximum_depth]}" -a AD -Ou "${alignments[@]}" |
  bcftools view --no-version -i 'N_ALT>1 | INDEL=1' -Ou |
  bcftools norm --no-version -f "$reference" -m -any -Ou |
  bcftools view --no-version -i "N_PASS(FMT/AD[*:1]>=2)>=$normals & ALT!=\"<*>\"" -Ou |
  bcftools annotate --no-version -x INFO,FORMAT -Ou |
  bcftools view --no-version -G -Oz -o "$panel.tmp"
if [ -z "$(bcftools view -H "$panel.tmp" | head -n 1)" ]; then
  echo 'the normals share no allele: is the region wrong, or the coverage too low?' >&2
  exit 1
fi
mv "$panel.tmp" "$panel"
bcftools index --tbi --force "$panel"
