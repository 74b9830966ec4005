# Every target sets up what it needs; only python3 (3.11-3.13, with venv) and make are assumed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
IN_PARALLEL := -n 4 --dist loadfile --no-loadscope-reorder

# A run of the tests starts hundreds of processes: each would compile the same modules anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo demo-saas demo-retail demo-audit run test test-long test-azure check infra-check fmt bench bench-ledger bench-judge chaos package functions lock histories clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements.txt requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else "Slipway needs Python 3.11 to 3.13, this is %d.%d; try make PYTHON=python3.12" % v)'
	@echo "installing into $(VENV) (once, about half a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $(READY)

demo: $(READY) ## watch three builds travel, and a canary on real traffic (no Azure needed); KILL=1
	@$(BIN)/slipway demo $(if $(KILL),--kill)

demo-saas: $(READY) ## a day of a SaaS product in virtual time: regions and tenants as rings (docs/rings.md)
	@$(BIN)/slipway demo --saas

demo-retail: $(READY) ## a shop on AKS in virtual time: its database, jobs, and a switch of two regions (docs/retail.md)
	@$(BIN)/slipway demo --retail

demo-audit: $(READY) ## a day that an auditor asks about: gates, two people, a freeze, and the proof (docs/compliance.md)
	@$(BIN)/slipway demo --audit

run: $(READY) ## run the whole system on this laptop until Ctrl-C, with USERS=100 requests a second
	@$(BIN)/slipway run --users $(or $(USERS),100)

test: $(READY) ## the tests, but for the long ones
	@$(BIN)/python -m pytest -m 'not long' $(IN_PARALLEL)

test-long: $(READY) ## the others: the laptop's own parts, and whole systems that take their time
	@$(BIN)/python -m pytest -m long $(IN_PARALLEL)

test-azure: $(READY) ## the adapters' tests against a real subscription (docs/in-azure.md); never in CI
	@$(BIN)/python -m tests.real_azure

check: $(READY) ## lint, types and layering, fast
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

infra-check: ## what bicep, terraform and checkov say of infra/, where they are present; CHECKOV=1
	@CHECKOV=$(CHECKOV) $(PYTHON) infra/checks/check.py

fmt: $(READY) ## format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(READY) ## speed and memory, each figure beside its target or a peer's
	@$(BIN)/python -m bench

bench-judge: $(READY) ## the judge of canaries against its targets and its peers, on simulated ramps
	@$(BIN)/python -m bench.judge

bench-ledger: $(READY) ## a burst of MESSAGES=10000 with kills: does the ledger balance?
	@$(BIN)/python -m bench.ledger --messages $(or $(MESSAGES),10000)

chaos: $(READY) ## kill and disturb the system, check every promise; KILLS=200 SEED=...
	@half=$$(( $(or $(KILLS),200) / 2 )); quarter=$$(( half / 2 )); \
	RAMP_KILLS=$$half RING_KILLS=$$half SWITCH_KILLS=$$half RELEASE_KILLS=$$quarter GROUP_KILLS=$$quarter \
	RAMP_SEED=$(SEED) RING_SEED=$(SEED) SWITCH_SEED=$(SEED) RELEASE_SEED=$(SEED) GROUP_SEED=$(SEED) \
	$(BIN)/python -m pytest -n 2 tests/workflow/test_kills_in_ramps.py tests/workflow/test_kills_in_rings.py \
	tests/workflow/test_kills_in_switches.py tests/workflow/test_kills_in_groups.py \
	tests/workflow/test_flag_ramp.py::test_a_kill_anywhere_changes_nothing_of_the_end \
	tests/workflow/test_releases.py::test_a_host_killed_anywhere_leaves_all_three_as_they_would_have_been
	@$(BIN)/python -m tests.chaos --kills $(or $(KILLS),200) $(if $(SEED),--seed $(SEED))

package: $(READY) ## the zip that is deployed: build/slipway.zip, the same bytes for the same commit
	@$(BIN)/python infra/package.py $(if $(REF),--ref '$(REF)')

functions: $(READY) ## write functions.json anew, from the blueprints
	@$(BIN)/python -m blueprints

lock: $(READY) ## resolve requirements.txt anew into requirements.lock
	@$(BIN)/python infra/package.py --lock

histories: $(READY) ## record what the orchestrators call (docs/upgrade.md); CHECK=1 asks whether that was forgotten
	@$(BIN)/python -m tests.upgrades.record $(if $(CHECK),--check)

clean: ## remove what the targets made
	rm -rf $(VENV) .slipway .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
