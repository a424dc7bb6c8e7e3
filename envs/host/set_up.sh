#!/usr/bin/env bash
# Builds .venv from the locks: wheels only, no root, no compiler, no conda. Called by `make`; see requirements/README.md.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=.venv

fail() {
  echo "set-up: $1" >&2
  exit 1
}

find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3.11 python3; do
    if [ -n "$candidate" ] && command -v "$candidate" >/dev/null &&
      "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  fail "needs Python 3.11 or newer: apt-get install python3, or name one with PYTHON=/path/to/python3.11 make"
}

make_venv() {
  local python=$1
  if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    # Debian ships venv apart from Python.
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
      apt-get update -qq && apt-get install -qq -y --no-install-recommends python3-venv >/dev/null
    else
      fail "Python lacks its venv module: apt-get install python3-venv, then call make again"
    fi
  fi
  "$python" -m venv "$venv"
}

# Folders and pages that pip is configured to find wheels in; uv does not read pip's configuration.
pip_find_links() {
  { echo "${PIP_FIND_LINKS:-}"; "$venv/bin/pip" config get global.find-links 2>/dev/null || true; } |
    tr -s ' \n' '\n' | sort -u | sed '/^$/d'
}

install_torch() {
  local uv=("$venv/bin/uv" pip install --quiet --no-config --python "$venv/bin/python")
  if [ "${KIMED_TORCH:-cpu}" = cuda ]; then
    "${uv[@]}" --requirement requirements/torch.txt
    return
  fi
  local links=()
  while read -r link; do links+=(--find-links "$link"); done < <(pip_find_links)
  if [ ${#links[@]} -gt 0 ] &&
    "${uv[@]}" --no-deps --no-index "${links[@]}" --requirement requirements/torch.txt 2>/dev/null; then
    return
  fi
  "${uv[@]}" --no-deps --torch-backend cpu --requirement requirements/torch.txt 2>/dev/null && return
  echo "set-up: no CPU build of PyTorch within reach, taking the CUDA build (several GB; requirements/README.md)" >&2
  "${uv[@]}" --requirement requirements/torch.txt
}

"$venv/bin/python" -m pip --version >/dev/null 2>&1 || make_venv "$(find_python)"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.lock
# connection-pool is pure Python and published as source only.
"$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --require-hashes \
  --only-binary :all: --no-binary connection-pool -r requirements/dev.lock
install_torch
"$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation --editable .
# What jobs import is compiled here: they see the environment read-only, and where PYTHONDONTWRITEBYTECODE is set no other
# start would keep it (scanpy: 6.3 s of processor time to import, compiled 2.3 s).
env -u PYTHONDONTWRITEBYTECODE "$venv/bin/python" - <<'END' || fail "the environment does not import; remove .venv and call make again"
import cryptography, jsonschema, matplotlib.pyplot, monai, nibabel, pandas, psutil, pydicom, pysam, pytest, scanpy, scipy.stats
import securesystemslib.dsse, skimage, sklearn.linear_model, snakemake.cli, snakemake.report, statsmodels.api, torch, yte
END
# So is what numba compiles for UMAP, 7 s of each clustering of single cells; for any processor, 300 KB.
PYTHONPATH=scripts "$venv/bin/python" -c 'from kimedlib.singlecell_layout import compile_beforehand; compile_beforehand()' ||
  fail "UMAP's code does not compile; remove .venv and call make again"
# `--profile spe` needs bubblewrap and refuses to run without it.
if ! command -v bwrap >/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null &&
    apt-get update -qq && apt-get install -qq -y --no-install-recommends bubblewrap >/dev/null 2>&1; then
    echo "set-up: installed bubblewrap"
  else
    echo "set-up: NO BUBBLEWRAP: --profile spe refuses to run, \`make demo\` runs without permit, sandbox and register, until someone does: apt-get install bubblewrap" >&2
  fi
fi
touch "$venv/.ready"
echo "set-up: $venv is ready"
