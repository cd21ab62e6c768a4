"""The tools of the `windrow` command, found by module name."""
