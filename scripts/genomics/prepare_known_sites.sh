#!/usr/bin/env bash
# Known variants: wanted fields only, one allele per record, left-aligned, sorted, indexed.
set -euo pipefail
exec 2>"${snakemake_log[0]}"
variants=${snakemake_output[variants]}
keep=()
for field in ${snakemake_params[fields]}; do
  if [ "$field" != ID ]; then
    keep+=("INFO/$field")
    # a field that the file lacks would silently stay empty in every call
    bcftools view --no-version -h "${snakemake_input[variants]}" | grep --quiet "^##INFO=<ID=$field," || {
      echo "${snakemake_input[variants]} declares no field INFO/$field" >&2
      exit 1
    }
  fi
done
removed=INFO
if ((${#keep[@]})); then removed=$(IFS=, && echo "^${keep[*]}"); fi

bcftools view --no-version -G -Ou "${snakemake_input[variants]}" |
  bcftools annotate --no-version -x "$removed" -Ou - |
  bcftools norm --no-version -c e -f "${snakemake_input[reference]}" -m -any -Ou - |
  bcftools sort -Ob -o "$variants.tmp" -
[ -n "$(bcftools view -H "$variants.tmp" | head -n 1)" ] || { echo 'no known variants' >&2; exit 1; }
mv "$variants.tmp" "$variants"
bcftools index --csi --force "$variants"
