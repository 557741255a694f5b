#!/usr/bin/env bash
# The paper at its own scale on a machine with a GPU, Python 3.12 and PyTorch, and no network.
#
#   benchmarks/fetch_wheels.sh      # before, elsewhere: what is missing there, into .wheels
#   benchmarks/on_gpu.sh            # there; again and again, until it says that all is done
#
# A call takes 570 seconds at the most and leaves all that is needed to go on in ./gpu-state. If OUT
# is set, it is also packed into files there, of which --unpack FOLDER begins elsewhere.
# REFERENCE_DIR has the recorded numbers, COMMIT names what was carried. Options: --wheels FOLDER, or
# --no-wheels for the environment as it is; all others are those of benchmarks/stages.py (--help).
set -euo pipefail
started=$(date +%s)
cd "$(dirname "$0")/.."

wheels=.wheels
options=()
while (($#)); do
    case $1 in
    --wheels) wheels=$2 && shift 2 ;;
    --no-wheels) wheels='' && shift ;;
    *) options+=("$1") && shift ;;
    esac
done

python=${PYTHON:-python3}
site=$(mktemp -d)
trap 'rm -rf "$site"' EXIT
if [[ -n $wheels ]]; then
    compgen -G "$wheels/*.whl" >/dev/null || {
        echo "$wheels: no wheels there; make them with benchmarks/fetch_wheels.sh, or say --no-wheels" >&2
        exit 2
    }
    "$python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-compile \
        --no-cache-dir --target "$site" "$wheels"/*.whl
    export PYTHONPATH=$site${PYTHONPATH:+:$PYTHONPATH}
fi

"$python" -m benchmarks.stages --started "$started" "${options[@]}" &
stages=$!
trap 'kill -TERM "$stages" 2>/dev/null || true' INT TERM
status=0
wait "$stages" || status=$?
# A signal ends the first wait; the stages still have to leave.
if kill -0 "$stages" 2>/dev/null; then wait "$stages" || status=$?; fi
exit "$status"
