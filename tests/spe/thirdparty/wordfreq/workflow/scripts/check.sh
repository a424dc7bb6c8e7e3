#!/usr/bin/env bash
set -euo pipefail
grep -q total "${snakemake_input[0]}"
