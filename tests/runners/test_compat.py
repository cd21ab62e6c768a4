"""mrjob imports on Pythons that lack what it imports, and never drags setuptools into a task."""

import importlib
import os
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from windrow.runners import compat

ROOT = Path(__file__).parents[2]
KNOW_MRJOB = [
    "windrow.mapreduce.barjob",
    *(f"windrow.runners.{path.stem}" for path in (ROOT / "windrow/runners").glob("[a-z]*.py")),
]
KNOW_SPARK = {"windrow.runners.spark_tasks"}
#: Hides distutils and pipes from whatever Python starts with it, submission or task, as 3.13 does.
HIDE = """
import sys

class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("distutils", "pipes"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hide())
"""


@pytest.fixture
def hiding(tmp_path):
    """Runs Python in another directory, distutils and pipes hidden from it and its children."""
    (tmp_path / "sitecustomize.py").write_text(HIDE)
    env = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}

    def run(*args):
        return subprocess.run([sys.executable, *args], env=env, cwd=tmp_path, capture_output=True, text=True)

    return run


def test_the_names_are_really_hidden(hiding):
    assert "No module named 'distutils'" in hiding("-c", "import distutils.version").stderr
    assert "No module named 'pipes'" in hiding("-c", "import mrjob.util").stderr


@pytest.mark.parametrize(
    "module", [pytest.param(name, marks=pytest.mark.spark if name in KNOW_SPARK else ()) for name in KNOW_MRJOB]
)
def test_who_imports_mrjob_brings_what_it_lacks(hiding, module):
    done = hiding("-c", f"import {module}, mrjob.emr, mrjob.hadoop")
    assert (done.returncode, done.stderr) == (0, "")


def test_mrjob_works_with_what_it_is_given(hiding):
    code = (
        "import windrow.runners.compat, mrjob.compat as c, mrjob.util as u;"
        " print(c.uses_yarn('2.7.1'), u.cmd_line(['a b']))"
    )
    assert hiding("-c", code).stdout == "True 'a b'\n"


def test_a_job_and_its_tasks_run_the_same(hiding):
    bars = str(ROOT / "data" / "bars.csv")
    args = ["-m", "jobs.moving_average", "--window", "20", "--quiet", bars]
    done = hiding(*args, "-r", "local", "--task-python-bin", sys.executable)
    assert done.returncode == 0, done.stderr
    plain = subprocess.run([sys.executable, *args], cwd=ROOT, capture_output=True, text=True).stdout
    assert sorted(done.stdout.splitlines()) == sorted(plain.splitlines())


def test_nothing_stays_that_is_not_there_without_windrow(hiding):
    assert "No module named 'distutils'" in hiding("-c", "import windrow.runners.compat, distutils").stderr


def python(code):
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_task_does_not_load_setuptools():
    names = python("import sys, windrow.mapreduce.barjob; print(*{name.split('.')[0] for name in sys.modules})")
    assert not {"setuptools", "pkg_resources", "distutils"} & set(names)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="has no distutils of its own")
def test_whoever_imports_distutils_finds_the_real_one():
    assert python("import windrow.runners.compat, distutils.version as v; print(hasattr(v, 'StrictVersion'))") == [
        "True"
    ]
    before = (
        "import distutils.version as v, windrow.runners.compat, mrjob.compat as m;"
        " print(m.LooseVersion is v.LooseVersion)"
    )
    assert python(before) == ["True"]


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="has no pipes of its own")
def test_pipes_is_the_real_one_where_there_is_one():
    assert python("import windrow.runners.compat, pipes; print(hasattr(pipes, 'Template'))") == ["True"]


# In order, from oldest to newest; the two of a tuple are equal.
VERSIONS = ["0", "0.18", "0.20", "0.20.203", "1.0.3", "2.0", "2.0.0", "2.7.1", "2.7.1-amzn-1", "2.10", "3.0.0", "3.4.2"]


@pytest.mark.parametrize("versions", list(pairwise(VERSIONS)), ids="<".join)
def test_versions_compare_as_numbers(versions):
    old, new = map(compat.LooseVersion, versions)
    assert old < new > old <= new >= old != new
    assert old < versions[1]
    assert not new < old
    assert old == versions[0] and hash(old) == hash(compat.LooseVersion(versions[0]))


def test_a_number_against_a_word_is_refused_as_by_distutils():
    with pytest.raises(TypeError):
        assert compat.LooseVersion("1.a") < compat.LooseVersion("1.2")
    with pytest.raises(TypeError):
        assert compat.LooseVersion("1") < 1
    assert compat.LooseVersion("1") != 1


@pytest.fixture
def original():
    """A module of distutils: Python's, or the one of setuptools."""
    return lambda name: pytest.importorskip(f"distutils.{name}", reason="no distutils to compare with")


@pytest.mark.filterwarnings("ignore:distutils Version classes")
@pytest.mark.parametrize(
    "text", [*VERSIONS, "1.5.2b2", "161", "3.10a", "1996.07.12", "2g6", "1.13++", "A.b-C_d", "", "٣.1"]
)
def test_versions_are_those_of_distutils(original, text):
    real, ours = original("version").LooseVersion(text or None), compat.LooseVersion(text)
    assert ours.version == getattr(real, "version", [])
    if text:
        assert (str(ours), repr(ours)) == (str(real), repr(real))


@pytest.mark.parametrize("name", ["sh", "ls", "no-such-program", "", "{here}/plain", "plain", "folder"])
@pytest.mark.parametrize("path", [None, "", "/nowhere:{here}:/bin", "{here}"])
def test_executables_are_those_of_distutils(original, tmp_path, name, path):
    (tmp_path / "plain").write_text("not executable, and found")
    (tmp_path / "folder").mkdir()
    name, path = name.format(here=tmp_path), path and path.format(here=tmp_path)
    assert compat.find_executable(name, path) == original("spawn").find_executable(name, path)


@pytest.mark.parametrize("text", ["", "plain", "a b", "it's", '"', "$HOME", "é", "a\nb", "-r", "*"])
def test_pipes_quote_is_shlex_quote(monkeypatch, text):
    monkeypatch.setitem(sys.modules, "pipes", None)
    compat.supply_pipes()
    assert sys.modules["pipes"].quote(text) == shlex.quote(text)
    assert shlex.split(importlib.import_module("pipes").quote(text)) == [text]


def test_a_task_does_not_load_http_and_mrjobs_functions_that_need_it_do():
    assert python("import sys, windrow.mapreduce.barjob; print('urllib.request' in sys.modules)") == ["False"]
    called = (
        "import windrow.runners.compat, mrjob.py2 as m;"
        " print(m.pathname2url('a b'), m.urlopen('data:,x').read().decode())"
    )
    assert python(called) == ["a%20b", "x"]


def test_yaml_is_loaded_where_it_is_used(tmp_path):
    assert python("import sys, windrow.mapreduce.barjob; print('yaml.loader' in sys.modules)") == ["False"]
    assert python("import windrow.mapreduce.barjob, yaml; print(yaml.safe_load('[1]'))") == ["[1]"]
    conf = tmp_path / "mrjob.conf"
    conf.write_text("runners:\n  local:\n    num_cores: 3\n")
    read = (
        "import windrow.mapreduce.barjob, mrjob.conf as m;"
        f" print(m.load_opts_from_mrjob_conf('local', {str(conf)!r})[0][1])"
    )
    assert python(read) == ["{'num_cores':", "3}"]
