#!/usr/bin/env bash
set -euo pipefail
grep -q -f "${snakemake_input[patterns]}" "${snakemake_input[0]}"
