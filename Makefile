# Each target first installs the environment that it needs, so it works on a fresh machine.
#   make quick   the experiment at a small scale: data, nine trainings, figure 1, tables 4-7
#   make verify  the quick experiment again, and its results against those published here
#   make paper   the paper's experiment, for a GPU
#   make report  results/report.html and .zip: the quick experiment, or make PRESET=my.yaml report
#   make bundle  results/quick/bundle.zip for an archive; make check-bundle BUNDLE=... reads one back
#   make test    checks and tests
#   make check   lint, format and types only
#   make test-system   tests that need root and packages of the system: SLURM, full disks, a browser, LaTeX
#   make slurm   what profiles/slurm needs
#   make pages   README and docs/ as a site, in site/
#   make benchmark   the engine against the published description: results/benchmark/

.DEFAULT_GOAL := quick
.DELETE_ON_ERROR:
.PHONY: quick verify tiny paper report bundle check-bundle slurm pages test test-system check benchmark clean-env

CORES ?= all
PRESET ?= workflow/presets/quick.yaml
# What the report shows; with analyses: make TARGETS="all convergence recovery thinking" report
TARGETS ?= all
VENV := .venv

# make CPU=1 quick: a new .venv gets PyTorch's build without CUDA, from the index that PyTorch documents.
CPU ?=
CPU_BUILDS := https://download.pytorch.org/whl/cpu
TORCH := $(shell sed -n 's/^\(torch==[^ ]*\).*/\1/p' envs/requirements.txt)
RUN := . $(VENV)/bin/activate &&
# Modules are compiled when they are first imported, which few of them are.
INSTALL := $(RUN) python -m pip install --disable-pip-version-check --quiet --no-compile
# A line per running job and the time left, instead of a page per job (docs/running.md).
SNAKEMAKE := $(RUN) snakemake --quiet rules host reason

# The first of these that runs and is 3.11 to 3.13; or: make PYTHON=/path/to/python quick
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11 python,\
	$(shell $(name) -c 'import sys; (3, 11) <= sys.version_info[:2] <= (3, 13) and print("$(name)")' 2>/dev/null)))

quick: $(VENV)/.runtime
	$(SNAKEMAKE) --cores $(CORES) --configfile workflow/presets/quick.yaml

verify: $(VENV)/.runtime
	$(RUN) snakemake list_changes --cores 1 --quiet --configfile workflow/presets/quick.yaml
	$(SNAKEMAKE) --cores $(CORES) verify_results --configfile workflow/presets/quick.yaml

tiny: $(VENV)/.runtime
	$(SNAKEMAKE) --cores $(CORES) --configfile workflow/presets/tiny.yaml

paper: $(VENV)/.runtime
	$(SNAKEMAKE) --cores 4 --resources gpu=1

report: $(VENV)/.runtime
	$(SNAKEMAKE) --cores $(CORES) $(TARGETS) --configfile $(PRESET)
	$(RUN) snakemake --report results/report.html $(TARGETS) --configfile $(PRESET)
	$(RUN) snakemake --report results/report.zip $(TARGETS) --configfile $(PRESET)

bundle: $(VENV)/.runtime
	$(SNAKEMAKE) --cores $(CORES) bundle --configfile $(PRESET)

check-bundle: $(VENV)/.runtime
	$(RUN) PYTHONPATH=workflow/scripts python -m deltaloss.evidence.bundle $(BUNDLE)

slurm: $(VENV)/.slurm

test: check
	$(RUN) pytest -n auto --dist worksteal

check: $(VENV)/.dev
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) snakefmt --check Snakefile workflow/Snakefile workflow/rules
	$(RUN) mypy
	$(RUN) snakemake --lint

pages: $(VENV)/.docs
	$(RUN) mkdocs build --strict --quiet

test-system: $(VENV)/.dev $(VENV)/.slurm $(VENV)/.docs
	$(RUN) pytest -m system -n auto --dist loadfile

benchmark: $(VENV)/.runtime
	$(RUN) python -m benchmarks.compare $(BENCHMARK)

$(VENV)/.runtime: envs/requirements.txt envs/requirements-nodeps.txt envs/constraints.txt | $(VENV)/bin/python
	$(if $(CPU),$(INSTALL) $(TORCH) --index-url $(CPU_BUILDS))
	$(INSTALL) -r envs/requirements.txt
	$(INSTALL) --no-deps -r envs/requirements-nodeps.txt
	touch $@

$(VENV)/.slurm: envs/requirements-slurm.txt $(VENV)/.runtime
	$(INSTALL) -r envs/requirements-slurm.txt
	touch $@

$(VENV)/.docs: envs/requirements-docs.txt $(VENV)/.runtime
	$(INSTALL) -r envs/requirements-docs.txt
	touch $@

$(VENV)/.dev: envs/requirements-dev.txt $(VENV)/.runtime
	$(INSTALL) -r envs/requirements-dev.txt
	touch $@

$(VENV)/bin/python:
	@test "$$("$(PYTHON)" -c 'import sys; print((3, 11) <= sys.version_info[:2] <= (3, 13))' 2>&1)" = True || \
		{ echo "Python 3.11, 3.12 or 3.13 is needed; run make PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

clean-env:
	rm -rf $(VENV)
