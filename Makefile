# What a person types here. Every target makes .venv first, from nothing but Python 3.11+ and make.
#
#   make run              a walk-in on this machine: sandbox CPO, bridge, sandbox BAP; then it stays up
#   make run ARGS=--once  the same, played once; exits 0 only if every step happened
#   make test             lint, types, contracts, mapping and all tests
#   make coverage         all tests, then which lines and branches none of them ran
#   make fuzz             the property tests with fifty times the examples: many minutes
#   make fuzz-edge        50,000 messages that are nearly right, to a running bridge
#   make conformance      run the tests that show a requirement of OCPI; write docs/ocpi-conformance.md
#   make pictures         draw docs/pictures/ from a real run of three minutes; needs Debian's prometheus
#   make bench            speed and memory beside their limits (docs/performance.md); ARGS=pull: one
#   make rolling          restart two bridges by turns during a minute of walk-ins, 5 per second
#   make lock             requirements.lock anew: what the image installs, by hash; after constraints.txt
#   make audit            known flaws of what requirements.lock pins; fails when nothing was audited
#   make sbom             dist/sbom.cdx.json: CycloneDX, all that requirements.lock pins
#   make lint | format | types | contracts | mapping | clean

VENV  := .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.ready
ARGS  :=
AUDIT := .venv-audit

# Whatever the shell says, bytecode is kept: the tests start hundreds of processes.
export PYTHONDONTWRITEBYTECODE :=

.NOTPARALLEL:
.PHONY: run test coverage fuzz fuzz-edge conformance pictures bench rolling lock audit sbom lint format types contracts mapping clean

run: $(READY)
	@$(BIN)/bridge demo $(ARGS)

test: lint types contracts mapping
	@echo "==> tests: $$($(BIN)/pytest --version)"
	@$(BIN)/pytest -n 2 --dist worksteal

# Apart from `test`: tracing every line more than doubles the time of pure code.
coverage: $(READY)
	@echo "==> coverage: lines and branches that no test runs"
	@$(BIN)/pytest -n 2 --dist worksteal -q --cov --cov-report=term

fuzz: $(READY)
	@echo "==> fuzz: tests/property with fifty times the examples"
	@$(BIN)/pytest -n 2 --dist worksteal -q --hypothesis-profile=fuzz tests/property

fuzz-edge: $(READY)
	@echo "==> fuzz-edge: 50,000 messages that are nearly right, to a running bridge"
	@FUZZ_MESSAGES=50000 FUZZ_SEED=$${FUZZ_SEED:-$$$$} $(BIN)/pytest -q -s tests/e2e/test_fuzz_edge.py

# Written even when a test fails: the page says so then.
conformance: $(READY)
	@echo "==> conformance: docs/ocpi-conformance.md"
	@$(BIN)/pytest -n 2 --dist worksteal -q -m "requirement or endpoint" --write-conformance

pictures: $(READY)
	@$(BIN)/python -m tests.pictures

bench: $(READY)
	@$(BIN)/python -m tests.bench $(ARGS)

rolling: $(READY)
	@$(BIN)/python -m tests.image.rolling $(ARGS)

lock: $(READY)
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-annotate --no-header --extra otel -c constraints.txt pyproject.toml -o requirements.lock

# pip-audit ends well when it had to skip everything: what its report says is judged here.
audit: $(AUDIT)/.ready
	@echo "==> audit: $$($(AUDIT)/bin/pip-audit --version), OSV"
	@rm -f $(AUDIT)/report.json
	@$(BIN)/python -m tests.supply pins > $(AUDIT)/pins.txt
	@$(AUDIT)/bin/pip-audit --requirement $(AUDIT)/pins.txt --no-deps --disable-pip \
	  --vulnerability-service osv --format json --output $(AUDIT)/report.json \
	  --progress-spinner off > $(AUDIT)/said.txt 2>&1 || tail -n 1 $(AUDIT)/said.txt >&2
	@$(BIN)/python -m tests.supply audit $(AUDIT)/report.json

sbom: $(AUDIT)/.ready
	@mkdir -p dist
	@$(BIN)/python -m tests.supply pins > $(AUDIT)/pins.txt
	@PYTHONWARNINGS=ignore::UserWarning $(AUDIT)/bin/cyclonedx-py requirements $(AUDIT)/pins.txt --pyproject pyproject.toml \
	  --output-format JSON --output-reproducible --output-file dist/sbom.cdx.json
	@$(BIN)/python -m tests.supply sbom dist/sbom.cdx.json

$(AUDIT)/.ready: $(READY) tests/supply/requirements.txt
	@echo "==> environment: $(AUDIT)"
	@$(BIN)/python -m venv --clear $(AUDIT)
	@$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check \
	  -r tests/supply/requirements.txt
	@touch $@

lint: $(READY)
	@echo "==> lint and format: $$($(BIN)/ruff --version)"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(READY)
	@echo "==> format: $$($(BIN)/ruff --version)"
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(READY)
	@echo "==> types: $$($(BIN)/mypy --version)"
	@$(BIN)/mypy

contracts: $(READY)
	@echo "==> contracts: import-linter"
	@$(BIN)/lint-imports

mapping: $(READY)
	@echo "==> mapping: bridge mapping check, bridge mapping docs --check, bridge config docs --check"
	@$(BIN)/bridge mapping check
	@$(BIN)/bridge mapping docs --check
	@$(BIN)/bridge config docs --check

# The data of the embedded store (./data) is the user's own: it stays.
clean:
	rm -rf $(VENV) .venv-extrawest $(AUDIT) dist .coverage .coverage.* .hypothesis .import_linter_cache \
	  .mypy_cache .pytest_cache .ruff_cache
	find bridge tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Both constraint variables: newer pips take the build backend's pins from the second one only.
$(READY): pyproject.toml constraints.txt
	@for candidate in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    found=$$candidate; break; \
	  fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "The bridge needs Python 3.11 or newer, and neither python3 nor python3.11, python3.12" \
	    "or python3.13 is one. Install it, or name one: make PYTHON=/path/to/python3" >&2; \
	  exit 1; \
	fi; \
	echo "==> environment: $$("$$found" --version) in $(VENV)"; \
	"$$found" -m venv --clear $(VENV)
	@echo "==> packages: pip install -c constraints.txt -e '.[dev]'"
	@PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
