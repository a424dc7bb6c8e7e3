#!/usr/bin/env bash
# Merge genotype likelihoods of all normals, call from all together, split, filter; count what is written.
set -euo pipefail
exec 2>"${snakemake_log[0]}"
reference=${snakemake_input[reference]}
variants=${snakemake_output[variants]}
work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT

read -ra files <<<"${snakemake_input[likelihoods]}"
bcftools merge --no-version --force-single --gvcf "$reference" -Ou "${files[@]}" |
  bcftools call --no-version -m -v -a GQ -Ou -o "$work/calls" -
bcftools norm --no-version -f "$reference" -m -any -Ob -o "$work/variants" "$work/calls"
while IFS=$'\t' read -r name expression evidence; do
  [ -n "$name" ] || continue
  printf '##FILTER=<ID=%s,Description="%s: %s">\n' "$name" "$expression" "$evidence" >"$work/header"
  bcftools annotate --no-version -h "$work/header" -Ou "$work/variants" |
    bcftools filter --no-version -m + -s "$name" -e "$expression" -Ob -o "$work/filtered" -
  mv "$work/filtered" "$work/variants"
done <<<"${snakemake_params[filters]}"
bcftools view --no-version -Oz -o "$variants.tmp" "$work/variants"

alleles=$(bcftools query -f '%ALT\n' "$work/calls" | tr ',' '\n' | grep -c . || true)
written=$(bcftools query -f '%ALT\n' "$variants.tmp" | grep -c '^[^,]*$' || true)
if ((alleles == 0)) || [ "$alleles" != "$written" ]; then
  echo "$alleles alleles were called, $written were written" >&2
  exit 1
fi
if (($(bcftools query -l "$variants.tmp" | grep -c .) != ${#files[@]})); then
  echo 'not every sample has its column' >&2
  exit 1
fi
mv "$variants.tmp" "$variants"
bcftools index --tbi --force "$variants"
