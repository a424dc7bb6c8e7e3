#!/usr/bin/env bash
# Mutect2, the model of orientation artefacts, and the filters: GATK's steps for one tumour, with or without its normal.
set -euo pipefail
exec 2>"${snakemake_log[0]}"
reference=${snakemake_input[reference]}
variants=${snakemake_output[variants]}
memory=$((snakemake_resources[mem_mb] * 4 / 5))
work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT

run_gatk() {
  gatk --java-options "-Xmx${memory}m" "$@" >&2
}

# GATK asks for an index beside every VCF; nothing is written beside the user's files.
indexed=()
add_indexed() { # option, VCF
  if [ -z "$2" ]; then return; fi
  local link
  link=$work/${1#--}-$(basename "$2")
  ln -s "$(realpath "$2")" "$link"
  run_gatk IndexFeatureFile -I "$link"
  indexed+=("$1" "$link")
}

normal=()
if [ -n "${snakemake_input[normal]:-}" ]; then
  normal=(-I "${snakemake_input[normal]}" -normal "${snakemake_params[normal]}")
fi
add_indexed --panel-of-normals "${snakemake_input[panel]:-}"
add_indexed --germline-resource "${snakemake_input[frequencies]:-}"
read -ra where <<<"${snakemake_params[where]}"
run_gatk Mutect2 -R "$reference" -I "${snakemake_input[tumour]}" "${normal[@]}" "${indexed[@]}" "${where[@]}" \
  --interval-set-rule INTERSECTION --native-pair-hmm-threads 1 --max-mnp-distance 0 \
  --minimum-mapping-quality "${snakemake_params[minimum_mapping_quality]}" \
  --f1r2-tar-gz "$work/f1r2.tar.gz" -O "$work/unfiltered.vcf"
run_gatk LearnReadOrientationModel -I "$work/f1r2.tar.gz" -O "$work/orientation.tar.gz"
run_gatk FilterMutectCalls -R "$reference" -V "$work/unfiltered.vcf" --ob-priors "$work/orientation.tar.gz" \
  --create-output-variant-index false -O "$work/filtered.vcf"
cp "$work/filtered.vcf" "$variants.tmp"
mv "$variants.tmp" "$variants"
