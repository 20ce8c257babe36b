# One way in for everything. `make help` lists the targets.
#
# .venv is made once and brought up to date when a lock file changes: the two stamp
# files in it say when that was, so a second run calls neither pip nor venv.

PYTHON ?= python3
PY := .venv/bin/python
PIP_INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check --progress-bar off \
	--no-input --require-hashes
UV_COMPILE := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate
ARGS ?=

# What a real installation would have in its environment; the folder is made for one run.
PRODUCTION = DEBUG= DEMO= DATABASE_URL= DATABASE_POOLER= CACHE_URL= EMAIL_URL= SENTRY_DSN= METRICS_TOKEN= WORKER= \
	TRUSTED_PROXIES= ALLOWED_HOSTS=letters.example.org BASE_URL=https://letters.example.org \
	SECRET_KEY=for-make-check-alone-7rV0xQm3Zp9LkT2wYb8NcH5sJd1FgA4e

.DEFAULT_GOAL := help
.PHONY: help install demo serve worker migrate backup restore test check faults fuzz bench format messages lock sbom clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS="$$(printf '\t')" read -r name text; do printf '  make %-9s %s\n' "$$name" "$$text"; done

demo: .venv/.installed ## a letter with its signatories on http://127.0.0.1:8000/ (PORT=, HOST=, VAR_DIR=)
	@exec $(PY) -m config.serve --demo

install: .venv/.installed ## what the server needs, into .venv, and nothing else

serve: .venv/.installed ## the production server; everything from the environment
	@exec $(PY) -m config.serve

worker: .venv/.installed ## the background worker as a process of its own (with WORKER=separate)
	@exec $(PY) manage.py worker

migrate: .venv/.installed ## bring the database up to date
	@$(PY) manage.py migrate

backup: .venv/.installed ## all data into one file, while the product runs (FILE=; in var/backups without)
	@exec $(PY) manage.py backup $(if $(FILE),"$(FILE)")

restore: .venv/.installed ## an empty database from such a file (FILE=)
	@exec $(PY) manage.py restore $(if $(FILE),"$(FILE)")

test: .venv/.installed-dev ## every test, on SQLite and on PostgreSQL (ARGS="-k name" for pytest)
	@exec $(PY) -m tests.run $(ARGS)

check: .venv/.installed-dev ## format, lint, types, deployment, migrations, translations
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/djlint templates --lint --quiet
	.venv/bin/mypy
	@set -e; VAR_DIR=$$(mktemp -d); trap 'rm -rf "$$VAR_DIR"' EXIT; export VAR_DIR $(PRODUCTION); \
		echo "$(PY) manage.py check --deploy --fail-level WARNING (production settings)"; \
		$(PY) manage.py check --deploy --fail-level WARNING; \
		echo "$(PY) manage.py makemigrations --check --dry-run"; \
		$(PY) manage.py makemigrations --check --dry-run
	$(PY) .ci/translations.py

faults: .venv/.installed-dev ## 100 rounds in which a part of the site fails and nothing is lost (ARGS="--rounds 10 --seed …")
	@exec $(PY) -m tests.faults $(ARGS)

bench: .venv/.installed-dev ## the benchmarks, each figure with its ratio to its reference
	@exec $(PY) -m benchmarks.run $(ARGS)

fuzz: .venv/.installed-dev ## half a million hostile requests, texts and files, in fifteen minutes (ARGS="--seed 1")
	@exec $(PY) -m tests.fuzz $(ARGS)

format: .venv/.installed-dev ## put code in the project's format, mend what the linter can mend
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

messages: .venv/.installed-dev ## bring the catalogues under locale/ in line with code and templates
	$(PY) .ci/catalogues.py

lock: .venv/.installed-dev ## newest versions that pyproject.toml allows, with hashes (ARGS="-P name" for one)
	$(UV_COMPILE) $(if $(ARGS),$(ARGS),--upgrade) pyproject.toml --output-file requirements.lock
	$(UV_COMPILE) $(if $(ARGS),$(ARGS),--upgrade) pyproject.toml --extra dev \
		--constraint requirements.lock --output-file requirements-dev.lock

sbom: .venv/.installed ## what is installed, by versions, hashes and licences, as sbom.cdx.json
	$(PY) .ci/sbom.py

clean: ## remove .venv and every cache; var/, the data, stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .test-report
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- The environment ----------------------------------------------------------

$(PY):
	@command -v $(PYTHON) >/dev/null || { echo "There is no '$(PYTHON)' here: install Python 3.11 or newer, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Undersigned needs Python 3.11 or newer and '$(PYTHON)' is $$($(PYTHON) -c 'import platform; print(platform.python_version())'): name a newer one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "'$(PYTHON)' cannot make virtual environments: on Debian or Ubuntu, run: apt install python3-venv" >&2; exit 1; }
	@echo "Making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/.installed: requirements.lock | $(PY)
	@echo "Installing what the server needs into .venv (about half a minute)"
	@$(PIP_INSTALL) -r requirements.lock || { echo "pip could not install requirements.lock. If it could not reach its package index, check the network or set PIP_INDEX_URL, then run make again." >&2; exit 1; }
	@touch $@

.venv/.installed-dev: requirements-dev.lock .venv/.installed
	@echo "Installing what checks and tests need into .venv (about a minute)"
	@$(PIP_INSTALL) -r requirements-dev.lock || { echo "pip could not install requirements-dev.lock. If it could not reach its package index, check the network or set PIP_INDEX_URL, then run make again." >&2; exit 1; }
	@touch $@
