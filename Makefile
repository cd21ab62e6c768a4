# Every target says what it does; `make` alone lists them.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo cluster cluster-jars emr-jars cluster-stop cluster-status test test-quick test-cluster test-full lint types bench bench-cluster bench-pairs bench-plan bench-scaling bench-sweep bench-memory emr-requirements clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/.plot  ## install, average the sample bars, draw them
	@rm -rf out/demo && mkdir -p out
	$(BIN)/windrow moving-average --indicator sma:20 --indicator ema:12 -o out/demo data/bars.csv
	@echo "its first rows, from out/demo/part-00000:" && head -n 3 out/demo/part-00000
	$(BIN)/windrow plot out/demo --bars data/bars.csv -o out/demo.html --force

# The Python of the cluster's tasks; another than the .venv's must have what windrow needs.
CLUSTER_PYTHON ?= $(CURDIR)/$(BIN)/python
CLUSTER_NEEDS := $(if $(filter $(CURDIR)/$(BIN)/python,$(CLUSTER_PYTHON)),$(if $(wildcard $(VENV)/.test $(VENV)/.lint),,$(VENV)/.plot))

cluster: emr-jars  ## a one-machine Hadoop in .cluster/, started or mended: its first time takes a minute
	@tests/cluster/cluster start $(CLUSTER_PYTHON)
	@echo "Hadoop is up. To try a job on it, and to stop it:"
	@echo "    .cluster/hadoop fs -mkdir -p /bars && .cluster/hadoop fs -put -f data/bars.csv /bars/"
	@echo "    $(BIN)/windrow moving-average -r hadoop -c .cluster/mrjob.conf hdfs:///bars/"
	@echo "    make cluster-stop"

cluster-jars: $(CLUSTER_NEEDS)  ## Hadoop's jars only, for jobs in one process: -r hadoop -c .cluster/mrjob-local.conf
	@tests/cluster/cluster jars $(CLUSTER_PYTHON)

emr-jars: cluster-jars  ## what Hadoop's S3A needs too: tests run steps of EMR on it
	@tests/runners/emr/jars

cluster-stop:  ## stop it; what is on its HDFS stays
	@tests/cluster/cluster stop

cluster-status:  ## which of its daemons are healthy
	@tests/cluster/cluster status

# A process a core; a file's tests stay in one, where they share what they have set up. In the order of the folders: files of
# few and long tests come early, not last.
PARALLEL := -n auto --dist loadfile --no-loadscope-reorder

test: $(VENV)/.test $(VENV)/.peers $(VENV)/.spark  ## install what the tests need and run them
	$(BIN)/python -m pytest $(PARALLEL) $(PYTEST)

# What no version of Python changes: numpy's and arrow's work, pages, README, Hadoop, Spark, benchmarks, packed
# environments.
QUICK := -k 'not run_in_it' --ignore=windrow/runners/spark_tasks.py $(addprefix --ignore=tests/,cluster sort_keys windows \
	trading sweeps pages commands peers storage feeds sinks emr runners/emr runners/test_spark.py bars exact frames sample \
	jobs/test_invariance_signals.py jobs/test_backtest.py jobs/test_crossover.py jobs/test_sweep.py mapreduce/test_slices.py \
	test_readme.py test_docs.py test_benchmarks.py test_times.py)

test-quick: $(VENV)/.test  ## what another Python can change: make test-quick PYTHON=python3.13 VENV=.venv-3.13
	$(BIN)/python -m pytest $(PARALLEL) --quiet $(QUICK) $(PYTEST)

test-cluster: $(VENV)/.test  ## what needs the one-machine Hadoop: jobs on it, and its faults; ten minutes
	CI=true $(BIN)/python -m pytest -m "cluster and not full" tests/cluster tests/runners/emr/test_cluster.py tests/storage/s3/test_hadoop.py $(PYTEST)

test-full: $(VENV)/.test $(VENV)/.peers $(VENV)/.spark  ## all tests: the whole matrices of invariance runs too; an hour and a half
	CI=true $(BIN)/python -m pytest $(PARALLEL) -m "not cluster" $(PYTEST)
	CI=true $(BIN)/python -m pytest -m cluster tests/cluster tests/runners/emr tests/storage/s3 $(PYTEST)

lint: $(VENV)/.lint  ## ruff: rules and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.lint  ## mypy, strict on sort_keys and windrow
	$(BIN)/mypy

bench: $(VENV)/.bench  ## windrow and its peers on the same bars, in turn; hours, or BENCH="--bars 1e6 --runs 3"
	$(BIN)/python benchmarks/bench.py $(BENCH)

bench-cluster: $(VENV)/.bench cluster  ## the same on the one-machine Hadoop, beside a record a bar; half an hour
	$(BIN)/python benchmarks/cluster.py $(BENCH)

bench-pairs: $(VENV)/.bench  ## windrow beside itself: windows, prices, formats, slices; ten minutes
	$(BIN)/python benchmarks/pairs.py $(BENCH)

bench-scaling: $(VENV)/.bench  ## how cost grows, and a model of it, for docs/scaling.md; half an hour
	$(BIN)/python benchmarks/scaling.py $(BENCH)

bench-plan: $(VENV)/.test cluster  ## what Hadoop adds to a job's work, for `windrow emr plan`; ten minutes
	$(BIN)/python benchmarks/plan.py $(BENCH)

bench-sweep: $(VENV)/.bench  ## a sweep beside vectorbt's and backtrader's, and 10,000 pairs on a million bars
	$(BIN)/python benchmarks/sweep.py $(BENCH)

bench-memory: $(VENV)/.test  ## peak memory at 1 and 10 million bars of one symbol
	$(BIN)/python benchmarks/memory.py

emr-requirements: $(BIN)/python  ## windrow/emr/requirements.txt from setup.cfg: what nodes of EMR install, with hashes
	$(BIN)/python emr/pin.py

clean: cluster-stop  ## remove what these targets made
	rm -rf .venv* .cluster out build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# One file a set of extras says that it is installed.
$(VENV)/.%: setup.cfg pyproject.toml | $(BIN)/python
	@echo "installing windrow and what '$*' needs into $(VENV)"
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --editable '.[$*]'  # setuptools warns of itself
	@touch $@

$(BIN)/python:
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade pip
