# `make` alone lists the targets.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

# Set in many containers: then each process of the tests would compile windrow, and each worker all tests, anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo demo-stream demo-sp500 demo-catalog cluster cluster-jars emr-jars cluster-stop cluster-status test test-quick test-attack test-peers test-spark test-hadoop test-cluster test-streams test-sql test-learn test-catalog test-s3 test-pages test-docs test-emr test-options test-processes test-kerberos kafka kafka-stop mariadb mariadb-stop test-full lint types bench bench-catalog bench-cluster bench-guard bench-learn bench-pairs bench-plan bench-streams bench-sql bench-scaling bench-sweep bench-memory emr-requirements clean

help:  ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

demo: $(VENV)/.plot  ## install windrow, average the sample bars and draw them
	@rm -rf out/demo && mkdir -p out
	$(BIN)/windrow moving-average --indicator sma:20 --indicator ema:12 -o out/demo data/bars.csv
	@echo "its first rows, from out/demo/part-00000:" && head -n 3 out/demo/part-00000
	$(BIN)/windrow plot out/demo --bars data/bars.csv -o out/demo.html --force

demo-stream: $(VENV)/.demo  ## a stream, a sweep on it, results on S3 and a forward test, on emulators; needs node and npm
	@$(BIN)/python tests/streams/demo.py

demo-sp500: $(VENV)/.sp500  ## 20 companies: collected into SQLite, viewed, normalised, forecast on 1 and 2 workers, one page
	@$(BIN)/python tests/market/demo.py

demo-catalog: $(VENV)/.lake  ## 300 tables in three accounts on an emulator of AWS: collected, queried, their use and growth, one page
	@$(BIN)/python tests/catalog/demo.py

# The Python of the cluster's tasks; one other than the .venv's must have the packages that windrow needs.
CLUSTER_PYTHON ?= $(CURDIR)/$(BIN)/python
CLUSTER_NEEDS := $(if $(filter $(CURDIR)/$(BIN)/python,$(CLUSTER_PYTHON)),$(if $(wildcard $(VENV)/.test $(VENV)/.lint),,$(VENV)/.plot))

cluster: emr-jars  ## start a one-machine Hadoop in .cluster/, or what of it is not running; the first time takes a minute
	@tests/cluster/cluster start $(CLUSTER_PYTHON)
	@echo "Hadoop is up. To try a job on it, and to stop it:"
	@echo "    .cluster/hadoop fs -mkdir -p /bars && .cluster/hadoop fs -put -f data/bars.csv /bars/"
	@echo "    $(BIN)/windrow moving-average -r hadoop -c .cluster/mrjob.conf hdfs:///bars/"
	@echo "    make cluster-stop"

cluster-jars: $(CLUSTER_NEEDS)  ## download Hadoop's jars only, for jobs in one process: -r hadoop -c .cluster/mrjob-local.conf
	@tests/cluster/cluster jars $(CLUSTER_PYTHON)

emr-jars: cluster-jars  ## download the jars of Hadoop's S3A too, for the tests that run steps of EMR
	@tests/runners/emr/jars

cluster-stop:  ## stop the one-machine Hadoop; its HDFS is kept
	@tests/cluster/cluster stop

cluster-status:  ## show which of its daemons are healthy
	@tests/cluster/cluster status

kafka:  ## start a one-node Kafka of its own on 127.0.0.1:9192, for trials; the first time takes a minute
	@tests/streams/kafka start
	@echo "Kafka is up, at kafka://127.0.0.1:9192/TOPIC; stop it by: make kafka-stop"

kafka-stop:  ## stop it; its topics are kept
	@tests/streams/kafka stop

mariadb:  ## start a MariaDB of its own on 127.0.0.1, for trials; needs mariadb-server
	@tests/sql/mariadb start
	@echo "MariaDB is up; stop it by: make mariadb-stop"

mariadb-stop:  ## stop it; its tables are kept
	@tests/sql/mariadb stop

# A process a core; the tests of a file stay in one process, where they share what they have set up. In the order of the
# folders: files with few and long tests come early, not last.
PARALLEL := -n auto --dist loadfile --no-loadscope-reorder
# Files that hold tests with a mark.
marked = $(shell grep -rl --include='test_*.py' 'mark\.$(1)\b' tests)

test: $(VENV)/.test  ## install what the tests need and run them; ten minutes on two cores
	$(BIN)/python -m pytest $(PARALLEL) $(PYTEST)

test-quick: $(VENV)/.test  ## the tests that another Python can change: make test-quick PYTHON=python3.13 VENV=.venv-3.13
	$(BIN)/python -m pytest $(PARALLEL) --quiet --hypothesis-profile=few -m 'not (one_python or full or hadoop or cluster or peers or spark or streams or sql or learn or catalog or s3 or pages or docs or emr or options or processes or kerberos)' $(PYTEST)

test-peers: $(VENV)/.test $(VENV)/.peers  ## compare backtests with those of backtrader and vectorbt, and try the benchmarks
	$(BIN)/python -m pytest $(PARALLEL) -m 'peers and not full' tests/peers $(call marked,peers) $(PYTEST)

test-spark: $(VENV)/.test $(VENV)/.spark  ## the tests on Spark; needs Java 17
	$(BIN)/python -m pytest -m 'spark and not full' windrow/runners/spark_tasks.py $(call marked,spark) $(PYTEST)

test-hadoop: $(VENV)/.test $(VENV)/.keras  ## the other tests on Hadoop in one process, of which test runs a few, and on a clean node; needs Java 17 and Maven
	$(BIN)/python -m pytest $(PARALLEL) -m 'hadoop and not (full or cluster)' tests/cluster tests/runners/emr tests/runners/test_pack.py tests/emr/test_files.py $(PYTEST)

test-streams: $(VENV)/.test  ## the tests on kinesis-local and a real Kafka; needs node, npm, Java 17 and Maven
	$(BIN)/python -m pytest $(PARALLEL) -m 'streams and not (full or hadoop or spark)' $(shell grep -rlwE --include='test_*.py' 'kinesis|kafka|no_stream|no_topic|mark.streams' tests) $(PYTEST)

test-sql: $(VENV)/.test  ## the tests on servers of MariaDB and PostgreSQL of their own; needs mariadb-server and postgresql
	$(BIN)/python -m pytest $(PARALLEL) -m 'sql and not (full or hadoop)' tests/sql $(shell grep -rlwE --include='test_*.py' 'mariadb|postgres|mark.sql|DATABASES|SERVERS' tests) $(PYTEST)

test-learn: $(VENV)/.test $(VENV)/.keras  ## the tests of forecasts, with jax, and Keras beside it
	$(BIN)/python -m pytest $(PARALLEL) -m 'learn and not (full or hadoop or peers)' $(call marked,learn) $(PYTEST)

test-catalog: $(VENV)/.test  ## the tests of data catalogs on an emulator of AWS, with DuckDB and in Chromium
	$(BIN)/python -m pytest $(PARALLEL) -m 'catalog and not (full or hadoop or peers)' tests/catalog $(call marked,catalog) $(PYTEST)

test-s3: $(VENV)/.test  ## the tests of objects on an emulator of S3: jobs on them, and what S3 refuses
	$(BIN)/python -m pytest $(PARALLEL) -m 's3 and not (full or hadoop or cluster or spark)' tests/storage/s3 $(PYTEST)

test-pages: $(VENV)/.test  ## the tests of pages and their pictures, many looked at in Chromium
	$(BIN)/python -m pytest $(PARALLEL) -m 'pages and not (full or catalog)' tests/pages $(call marked,pages) $(PYTEST)

test-docs: $(VENV)/.test  ## README, the guides and the notebook, typed in by a newcomer, and the wheel, installed
	$(BIN)/python -m pytest $(PARALLEL) -m 'docs and not full' $(call marked,docs) $(PYTEST)

test-emr: $(VENV)/.test  ## the tests of clusters of EMR: their files, plans and prices, and what EMR refuses
	$(BIN)/python -m pytest $(PARALLEL) -m 'emr and not (full or hadoop or cluster)' tests/emr tests/runners/emr $(PYTEST)

test-options: $(VENV)/.test  ## each option of each job, each pair of a run's settings, and completion in shells
	$(BIN)/python -m pytest $(PARALLEL) -m 'options and not (full or learn or spark)' $(call marked,options) $(PYTEST)

test-processes: $(VENV)/.test  ## processes that are ended, on a terminal, or without room; how much memory they take
	$(BIN)/python -m pytest $(PARALLEL) -m 'processes and not (full or sql or streams)' $(call marked,processes) $(PYTEST)

test-kerberos: $(VENV)/.test $(VENV)/.kerberos  ## the tests with a Kerberos of its own; needs krb5-kdc, krb5-admin-server, krb5-user, and libkrb5-dev and gcc to build gssapi
	$(BIN)/python -m pytest -m kerberos $(call marked,kerberos) $(PYTEST)

test-cluster: $(VENV)/.test  ## the tests on the one-machine Hadoop: jobs on it, and its failures; ten minutes
	CI=true $(BIN)/python -m pytest -m 'cluster and not full' tests/cluster tests/runners/emr/test_cluster.py tests/storage/s3/test_hadoop.py $(PYTEST)

test-full: $(VENV)/.test $(VENV)/.peers $(VENV)/.spark $(VENV)/.keras $(VENV)/.kerberos  ## all tests, with whole matrices and many more examples; two hours
	CI=true $(BIN)/python -m pytest $(PARALLEL) --hypothesis-profile=nightly -m 'not cluster' $(PYTEST)
	CI=true $(BIN)/python -m pytest -m cluster tests/cluster tests/runners/emr tests/storage/s3 $(PYTEST)

test-attack: $(VENV)/.test  ## attack windrow at random and count wrong results; ten minutes, less with ATTACK="--seconds 120"
	$(BIN)/python -m tests.attack $(ATTACK)

lint: $(VENV)/.lint  ## check rules and format with ruff
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.lint  ## check types with mypy
	$(BIN)/mypy

bench: $(VENV)/.bench  ## measure windrow and its peers on the same bars; hours, less with BENCH="--bars 1e6 --runs 3"
	$(BIN)/python benchmarks/bench.py $(BENCH)

bench-catalog: $(VENV)/.test  ## measure what sizes of tables cost beside boto3's own listing, their memory, and the views of queries; seven minutes
	$(BIN)/python benchmarks/catalog.py $(BENCH)
	$(BIN)/python benchmarks/catalog_views.py

bench-cluster: $(VENV)/.bench cluster  ## the same on the one-machine Hadoop, beside one record per bar; half an hour
	$(BIN)/python benchmarks/cluster.py $(BENCH)

bench-pairs: $(VENV)/.bench  ## compare windrow with itself: windows, prices, formats, slices; ten minutes
	$(BIN)/python benchmarks/pairs.py $(BENCH)

bench-streams: $(VENV)/.test  ## measure what reading a stream costs beside its client alone; a minute
	$(BIN)/python benchmarks/streams.py $(BENCH)

bench-sql: $(VENV)/.test  ## measure what a database costs: loading beside LOAD DATA, reading beside fetching rows; three minutes
	$(BIN)/python benchmarks/sql.py $(BENCH)

bench-scaling: $(VENV)/.bench  ## measure how cost grows, and fit a model of it, for docs/scaling.md; half an hour
	$(BIN)/python benchmarks/scaling.py $(BENCH)

bench-plan: $(VENV)/.test cluster  ## measure what Hadoop adds to a job's work, for `windrow emr plan`; ten minutes
	$(BIN)/python benchmarks/plan.py $(BENCH)

bench-sweep: $(VENV)/.bench  ## compare a sweep with vectorbt's and backtrader's; 10,000 pairs on a million bars
	$(BIN)/python benchmarks/sweep.py $(BENCH)

bench-guard: $(VENV)/.bench  ## compare this commit with the last release, or BENCH="--against COMMIT"; 5 % slower is red; ten minutes
	$(BIN)/python benchmarks/guard.py $(BENCH)

bench-learn: $(VENV)/.keras  ## compare training on one worker and on two, and 500 symbols on one core and two; ten minutes
	$(BIN)/python benchmarks/learn.py $(BENCH)

bench-memory: $(VENV)/.test  ## measure peak memory at 1 and 10 million bars of one symbol
	$(BIN)/python benchmarks/memory.py

emr-requirements: $(BIN)/python  ## write windrow/emr/requirements.txt from setup.cfg: what EMR's nodes install, with hashes
	$(BIN)/python emr/pin.py

clean: cluster-stop kafka-stop mariadb-stop  ## remove everything that these targets made
	rm -rf .venv* .cluster .streams .sql out build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# A file for each set of extras that is installed.
$(VENV)/.%: setup.cfg pyproject.toml | $(BIN)/python
	@echo "installing windrow and what '$*' needs into $(VENV)"
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --editable '.[$*]'  # setuptools' own warnings
	@touch $@

$(BIN)/python:
	@[ -n '$(PYTHON)' ] || { echo "error: no Python was found; install 3.11, on Debian: apt-get install python3.11-venv"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }  # which without ensurepip leaves one that has no pip
	@$(BIN)/python -m pip install --quiet --upgrade pip
