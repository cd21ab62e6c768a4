"""The jobs, one a file; each runs as `python -m jobs.NAME`, or by `windrow NAME`."""
