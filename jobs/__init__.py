"""The jobs, one per file; `windrow NAME` runs one."""
