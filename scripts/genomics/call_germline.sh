#!/usr/bin/env bash
# Call, split and left-align, filter, add consequences where there is a gene model and known sites; index and count.
set -euo pipefail
exec 2>"${snakemake_log[0]}"
reference=${snakemake_input[reference]}
alignments=${snakemake_input[alignments]}
sample=${snakemake_wildcards[sample]}
gene_model=${snakemake_input[gene_model]:-}
variants=${snakemake_output[variants]}
likelihoods=${snakemake_output[likelihoods]:-}
region=${snakemake_params[region]}
read -r minimum_mapping_quality maximum_depth chunk_bases <<<"${snakemake_params[settings]}"
targets=()
if [ -n "${snakemake_input[targets]:-}" ]; then targets=(-T "${snakemake_input[targets]}"); fi
work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "$1" >&2
  exit 1
}

# One start for all bcftools of a pipe, where they are those in Python.
pipe=$(type -P kimed-pipe) || pipe=pipe_of_shell
pipe_of_shell() { (IFS='|' && eval "$*"); }
quoted() { (($# == 0)) || printf "'%s' " "${@//\'/\'\\\'\'}"; }

# Stretches of the region or of all contigs, together at most $chunk_bases per line, and so that every thread has work: but
# not below 40,000, which are called as fast as the tools of another chunk start. Each is written twice: as it is, and with
# a margin, since what is called depends on the reads and pairs nearby.
stretches() {
  if [ -n "$region" ]; then
    awk -F '\t' -v region="$region" '{
      if ($1 == region) print $1, 1, $2, $2
      else if (index(region, $1 ":") == 1 && split(substr(region, length($1) + 2), ends, "-") == 2)
        print $1, ends[1], ends[2] < $2 ? ends[2] : $2, $2
    }' "${snakemake_input[fai]}"
  else
    awk -F '\t' '{ print $1, 1, $2, $2 }' "${snakemake_input[fai]}"
  fi
}

chunks() {
  local bases parts share
  bases=$(stretches | awk '{ bases += $3 - $2 + 1 } END { printf "%.0f", bases }')
  parts=$((bases / 40000 < snakemake[threads] ? bases / 40000 : snakemake[threads]))
  parts=$((parts < 1 ? 1 : parts))
  share=$(((bases + parts - 1) / parts))
  stretches | awk -v size="$((share < chunk_bases ? share : chunk_bases))" -v margin=1000 -v whole="$likelihoods" '{
    for (first = $2; first <= $3; first = last + 1) {
      last = whole || first + size - filled - 1 > $3 ? $3 + 0 : first + size - filled - 1
      from = first == $2 ? first : (first - margin > 1 ? first - margin : 1)
      to = last == $3 ? last : (last + margin < $4 ? last + margin : $4)
      line = line (line ? "," : "") $1 ":" first "-" last
      wide = wide (wide ? "," : "") $1 ":" from "-" to
      filled += last - first + 1
      if (filled >= size) { print line, wide; line = ""; wide = ""; filled = 0 }
    }
  } END { if (line) print line, wide }'
}

# Genotype likelihoods of all positions, those without another allele in blocks (-g), and the calls made from them. Where
# the likelihoods are kept, chunks are whole contigs: a block must not end or begin with a chunk.
call_chunk() { # name of its likelihoods, stretches with margins, form of the calls, what reads them
  local keep=()
  if [ -n "$likelihoods" ]; then keep=("tee $work/$1.likelihoods"); fi
  $pipe "bcftools mpileup --no-version -f $(quoted "$reference") -r '$2' $(quoted "${targets[@]}") --indels-cns -B -m 2 \
      -F 0.1 -g 0 -q $minimum_mapping_quality -d $maximum_depth -a AD,DP,SP -Ou $(quoted "$alignments")" \
    "${keep[@]}" "bcftools call --no-version -m -v -a GQ $3 -" "${@:4}"
}

# Calls as text. A single chunk is streamed: it needs no cutting, and the tools behind it start while it is called.
all_calls() {
  local within=() running=0 number exact wide
  if [ -n "${snakemake_input[raw_calls]:-}" ]; then
    if [ -n "$region" ]; then within=(-t "$region"); fi
    bcftools view --no-version "${targets[@]}" -Ou "${snakemake_input[raw_calls]}" |
      bcftools view --no-version "${within[@]}" -Ov -
    return
  fi
  if ((${#stretches[@]} == 1)); then
    call_chunk 000000 "${stretches[0]#* }" -Ov || fail 'the only chunk could not be called'
    return
  fi
  for number in "${!stretches[@]}"; do
    read -r exact wide <<<"${stretches[number]}"
    number=$(printf '%06d' "$number")
    call_chunk "$number" "$wide" -Ou "bcftools view --no-version -t '$exact' -Ou -o $work/$number.calls -" &
    running=$((running + 1))
    if ((running >= snakemake[threads])); then
      wait -n || fail 'a chunk could not be called'
      running=$((running - 1))
    fi
  done
  for ((; running > 0; running--)); do wait -n || fail 'a chunk could not be called'; done
  bcftools concat --no-version -Ov "$work"/*.calls
}

# Counts the alleles that were called, and adds the evidence for the filters to the header.
count_and_explain() {
  filters=${snakemake_params[filters]} awk -F '\t' -v count="$work/alleles" '
    /^#CHROM/ {
      lines = split(ENVIRON["filters"], line, "\n")
      for (one = 1; one <= lines; one++)
        if (split(line[one], part) == 3) printf "##FILTER=<ID=%s,Description=\"%s: %s\">\n", part[1], part[2], part[3]
    }
    !/^#/ { alleles += split($5, allele, ",") }
    { print }
    END { print alleles + 0 >count }'
}

add_known_sites() { # files and, for each, name:field pairs that begin with its name
  if (($# == 0)); then
    cat
    return
  fi
  local name pair columns=()
  name=$(basename "$1" .bcf)
  for pair in ${snakemake_params[known_sites]}; do
    if [ "$pair" = "$name:ID" ]; then
      columns+=(ID)
    elif [ "${pair%%:*}" = "$name" ]; then
      columns+=("INFO/${name}_${pair#*:}:=INFO/${pair#*:}")
    fi
  done
  # both sides need an index, so this one cannot be a stream
  bcftools view --no-version -Ob -o "$work/$name.bcf" -
  bcftools index --csi "$work/$name.bcf"
  bcftools annotate --no-version -a "$1" -c "$(IFS=, && echo "${columns[*]}")" -Ou "$work/$name.bcf" |
    add_known_sites "${@:2}"
}

mapfile -t stretches < <(chunks)
((${#stretches[@]})) || fail "the region $region lies on no contig of the reference"
read -ra known <<<"${snakemake_input[known_sites]:-}"
mkfifo "$work/$sample.vcf.gz" # MultiQC takes the name of the sample from that of the file
(cd "$work" && bcftools stats -f PASS "$sample.vcf.gz" >statistics) &
statistics=$!
filtered=("bcftools norm --no-version -f $(quoted "$reference") -m -any -Ou -")
while IFS=$'\t' read -r name expression _; do
  if [ -n "$name" ]; then
    filtered+=("bcftools filter --no-version -m + -s $name -e $(quoted "$expression") -Ou -")
  fi
done <<<"${snakemake_params[filters]}"
written=("tee $work/$sample.vcf.gz" "bcftools view --no-version -Oz --write-index=tbi -o $(quoted "$variants.tmp") -")
if [ -n "$gene_model" ]; then
  written=("bcftools csq --no-version -p a -f $(quoted "$reference") -g $(quoted "$gene_model") -Ou -" "${written[@]}")
fi
if ((${#known[@]} > 0)); then
  all_calls | count_and_explain | $pipe "${filtered[@]}" | add_known_sites "${known[@]}" | $pipe "${written[@]}"
else
  all_calls | count_and_explain | $pipe "${filtered[@]}" "${written[@]}"
fi
wait "$statistics" || fail 'the variants could not be counted'
if [ -n "$likelihoods" ]; then
  bcftools concat --no-version -Ob -o "$likelihoods.tmp" "$work"/*.likelihoods
  mv "$likelihoods.tmp" "$likelihoods"
  bcftools index --csi --force "$likelihoods"
fi

# What a run must not go on with, though every tool said that all was well.
read -r alleles <"$work/alleles"
((alleles > 0)) || fail 'no variants: is the coverage too low, or the region wrong?'
gzip --decompress --stdout "$variants.tmp" | awk -F '\t' -v work="$work" '
  /^##contig=<ID=/ { split($0, parts, /[=,>]/); print parts[3] >work "/contigs" }
  /^#CHROM/ { for (column = 10; column <= NF; column++) print $column >work "/samples" }
  !/^#/ && $5 !~ /,/ { written++ }
  END { print written + 0 >work "/written" }'
read -r kept <"$work/written"
[ "$alleles" = "$kept" ] || fail "$alleles alleles were called, $kept were written"
[ "$(cat "$work/samples")" = "$sample" ] || fail "the variants are not of the sample $sample alone"
[ "$(cat "$work/contigs")" = "$(cut -f 1 "${snakemake_input[fai]}")" ] ||
  fail 'the contigs of the variants are not those of the reference'
cp "$work/statistics" "${snakemake_output[statistics]}.tmp"
mv "${snakemake_output[statistics]}.tmp" "${snakemake_output[statistics]}"
mv "$variants.tmp" "$variants"
mv "$variants.tmp.tbi" "${snakemake_output[variants_index]}"
