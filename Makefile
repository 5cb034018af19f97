# Everything is installed inside this folder: uv in .tools, the environment in .venv.
.DEFAULT_GOAL := help
SHELL := /bin/bash
UV := $(or $(shell command -v uv),.tools/bin/uv)
RUN := PATH="$(CURDIR)/.venv/bin:$$PATH" PYTHONPATH="$(CURDIR)"
# A Hugging Face Hub on this machine.
HUB := python -m tests.emulators.hub --state output/hub --
PYTEST := $(RUN) pytest -n 2 --dist worksteal

.PHONY: help setup data demo demo-pets hub env databases services mlflow monitoring check report app notebooks \
	serve serve-tfserving test test-networks test-emulators test-image test-services test-concerned \
	test-fast system lint format docs pictures sbom audit bench clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/installed ## Install what is needed into .venv

.tools/bin/uv: .github/uv/requirements.txt
	@python3 -m pip install --quiet --disable-pip-version-check --upgrade --target .tools \
		--require-hashes --requirement .github/uv/requirements.txt

# Scripts of an environment name its folder: where that was moved or copied, they are made again.
MADE_IN := $(shell sed -n "s/^VIRTUAL_ENV='\(.*\)'$$/\1/p" .venv/bin/activate 2> /dev/null)
ifneq ($(MADE_IN),)
MOVED := $(shell test .venv -ef "$(MADE_IN)" || echo moved-environment)
endif

.PHONY: moved-environment
moved-environment:
	@rm -rf .venv infra/checkov/.venv tests/serving/kserve/.venv

.venv/installed: pyproject.toml uv.lock $(MOVED) | $(UV)
	$(UV) sync --frozen --quiet --compile-bytecode
	@touch $@

# The data of another recipe are there already, under a licence of their own.
TRAINED := $(or $(RECIPE),scenes)
DRAWN := $(filter scenes tires,$(TRAINED))
data: setup ## Draw the embedded data set, or that of RECIPE=tires
	@$(RUN) python -m tfrecords.synthetic $(if $(filter tires,$(DRAWN)),--scenes tires) \
		--output "data/$(or $(DRAWN),scenes)"

demo: $(if $(DRAWN),data,setup) ## Train, judge and publish a model, of the embedded data or of RECIPE
	@$(RUN) $(HUB) env RECIPE="$(TRAINED)" HF_REPO_ID="demo/$(basename $(notdir $(TRAINED)))" \
		$(if $(DRAWN),HF_LICENSE=cc0-1.0) python local_runner.py

# The data set's own faults are left out and named: nobody here can correct them.
PETS := $(or $(DATA_ROOT),data/pets)
demo-pets: setup ## Do the same with real photos, Oxford-IIIT Pet, which are downloaded (800 MB)
	@$(RUN) python -m tfrecords.create_tfrecords_pets --download data/pets-raw --output "$(PETS)" \
		--skip-invalid
	@$(MAKE) --no-print-directory demo RECIPE=pets DATA_ROOT="$(PETS)"

hub: setup ## Show what the demo published
	@$(RUN) $(HUB)

env: setup ## Write keys and passwords of the services on this machine to .env
	@$(RUN) python -m stores.local_keys

services: env databases ## Serve MLflow, PostgreSQL, PgPool and S3 as compose.yaml does in containers
	@$(RUN) python -m tests.services all --state output/services

mlflow: setup ## Serve MLflow on this machine, to look at runs
	@$(RUN) python -m tests.services mlflow --state output/mlflow

monitoring: setup ## Serve Prometheus and Alertmanager with the settings of monitoring/
	$(call install,$(ALERTING),does not start)
	@$(RUN) python -m tests.services monitoring --state output/monitoring

check: setup ## Name what is wrong or missing before a run
	@$(RUN) python -m pipeline check

report: setup ## Write the newest run's report again and open it
	@$(RUN) python -m pipeline report --open

app: setup ## Serve the newest pushed model to the browser
	@$(RUN) python -m pipeline app

notebooks: setup ## Open the notebooks in JupyterLab
	@$(RUN) jupyter lab --allow-root notebooks

serve: setup ## Serve the pushed model to programs, by TensorFlow Serving's REST protocol
	@$(RUN) python -m pipeline serve

serve-tfserving: setup ## Serve it with TensorFlow Serving itself, in a container
	@$(RUN) python -m serving config
	@$(RUN) python -m serving start --container

# Installs those of Debian's packages whose programs are missing: PACKAGE, or PACKAGE=PATTERN of a
# path. Without RUNLEVEL=1, PostgreSQL and PgPool would be started as servers of the machine.
define install
	@test $$(id -u) = 0 || as="sudo -n"; \
	for name in $(1); do \
		command -v $$name > /dev/null || compgen -G "$${name#*=}" > /dev/null || { \
			$${updated:-$$as apt-get update -qq} && updated=true \
				&& $$as env RUNLEVEL=1 apt-get install -yqq $${name%=*}; \
		} > /dev/null 2>&1 || echo "There is no $${name%=*}, and it cannot be installed: what needs it $(2)."; \
	done
endef
ALERTING := prometheus prometheus-alertmanager
DATABASES := postgresql=/usr/lib/postgresql/*/bin/postgres pgpool2=/usr/sbin/pgpool

databases:
	$(call install,$(DATABASES),does not start)

# The report and the app are tested in chromium, the workflows and the image with the others, tracked
# runs on PostgreSQL, and alerts on Prometheus.
system:
	$(call install,chromium buildah skopeo docker-registry debootstrap gh $(DATABASES) $(ALERTING),is not tested)

test: setup system ## Run the tests of all that a change of the product could break
	@$(PYTEST) --group=test

test-networks: setup system ## Run the tests that train, export and convert networks
	@$(PYTEST) --group=networks

test-emulators: setup system ## Run the tests of the emulated services themselves
	@$(PYTEST) --group=emulators

test-image: setup system ## Build the container image and look into it
	@$(PYTEST) --group=image

test-services: setup system ## Run the tests of data stores, which start S3 and lakeFS
	@$(PYTEST) --group=services

# tests/groups.toml has what each group depends on.
test-concerned: ## Run the groups beside `test` that changes concern: of SINCE, or of the last day
	@for group in $$(python3 -m tests.budget.groups $(addprefix --since=,$(SINCE))); do $(MAKE) test-$$group || exit 1; done

test-fast: setup system ## Run the tests that take under a minute
	@$(PYTEST) --group=test -m "not slow"

lint: setup ## Check style, types, imports, spelling, workflows, containers and infrastructure
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy
	@$(RUN) deptry .
	@$(RUN) deptry . --ignore DEP004 --exclude '(.*/)?\.(venv|tools)/|output/|data/|tests/serving/kserve'
	@$(RUN) typos
	@$(RUN) hadolint Dockerfile
	@$(RUN) check-jsonschema --builtin-schema vendor.compose-spec compose.yaml serving/compose.yaml
	@$(RUN) shellcheck .github/scripts/*
	@$(RUN) actionlint
	@$(RUN) zizmor --offline --persona=pedantic --quiet .github
	@$(UV) run --quiet --project infra/checkov --frozen checkov --directory infra --framework terraform \
		--skip-download --quiet --compact

format: setup ## Rewrite the sources in the project's style
	@$(RUN) ruff check --fix .
	@$(RUN) ruff format .

docs: setup ## Write what pages, .env.example and dashboards show of the code
	@$(RUN) python docs/generate.py

pictures: setup ## Take the pages' pictures of what `make demo` made
	@$(RUN) python docs/pictures.py

sbom: | $(UV) ## List what is installed, as CycloneDX, in output/sbom.json
	@mkdir -p output
	@$(UV) export --frozen --format cyclonedx1.5 --output-file output/sbom.json --quiet

audit: | $(UV) ## Look what is installed up in OSV's list of vulnerabilities
	@$(UV) audit --frozen --preview-features audit-command

bench: setup ## Measure each speed beside its peer and write benchmarks/results.json
	@$(RUN) python -m benchmarks

clean: ## Remove what the project made: environment, data and output
	rm -rf .venv infra/checkov/.venv tests/serving/kserve/.venv .tools data output .pytest_cache .mypy_cache .ruff_cache
