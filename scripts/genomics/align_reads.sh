#!/usr/bin/env bash
# Trim, align, complete mates, sort, mark duplicates: one stream, so that no FASTQ or SAM lies on disk between the steps.
set -euo pipefail
exec 2>"${snakemake_log[0]}"
reference=${snakemake_input[reference]}
sample=${snakemake_wildcards[sample]}
read -ra lanes <<<"${snakemake_params[lanes]}" # names without blanks
umi=${snakemake_params[umi]}
work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "$1" >&2
  exit 1
}

# One start for all samtools of a pipe, where they are those in Python.
pipe=$(type -P kimed-pipe) || pipe=pipe_of_shell
pipe_of_shell() { (IFS='|' && eval "$*"); }
quoted() { (($# == 0)) || printf "'%s' " "${@//\'/\'\\\'\'}"; }

# Interleaved pairs of one lane; the comment of each read names its read group, which `bwa mem -C` passes on.
pairs_of_lane() { # read group, first reads, second reads
  mkfifo "$work/1" "$work/2"
  gzip --decompress --stdout "$2" | paste - - - - >"$work/1" &
  local first=$!
  gzip --decompress --stdout "$3" | paste - - - - >"$work/2" &
  local second=$!
  paste "$work/1" "$work/2" | awk -F '\t' -v group="RG:Z:$1" '{
    split($1, one, " "); split($5, two, " ")
    print one[1], group "\n" $2 "\n+\n" $4 "\n" two[1], group "\n" $6 "\n+\n" $8
  }'
  wait "$first" && wait "$second"
  rm "$work/1" "$work/2"
}

pairs_of_lanes() {
  local number first second
  read -ra first <<<"${snakemake_input[reads_1]}" # the preflight refuses blanks in paths of lanes
  read -ra second <<<"${snakemake_input[reads_2]}"
  for number in "${!lanes[@]}"; do
    pairs_of_lane "$sample.${lanes[number]}" "${first[number]}" "${second[number]}"
  done
}

pairs_of_alignments() { # reads without their mates are dropped and counted
  samtools collate --no-PG --reference "$reference" -u -O "${snakemake_input[alignments]}" "$work/collate" |
    samtools fastq -n -T RG,RX -0 /dev/null -s "$work/single.fastq" -
  echo "reads without a mate: $(($(wc -l <"$work/single.fastq") / 4))" >&2
}

# Each case sets where the reads come from and how they are told apart by read group.
group="@RG\tID:$sample\tSM:$sample\tLB:$sample\tPL:ILLUMINA"
groups=(-R "$group")
reads=("${snakemake_input[reads_1]:-}" "${snakemake_input[reads_2]:-}")
source=true
if [ -n "${snakemake_input[alignments]:-}" ]; then
  source=pairs_of_alignments reads=(-)
  samtools view --no-PG -H "${snakemake_input[alignments]}" | grep '^@RG' >"$work/groups.sam" || true
  if [ -s "$work/groups.sam" ]; then groups=(-C -H "$work/groups.sam"); fi
elif ((${#lanes[@]} > 0)); then
  source=pairs_of_lanes reads=(-) groups=(-C -H "$work/groups.sam")
  for lane in "${lanes[@]}"; do
    printf '@RG\tID:%s.%s\tSM:%s\tLB:%s\tPL:ILLUMINA\tPU:%s\n' "$sample" "$lane" "$sample" "$sample" "$lane"
  done >"$work/groups.sam"
fi

# Molecular barcodes: part of the read's name, a tag RX, or the first bases, which cutadapt moves into the name.
barcode=() trimming=()
case $umi in
  name) barcode=(--barcode-rgx ':([ACGTN+-]+)$') ;;
  tag) barcode=(--barcode-tag RX) ;;
  inline)
    barcode=(--barcode-rgx '_([ACGTN]+)$')
    trimming=(--rename '{id}_{r1.cut_prefix}{r2.cut_prefix} {comment}')
    read -r first second <<<"${snakemake_params[umi_lengths]}"
    if ((first > 0)); then trimming+=(-u "$first"); fi
    if ((second > 0)); then trimming+=(-U "$second"); fi
    ;;
esac

# Copies of a molecule are of one library. Where a file holds several, each read gets the name of its own (tag LB), and
# only reads that have the same may be duplicates. A group without a library (LB) counts as one without a name.
with_libraries=cat
if [ -s "$work/groups.sam" ] &&
  (($(sed 's/^.*\tLB:\([^\t]*\).*$/\1/; t; s/.*//' "$work/groups.sam" | sort -u | wc -l) > 1)); then
  [ "$umi" = none ] || fail 'several libraries (@RG LB) with molecular barcodes: give each library as a file of its own'
  barcode=(--barcode-tag LB)
  with_libraries=add_libraries
fi
add_libraries() {
  awk -F '\t' '
    NR == FNR {
      id = name = ""
      for (field = 2; field <= NF; field++) {
        if ($field ~ /^ID:/) id = substr($field, 4)
        if ($field ~ /^LB:/) name = substr($field, 4)
      }
      library[id] = name
      next
    }
    !/^@/ && match($0, /\tRG:Z:[^\t]*/) { $0 = $0 "\tLB:Z:" library[substr($0, RSTART + 6, RLENGTH - 6)] }
    { print }' "$work/groups.sam" -
}

# Batches of a fixed size (-K): the number of threads changes nothing. Headers keep no command lines, which hold paths.
# The contigs of the header get their checksums from the dictionary: samtools would read the whole reference for them.
grep '^@SQ' "${snakemake_input[dictionary]}" >"$work/contigs"
# Statistics are counted as the alignments pass by: nothing is read again for them.
mkfifo "$work/passing"
samtools stats - <"$work/passing" >"$work/sample.stats" &
statistics=$!
$source |
  cutadapt --report=minimal --json "$work/trimming.cutadapt.json" "${trimming[@]}" \
    --quality-cutoff "${snakemake_params[quality]}" --minimum-length "${snakemake_params[minimum_length]}" \
    -a "${snakemake_params[adapter_1]}" -A "${snakemake_params[adapter_2]}" --interleaved "${reads[@]}" |
  bwa mem -p -t "${snakemake[threads]}" -K 10000000 "${groups[@]}" "$reference" - |
  sed -e '/^@PG/s/\tCL:.*//' -e '/^@SQ/{' -e "R $work/contigs" -e 'd}' |
  $with_libraries |
  $pipe "samtools fixmate -m -u --no-PG - -" \
    "samtools sort -u --no-PG -m 200M -T $work/sort -" \
    "samtools markdup -u --no-PG $(quoted "${barcode[@]}") - -" \
    "tee $work/passing" \
    "samtools view -C --no-PG --reference $(quoted "$reference") -o $work/with_path.cram -"
wait "$statistics" || fail 'the alignments could not be counted'

# The reference is known by its checksums; its path is of this machine only. (In place, the length of the file would tell
# the length of the path.)
samtools reheader --no-PG -c "tee $work/header | sed 's/\tUR:[^\t]*//'" "$work/with_path.cram" >"$work/sample.cram"
samtools index "$work/sample.cram" &
indexing=$!

# What a run must not go on with, though every tool said that all was well.
# (samtools quickcheck does not look for the end mark of CRAM: CRAM specification 3.1, section 9)
mark=0f000000ffffffff0fe0454f4600000000010005bdd94f0001000606010001000100ee63014b
[ "$(tail -c 38 "$work/sample.cram" | od -A n -v -t x1 | tr -d ' \n')" = "$mark" ] ||
  fail 'the alignments are cut off: their end mark is missing'
grep --quiet -P '^SN\treads properly paired:\t[1-9]' "$work/sample.stats" ||
  fail 'no properly paired reads: are these reads of this reference, and mates in order?'
trimmed=$(sed -n 's/^ *"output": \([0-9]*\),*$/\1/p' "$work/trimming.cutadapt.json" | head -n 1)
aligned=$(sed -n 's/^SN\traw total sequences:\t\([0-9]*\).*/\1/p' "$work/sample.stats")
[ "$aligned" = $((2 * trimmed)) ] || fail "$((2 * trimmed)) reads were left by trimming, $aligned are in the alignments"
[ "$(sed -n 's/^@SQ.*\tSN:\([^\t]*\).*/\1/p' "$work/header")" = "$(cut -f 1 "${snakemake_input[fai]}")" ] ||
  fail 'the contigs of the alignments are not those of the reference'
[ "$(sed -n 's/^@RG.*\tSM:\([^\t]*\).*/\1/p' "$work/header" | sort -u)" = "$sample" ] ||
  fail "the read groups are not of the sample $sample"
if [ "${groups[0]}" = -C ]; then
  bare=$(samtools view --no-PG -c -e '![RG]' --reference "$reference" "$work/sample.cram")
  [ "$bare" = 0 ] || fail "$bare reads have no read group, though the file has read groups"
fi

wait "$indexing" || fail 'the alignments could not be indexed'

# The report of cutadapt keeps the names of files without their folders, which are of this machine only.
sed -i -E 's#"/[^"]*/#"#' "$work/trimming.cutadapt.json"

# Copied beside its place first: the work folder may lie on another disk, and a cut-off copy must not look whole.
publish() {
  cp "$1" "$2.tmp"
  mv "$2.tmp" "$2"
}
publish "$work/trimming.cutadapt.json" "${snakemake_output[trimming]}"
publish "$work/sample.stats" "${snakemake_output[statistics]}"
publish "$work/sample.cram" "${snakemake_output[alignments]}"
publish "$work/sample.cram.crai" "${snakemake_output[alignments_index]}"
