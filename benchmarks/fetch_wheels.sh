#!/usr/bin/env bash
# Fetch what benchmarks/on_gpu.sh needs on a machine with PyTorch and no network (Python 3.12 on
# x86-64 Linux): all that runs the workflow, at the pinned versions. Run it in the project's own
# environment (. .venv/bin/activate).
#
#   benchmarks/fetch_wheels.sh [FOLDER] [PACKAGE THAT THE MACHINE HAS ALREADY]...
#
# FOLDER is .wheels by default. numpy, scipy, pandas, matplotlib and pillow are four fifths of it.
set -euo pipefail
folder=$(realpath -m "${1:-.wheels}")
shift $(($# > 0 ? 1 : 0))
cd "$(dirname "$0")/.."

platforms=()
for tag in manylinux_2_28 manylinux_2_27 manylinux_2_24 manylinux_2_17 manylinux2014 manylinux1; do
    platforms+=(--platform "${tag}_x86_64")
done

rm -rf "$folder"
mkdir -p "$folder"
pins=$(python -m benchmarks.wheel_list --without "$@")
for pin in $pins; do
    # What has no wheel is pure Python: one that is built here serves anywhere.
    python -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
        --python-version 3.12 --implementation cp "${platforms[@]}" --dest "$folder" "$pin" 2>/dev/null ||
        python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$folder" "$pin"
done

native=$(find "$folder" -name '*-linux_*.whl')
if [[ -n $native ]]; then
    echo "no wheel for Python 3.12 on x86-64 is published of: $native" >&2
    exit 1
fi
echo "$(find "$folder" -name '*.whl' | wc -l) wheels, $(du -sm "$folder" | cut -f1) MiB, in $folder"
