#!/usr/bin/env bash
# Runs of homozygosity of every normal, from its passing single-base variants.
set -euo pipefail
exec 2>"${snakemake_log[0]}"
runs=${snakemake_output[runs]}
work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT

# Default allele frequency and genotype error as the manual of bcftools advises where there is no panel.
read -ra files <<<"${snakemake_input[variants]}"
for variants in "${files[@]}"; do
  bcftools view --no-version -f PASS,. -v snps -Ou "$variants" |
    bcftools roh --AF-dflt 0.4 -G 30 -O r - >>"$work/runs"
done
{
  printf 'sample\tcontig\tfirst\tlast\tbases\tsites\tquality\n'
  sed -n 's/^RG\t//p' "$work/runs"
} >"$runs.tmp"
mv "$runs.tmp" "$runs"
