#!/usr/bin/env bash
# Call, split and left-align, filter, add consequences where there is a gene model; index and count.
set -euo pipefail
exec 2>"${snakemake_log[0]}"
reference=${snakemake_input[reference]}
gene_model=${snakemake_input[gene_model]:-}
variants=${snakemake_output[variants]}
where=()
if [ -n "${snakemake_params[region]}" ]; then where+=(-r "${snakemake_params[region]}"); fi
if [ -n "${snakemake_input[targets]:-}" ]; then where+=(-T "${snakemake_input[targets]}"); fi

add_consequences() {
  if [ -n "$gene_model" ]; then
    bcftools csq --no-version -p a -f "$reference" -g "$gene_model" -Ou -
  else
    cat
  fi
}

bcftools mpileup --no-version -f "$reference" "${where[@]}" --indels-cns -B -m 2 -F 0.1 \
  -q "${snakemake_params[minimum_mapping_quality]}" -d "${snakemake_params[maximum_depth]}" -a AD,DP,SP -Ou \
  "${snakemake_input[alignments]}" |
  bcftools call --no-version -m -v -a GQ -Ou |
  bcftools norm --no-version -f "$reference" -m -any -Ou |
  bcftools filter --no-version -s low_quality -e "QUAL<${snakemake_params[minimum_quality]}" -Ou |
  add_consequences |
  bcftools view --no-version -Oz -o "$variants.tmp"
if [ -z "$(bcftools view -H "$variants.tmp" | head -n 1)" ]; then
  echo 'no variants: is the coverage too low, or the region wrong?' >&2
  exit 1
fi
mv "$variants.tmp" "$variants"
bcftools index --tbi --force "$variants"
bcftools stats -f PASS "$variants" >"${snakemake_output[statistics]}.tmp"
mv "${snakemake_output[statistics]}.tmp" "${snakemake_output[statistics]}"
