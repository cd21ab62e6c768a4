"""Notebooks, run in a folder of their own, and looked at as they are stored."""

import re

import nbformat
from nbclient import NotebookClient

SECONDS = 600


def outputs_of(path, folder, parameters=None):
    """What the cells of a notebook print and show, run in `folder`; `parameters` replaces the cell of that tag."""
    notebook = nbformat.read(path, as_version=4)
    [cell] = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
    cell.source = cell.source if parameters is None else parameters
    NotebookClient(notebook, timeout=SECONDS, resources={"metadata": {"path": str(folder)}}).execute()
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def printed(outputs):
    """What was written to standard output."""
    return "".join(one.text for one in outputs if one.output_type == "stream" and one.name == "stdout")


def assert_clean(path):
    """It is stored without outputs, which have paths and times of the machine on which it ran."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert cells and all(cell.outputs == [] and cell.execution_count is None for cell in cells)
    assert not re.search(r"/home/|/root/|/tmp/|/Users/", path.read_text())
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
