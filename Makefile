# Each target installs what it needs: the virtual environment, the packages and, for the browser tests,
# Debian's Chromium. PYTHON=... chooses another Python, TESTFLAGS=... is passed on to pytest.

VENV := .venv
PY := $(VENV)/bin/python
PYTHON ?=
TESTFLAGS ?=
FUZZ_SECONDS ?= 600
SHELL := /bin/sh

.DEFAULT_GOAL := help
.PHONY: help lab test format generate notebooks docs bench bench-peers endurance fuzz interop lint audit \
    clean chromium libreoffice

# An environment whose Python no longer runs (an upgraded system, a copied folder) is created again.
ifneq ($(shell test ! -e $(VENV) || $(PY) -c "" 2>&1),)
$(shell rm -f $(VENV)/.lab $(VENV)/.dev $(VENV)/.docs)
endif

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 21

lab: $(VENV)/.lab  ## JupyterLab with the sandbox beside it, on this machine only (LABFLAGS="--no-browser")
	@$(PY) -m toolkit lab $(LABFLAGS)

# pytest ends with status 5 if TESTFLAGS="-k ..." selects no test: that may happen to one half, not to both.
test: chromium  ## every test, those in a real browser last
	@$(PY) -m pytest -n logical $(TESTFLAGS); first=$$?; \
	$(PY) -m pytest -m browser tests/browser $(TESTFLAGS); last=$$?; \
	[ $$first != 5 ] || exit $$last; [ $$last != 5 ] || exit $$first; \
	[ $$first = 0 ] || exit $$first; exit $$last

format: $(VENV)/.dev  ## sort imports, lay out the code as `make lint` wants it
	$(PY) -m ruff check --fix
	$(PY) -m ruff format

generate: $(VENV)/.dev  ## write the methods and pages that follow from the declarations of the endpoints
	$(PY) -m scripts.generate_api

notebooks: $(VENV)/.dev  ## the notebooks, each from top to bottom on the sandbox
	$(PY) -m pytest tests/notebooks/test_notebooks.py $(TESTFLAGS)

docs: $(VENV)/.docs  ## the documentation, into docs/_build/html: warnings are errors, links are checked
	@$(PY) -m sphinx -W -q -E -a -j auto -b html -d docs/_build/doctrees docs docs/_build/html
	@$(PY) scripts/check_site.py docs/_build/html

bench: $(VENV)/.dev  ## benchmarks (tests/benchmarks/bench_*.py)
	@$(PY) -c "import duckdb" 2>/dev/null || $(PY) -m pip install --quiet --disable-pip-version-check "duckdb>=1.1" \
	    || echo "make: without DuckDB, to which one benchmark compares" >&2
	$(PY) -m pytest tests/benchmarks -o python_files='bench_*.py' -p no:randomly -s $(TESTFLAGS)

bench-peers: $(VENV)/.dev  ## a year of candles by ccxt, by python-binance and by the toolkit (a quarter of an hour)
	@$(PY) -m tests.interop.install ccxt python-binance
	@$(PY) -m tests.benchmarks.peers

endurance: $(VENV)/.dev  ## ten thousand random writes with accidents, and five hundred writers killed (minutes)
	$(PY) -m pytest tests/endurance -o python_files='endure_*.py' -p no:randomly -s $(TESTFLAGS)

fuzz: $(VENV)/.dev  ## coverage-guided fuzzing of responses, for ten minutes (FUZZ_SECONDS=60)
	@$(PY) -c "import atheris" 2>/dev/null || $(PY) -m pip install --quiet --disable-pip-version-check "atheris>=3" \
	    || { echo "make: missing: atheris, which has no package for this Python: try PYTHON=python3.11" >&2; exit 1; }
	@mkdir -p .cache
	$(PY) -m tests.fuzz.fuzz_answers -max_total_time=$(FUZZ_SECONDS) -max_len=20000 -rss_limit_mb=2048 \
	    -print_final_stats=1 -artifact_prefix=.cache/fuzz-

interop: $(VENV)/.dev libreoffice  ## clients written by others against the sandbox, and LibreOffice, which opens workbooks
	@$(PY) -m tests.interop.install
	$(PY) -m pytest -m interop tests/interop $(TESTFLAGS)

lint: $(VENV)/.dev  ## style, format, types, and whether what `make generate` writes is up to date
	@failed=0; for reader in "ruff check" "ruff format --check" mypy "scripts.generate_api --check"; do \
	    echo "$(PY) -m $$reader"; $(PY) -m $$reader || failed=1; \
	done; exit $$failed

audit: $(VENV)/.dev  ## known vulnerabilities of the installed packages (needs the internet)
	@$(PY) -m pip install --quiet --disable-pip-version-check pip-audit
	$(PY) -m pip_audit --skip-editable

clean:  ## remove the environments and every cache
	rm -rf $(VENV) .interop .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info \
	    docs/_build docs/notebooks/*.ipynb
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find . -name .ipynb_checkpoints -type d -prune -exec rm -rf {} +

# A stamp file marks what is installed; a newer pyproject.toml installs again.
$(VENV)/.lab: pyproject.toml
	@$(make_venv)
	@$(call install,.)
	@touch $@

$(VENV)/.dev: pyproject.toml
	@$(make_venv)
	@$(call install,.[dev])
	@touch $(VENV)/.lab $@

$(VENV)/.docs: pyproject.toml
	@$(make_venv)
	@$(call install,.[docs])
	@touch $(VENV)/.lab $@

define install
echo "Installing $(1) into $(VENV) (a minute or two the first time) ..."; \
$(PY) -m pip install --quiet --disable-pip-version-check -e "$(1)" \
    || { echo "make: the packages cannot be installed: see the message of pip above" >&2; exit 1; }
endef

# A name on the PATH may be a shim that fails, so each Python is run to test it.
define make_venv
if $(PY) -c "import pip" 2>/dev/null; then exit 0; fi; \
for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3); do \
    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && found=$$python && break; \
done; \
[ -n "$$found" ] || { echo "make: missing: Python 3.11 or newer ($(or $(PYTHON),python3))" >&2; exit 1; }; \
if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
    version=$$("$$found" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
    $(call apt,python$$version-venv) \
        || { echo "make: missing: the package python$$version-venv (ensurepip), which root has to install" >&2; exit 1; }; \
fi; \
"$$found" -m venv --clear $(VENV) || { echo "make: $$found cannot create $(VENV)" >&2; exit 1; }
endef

# apt-get as root, or with sudo if that asks for no password; quiet unless it fails.
define apt
{ command -v apt-get >/dev/null \
    && { [ "$$(id -u)" = 0 ] && as_root= || { sudo -n true 2>/dev/null && as_root="sudo -n"; }; } \
    && echo "Installing $(1) with apt-get ..." \
    && { $$as_root apt-get update -qq || true; } \
    && $$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(1) >/dev/null; }
endef

# Chromium, and the one library that Playwright's driver lacks. If they cannot be installed, the other tests
# still run; the browser tests then fail with the same message.
chromium: $(VENV)/.dev
	@{ command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null \
	    && $(PY) -m playwright --version >/dev/null 2>&1 \
	    || $(call apt,chromium fonts-dejavu-core libatomic1) \
	    || echo "make: missing: Chromium or libatomic1, which root has to install: the browser tests will fail" >&2

# Opens the workbooks that are exported. If it cannot be installed, its tests fail with the same message.
libreoffice:
	@command -v soffice >/dev/null || $(call apt,libreoffice-calc) \
	    || echo "make: missing: LibreOffice (libreoffice-calc), which root has to install: its tests will fail" >&2
