"""Runners: thin subclasses of mrjob's inline and local ones, with the same options, steps and counters.

    splits.py   what both change: inputs are opened by windrow, not copied line by line; reducers are as many as asked
    inline.py   every task in this process
    local.py    a process a core, forked from this one, so that imports are paid once
    tasks.py    running functions in forked processes

mrjob's own read a truncated gzip as a shorter one and a concatenated one as its first member, both with exit 0.
"""
