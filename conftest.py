"""What pytest cannot import for its doctests: where Spark is not installed, what Spark's workers run."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("pyspark") else ["windrow/runners/spark_tasks.py"]
