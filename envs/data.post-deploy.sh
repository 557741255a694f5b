#!/usr/bin/env bash
# Snakemake runs this after making data.yaml's environment: see requirements-nodeps.txt.
set -euo pipefail
python -m pip install --no-deps easy-to-hard-data==1.0.0
