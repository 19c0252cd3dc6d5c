# Two commands for a fresh machine: `make demo` and `make test`. Both install and start what they need.
.PHONY: help demo check test bench bench-batch bench-sources faults mutants lint format docs up down

RUN := tests/testbed/bootstrap.sh && env -u PYTHONDONTWRITEBYTECODE
PYTHON := .cache/venv/main/bin/python

help: ## List the commands.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

demo: ## Set everything up on this machine, deploy under load, roll back, four more types, a host with a database.
	@$(RUN) $(PYTHON) tests/testbed up
	@$(RUN) $(PYTHON) tests/demo/demo.py

check: ## Run lint, types, unit tests and docs, which need no engine (below three minutes).
	@$(RUN) $(PYTHON) tests/run.py lint types unit docs

test: ## Run the checks and tests; `make test PARTS="lint unit"` runs some, `make test EVERY=1` second variants, too.
	@$(RUN) TIDEGATE_EVERY=$(EVERY) $(PYTHON) tests/run.py $(PARTS)

up: ## Bring the testbed up (engine, registries, images).
	@$(RUN) $(PYTHON) tests/testbed up everything

down: ## Take the testbed away: what it started and what carries its label.
	@$(RUN) $(PYTHON) tests/testbed down

docs: ## Generate the roles' defaults and READMEs, the schema, the core's list, return values; build the site.
	@$(RUN) $(PYTHON) tests/tools/roles.py
	@$(RUN) PYTHONPATH=.cache/collections $(PYTHON) tests/tools/schema.py
	@$(RUN) $(PYTHON) tests/tools/rooms.py
	@$(RUN) $(PYTHON) tests/tools/returns.py
	@tests/testbed/bootstrap.sh docs
	@$(RUN) $(PYTHON) tests/tools/docsite.py

format: ## Format the Python code.
	@$(RUN) .cache/venv/main/bin/ruff format .

bench: ## Measure against docker run and community.docker (about two minutes).
	@$(RUN) $(PYTHON) tests/testbed up
	@$(RUN) $(PYTHON) tests/bench/bench.py

bench-batch: ## Measure many workloads at once against Compose and community.docker (about fifteen minutes).
	@$(RUN) $(PYTHON) tests/testbed up
	@$(RUN) $(PYTHON) tests/bench/batch.py

bench-sources: ## Measure builds and Compose projects against docker and Compose (about two minutes).
	@$(RUN) $(PYTHON) tests/testbed up
	@$(RUN) $(PYTHON) tests/bench/sources.py

faults: ## Run every cell of the fault tests, of which `make test` runs about half, and write the crash matrix to docs/.
	@$(RUN) $(PYTHON) tests/testbed up everything
	@$(RUN) TIDEGATE_EVERY=1 $(PYTHON) -m pytest -q -n 3 tests/faults
	@$(RUN) $(PYTHON) -m pytest -q tests/fleet/test_hosts.py
	@$(RUN) $(PYTHON) tests/faults/table.py

mutants: ## Change one token of a deciding file at a time, 60 times, and see that the unit tests notice (about ten minutes).
	@tests/testbed/bootstrap.sh mutants
	@.cache/venv/mutants/bin/python tests/tools/mutants.py
