"""Runners: thin subclasses of mrjob's inline and local ones, with the same options, steps and counters.

    splits.py   what both change: inputs are opened by windrow, not copied line by line; reducers are as many as asked
    inline.py   every task in this process
    local.py    a process a core, forked from this one, so that imports are paid once
    tasks.py    running functions in forked processes
    streaming.py what the runners on Hadoop share: code and inputs on their way to the tasks
    hadoop.py   inputs on HDFS or here, outputs published there
    emr.py      inputs on S3 or here, a cluster of EMR, outputs published by S3's own copies
    emr_cluster.py the request for a cluster; emr_request.py what is checked of it before anything is paid for
    failures.py why a step failed there
    spark.py    Spark's secondary sort as the shuffle; spark_driver.py its JVM, spark_tasks.py what its workers run

mrjob's own read a truncated gzip as a shorter one and a concatenated one as its first member, both with exit 0.
"""

from typing import Any

import windrow.runners.compat  # noqa: F401  mrjob needs what it brings


def find(alias: str) -> Any:
    """windrow's runner of that name, or None for mrjob's own; loaded only where it is used."""
    if alias == "inline":
        from windrow.runners.inline import InlineRunner

        return InlineRunner
    if alias == "local":
        from windrow.runners.local import LocalRunner

        return LocalRunner
    if alias == "hadoop":
        from windrow.runners.hadoop import HadoopRunner

        return HadoopRunner
    if alias == "emr":
        from windrow.runners.emr import EMRRunner

        return EMRRunner
    if alias == "spark":
        from windrow.runners.spark import SparkRunner

        return SparkRunner
    return None


def more_arguments(runner: Any, job: Any) -> dict[str, Any]:
    """What windrow's runners take beside mrjob's arguments."""
    if not runner.__module__.startswith("windrow."):
        return {}
    if runner.alias in ("local", "inline"):
        return {"task": job.task}
    if runner.alias == "hadoop":
        return {"environment": job.options.environment}
    if runner.alias == "emr":
        return {"environment": job.options.environment, "quiet": job.options.quiet}
    if runner.alias == "spark":
        return {"verbose": job.options.verbose}
    return {}
