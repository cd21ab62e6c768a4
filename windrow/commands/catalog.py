"""The click group `windrow catalog`."""

import click


@click.group()
def catalog() -> None:
    """Watch a Glue Data Catalog: its tables, what they store, and how they grow."""
