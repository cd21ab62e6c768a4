"""`windrow pack`: the file is a Python with all that tasks import, on a node that has none of it."""

import os
import py_compile
import shutil
import subprocess
import sys
import types
from importlib import metadata
from importlib.util import cache_from_source
from pathlib import Path
from zipfile import ZipFile

import pytest

from windrow import cli
from windrow.errors import InputError
from windrow.runners import pack, unpack

ROOT = Path(__file__).parents[2]
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
#: A Python without packages: the one that the tests' environment was made from.
BARE = os.path.realpath(getattr(sys, "_base_executable", sys.executable))


class Node:
    """A machine with sh and a bare Python; nothing of the tests' environment is visible on it."""

    def __init__(self, folder, file):
        self.folder, self.file, self.root = folder, file, folder / "root"
        self.path = folder / "bin"
        self.path.mkdir()
        (self.path / f"python{VERSION}").symlink_to(BARE)
        for tool in ("sh", "id", "mkdir", "sort"):
            (self.path / tool).symlink_to(shutil.which(tool))

    def environment(self, **env):
        return {"PATH": str(self.path), "WINDROW_ENV_ROOT": str(self.root), **env}

    def start(self, *args, **env):
        return subprocess.Popen(
            [str(self.file), *args], env=self.environment(**env), cwd=self.folder, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *args, stdin="", **env):
        process = self.start(*args, **env)
        out, err = process.communicate(stdin)
        return process.returncode, out, err

    def place(self, **env):
        """The folder that the file unpacked itself into."""
        status, out, err = self.run("-c", "import sys; print(sys.prefix)", **env)
        assert status == 0, err
        return Path(out.strip()).parent


@pytest.fixture
def node(tmp_path, monkeypatch):
    """A node with a small file: sort_keys without its dependencies, quickly packed and unpacked."""
    monkeypatch.setattr(pack, "OURS", ("sort_keys",))
    monkeypatch.setattr(pack, "TASKS_NEED", ())
    file = tmp_path / "small.pyz"
    pack.pack(file)
    return Node(tmp_path, file)


def test_it_is_a_python(node):
    (node.folder / "folder").mkdir()
    script = node.folder / "folder" / "script.py"
    script.write_text("import sys, sort_keys\nprint(sys.argv, sys.path[0], sys.stdin.read())\nsys.exit(7)\n")
    status, out, err = node.run(str(script), "a b", "$c", "", stdin="given")
    assert (status, err) == (7, "")
    assert out == f"{[str(script), 'a b', '$c', '']} {script.parent} given\n"


def test_it_holds_its_own_packages_and_no_others(node):
    code = "import sort_keys, sys; print(sort_keys.__file__.startswith(sys.prefix)); import numpy"
    status, out, err = node.run("-c", code)
    assert (status, out) == (1, "True\n")
    assert "No module named 'numpy'" in err


def test_pythonpath_takes_precedence(node):
    (node.folder / "sort_keys.py").write_text("name = 'shipped'")
    assert node.run("-c", "import sort_keys; print(sort_keys.name)", PYTHONPATH=str(node.folder))[1] == "shipped\n"


def test_a_link_to_it_works_too(node):
    """The distributed cache hands it out so."""
    link = node.folder / "windrow.pyz"
    link.symlink_to(node.file)
    assert subprocess.run(["sh", link.name, "-c", ""], cwd=node.folder, env=node.environment()).returncode == 0
    assert subprocess.run(["./windrow.pyz", "-c", ""], cwd=node.folder, env=node.environment()).returncode == 0


def test_tasks_that_start_at_once_unpack_it_once(node):
    code = "import sort_keys, sys; print(sys.prefix)"
    tasks = [node.start("-c", code) for _ in range(8)]
    [(prefix, err)] = {task.communicate() for task in tasks}
    assert err == ""
    assert sorted(os.listdir(node.root)) == [Path(prefix.strip()).name, f"{Path(prefix.strip()).name}.lock"]


def test_it_is_unpacked_once(node):
    node.run("-c", "")
    [home] = node.root.glob("env-*[!k]")
    (home / "seen").touch()
    node.run("-c", "")
    assert (home / "seen").exists()


def test_a_half_unpacked_environment_is_not_used(node):
    """What a killed task left: a part of it, and a lock that nobody holds."""
    home = node.root / f"env-{pack._digest(dict(pack.task_files()))}"
    (node.root / f"{home.name}.part" / "lib").mkdir(parents=True)
    Path(f"{home}.lock").touch()
    assert node.place() == node.root
    assert (home / "bin" / "python").exists()


def test_it_is_unpacked_again_if_its_python_has_been_removed(node):
    node.run("-c", "")
    [python] = node.root.glob("env-*/bin/python")
    python.unlink()
    python.symlink_to("/gone/python")
    assert node.run("-c", "print(1)") == (0, "1\n", "")


def test_places_in_order(node):
    folder = node.folder
    local, cache, home, tmp = (folder / name for name in ("yarn", "cache", "home", "tmp"))
    env = {"LOCAL_DIRS": f"{local},/other", "XDG_CACHE_HOME": str(cache), "HOME": str(home), "TMPDIR": str(tmp)}
    places = [node.root, local, cache / "windrow", home / ".cache" / "windrow", tmp / f"windrow-{os.getuid()}"]
    for gone, place in zip([None, "WINDROW_ENV_ROOT", "LOCAL_DIRS", "XDG_CACHE_HOME", "HOME"], places, strict=True):
        env |= {gone: ""} if gone else {}
        assert node.place(**env) == place


def test_a_read_only_home_is_skipped(node):
    """YARN's containers have HOME=/home/."""
    tmp = node.folder / "tmp"
    assert node.place(WINDROW_ENV_ROOT="", HOME="/proc", TMPDIR=str(tmp)) == tmp / f"windrow-{os.getuid()}"
    assert (tmp / f"windrow-{os.getuid()}").stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make another user's folder")
def test_a_folder_of_another_user_is_not_trusted(node):
    other = node.folder / f"windrow-{os.getuid()}"
    other.mkdir()
    os.chown(other, 1234, 1234)
    status, _, err = node.run("-c", "", WINDROW_ENV_ROOT="", HOME="", TMPDIR=str(node.folder))
    assert status == 1
    assert err == (
        f"{node.file}: no folder to unpack into: set WINDROW_ENV_ROOT to a folder of this user's with 200 MB free\n"
    )


def test_a_node_without_the_python(node):
    """An older one named python3, and a command that fails, as pyenv's do for versions that are not installed."""
    (node.path / f"python{VERSION}").unlink()
    (node.path / "python3").write_text("#!/bin/sh\nexit 1\n")
    (node.path / "python3").chmod(0o755)
    message = f"{node.file}: Python {VERSION} was not found: install it, or set WINDROW_PYTHON to its path\n"
    assert node.run("-c", "") == (127, "", message)
    assert node.run("-c", "", WINDROW_PYTHON=BARE) == (0, "", "")


def test_python3_is_used_if_it_is_the_right_version(node):
    (node.path / f"python{VERSION}").rename(node.path / "python3")
    assert node.run("-c", "") == (0, "", "")


def test_a_folder_that_cannot_be_written_to(tmp_path, node):
    refusal = unpack.main(str(tmp_path / "none.pyz"), str(tmp_path / "home"))
    assert refusal.startswith(f"{tmp_path}/none.pyz: cannot be unpacked into {tmp_path}: [Errno 2] No such file")
    assert refusal.endswith("; set WINDROW_ENV_ROOT to a folder with free space")
    assert not list(tmp_path.glob("home.[!l]*"))


def test_a_distribution_without_a_list_of_its_files(monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    for files in (lambda name: None, absent):
        monkeypatch.setattr(metadata, "files", files)
        with pytest.raises(InputError) as caught:
            dict(pack.task_files())
        assert str(caught.value) == (
            "mrjob: its installation has no list of its files: the tasks' environment is packed from that list; install"
            " it with: pip install --force-reinstall mrjob"
        )


def test_the_same_environment_makes_the_same_bytes(node, tmp_path):
    again = tmp_path / "again.pyz"
    pack.pack(again)
    assert again.read_bytes() == node.file.read_bytes()


def test_the_command(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(pack, "OURS", ("sort_keys",))
    monkeypatch.setattr(pack, "TASKS_NEED", ())
    monkeypatch.chdir(tmp_path)
    assert cli.main(["pack"]) == 0
    size = Path("windrow.pyz").stat().st_size
    assert capsys.readouterr().out == (
        f"packed {size:,} bytes into windrow.pyz\nrun a job with it: -r hadoop --environment windrow.pyz\n"
    )
    assert cli.main(["pack"]) == 1
    assert "error: windrow.pyz: already exists: choose another name, or replace it with --force" in (
        capsys.readouterr().err
    )
    assert cli.main(["pack", "--force"]) == 0
    assert os.listdir() == ["windrow.pyz"]


def test_our_own_packages_as_a_zip(tmp_path, monkeypatch):
    """Importable as it is; the same files make the same bytes; a `jobs` of somebody else's on the path is not ours."""
    (tmp_path / "theirs/jobs").mkdir(parents=True)
    (tmp_path / "theirs/jobs/__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path / "theirs"))
    one, two = (pack.zip_own_packages(tmp_path / name) for name in ("one.zip", "two.zip"))
    assert one.read_bytes() == two.read_bytes()
    names = ZipFile(one).namelist()
    assert {"jobs/sweep.py", "sort_keys/keys.py", "windrow/cli.py", "windrow/pages/page.css"} <= set(names)
    assert names == sorted(names) and not [name for name in names if name.endswith(".pyc")]
    code = "import jobs.sweep, sort_keys, windrow; print(jobs.__file__, sort_keys.__file__, windrow.__file__)"
    env = {**os.environ, "PYTHONPATH": str(one)}
    done = subprocess.run([sys.executable, "-c", code], env=env, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.split() == [f"{one}/{package}/__init__.py" for package in pack.OURS], done.stderr


@pytest.fixture
def cached(tmp_path):
    """A package of one module that has been imported, and so is cached, in a zip; its folder."""
    source = tmp_path / "root/cached/one.py"
    source.parent.mkdir(parents=True)
    source.write_text("NUMBER = 1\n")
    py_compile.compile(str(source))
    with ZipFile(tmp_path / "code.zip", "w") as archive:
        archive.write(source, "cached/one.py")
        archive.writestr("cached/__init__.py", "")
    sys.modules["cached.one"] = types.SimpleNamespace(__file__=str(source))
    yield source
    del sys.modules["cached.one"]


#: Tells what Python compiles of the zip on its path, which it does twice.
COMPILES = """
import zipimport
compiled = []
compile_source = zipimport._compile_source
zipimport._compile_source = lambda path, source: compiled.append(path) or compile_source(path, source)
import cached.one
print(sorted({path.rpartition("/")[2] for path in compiled}), cached.one.NUMBER)
"""


def imports_from(archive):
    env = {**os.environ, "PYTHONPATH": str(archive)}
    return subprocess.run([sys.executable, "-c", COMPILES], env=env, capture_output=True, text=True, check=True).stdout


def test_a_task_compiles_no_source_whose_bytecode_was_sent(tmp_path, cached):
    archive = tmp_path / "code.zip"
    assert imports_from(archive) == "['__init__.py', 'one.py'] 1\n"
    pack.add_bytecode(archive, tmp_path / "root")
    assert ZipFile(archive).namelist() == ["cached/one.py", "cached/__init__.py", "cached/one.pyc"]
    assert imports_from(archive) == "['__init__.py'] 1\n"


def test_bytecode_of_another_python_is_compiled_instead(tmp_path, cached, monkeypatch):
    monkeypatch.setattr(pack, "MAGIC_NUMBER", b"\x00\x00\r\n")
    place = Path(cache_from_source(str(cached)))
    place.write_bytes(b"\x00\x00\r\n" + place.read_bytes()[4:])
    pack.add_bytecode(tmp_path / "code.zip", tmp_path / "root")
    assert "cached/one.pyc" in ZipFile(tmp_path / "code.zip").namelist()
    assert imports_from(tmp_path / "code.zip") == "['__init__.py', 'one.py'] 1\n"


@pytest.mark.parametrize("change", ["older", "other source", "none", "not imported"])
def test_bytecode_that_may_not_be_of_the_source_is_not_sent(tmp_path, cached, change):
    if change == "older":
        os.utime(cached, (1, 1))
    elif change == "other source":
        with ZipFile(tmp_path / "code.zip", "w") as archive:
            archive.writestr("cached/one.py", "NUMBER = 2\n")
    elif change == "none":
        Path(cache_from_source(str(cached))).unlink()
    else:
        sys.modules["cached.one"].__file__ = "elsewhere.py"
    before = ZipFile(tmp_path / "code.zip").namelist()
    pack.add_bytecode(tmp_path / "code.zip", tmp_path / "root")
    assert ZipFile(tmp_path / "code.zip").namelist() == before


@pytest.mark.learn
def test_an_environment_that_learns_trains_on_a_bare_node(tmp_path):
    size = pack.pack(tmp_path / "learn.pyz", learning=True)
    node = Node(tmp_path, tmp_path / "learn.pyz")
    status, out, err = node.run("-c", LEARNS)
    assert (status, out) == (0, "False True\n"), err
    assert size < 200e6


LEARNS = """
import importlib.util, numpy as np, jax
from pathlib import Path
from windrow.learn.network import Lstm
from windrow.learn.training import Adam, Recipe, Series, train
rows = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
network = Lstm(2, 4)
series = Series(rows, rows[:, 0].copy(), np.arange(200))
done = train(network, Recipe(), Adam.of(network, network.initial(0)), series, range(2), (0, 0))
print(importlib.util.find_spec("scipy") is not None, any(Path(jax.__file__).parent.glob("__pycache__/*.pyc")))
"""


def test_what_is_packed():
    names = set(dict(pack.task_files()))
    assert {
        "windrow/mapreduce/barjob.py",
        "windrow/pages/page.html",
        "jobs/rejects.py",
        "sort_keys/keys.py",
    } <= names
    assert {"numpy/__init__.py", "pyarrow/csv.py", "yaml/__init__.py", "mrjob/job.py", "orjson/__init__.py"} <= names
    assert not {name for name in names if name.endswith(".pyc") or "tests" in name.split("/")}
    assert not {name for name in names if name.split("/")[0] in ("pandas", "click", "rich", "bin", "..")}


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A node with the whole environment."""
    folder = tmp_path_factory.mktemp("pack")
    file = folder / "windrow.pyz"
    assert pack.pack(file) < 100 << 20
    return Node(folder, file)


@pytest.mark.one_python
@pytest.mark.hadoop
@pytest.mark.parametrize("reading", [[], ["--timezone", "America/New_York"]], ids=["dates", "zone"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_mappers_and_reducers_run_in_it(real, run_module, tmp_path, reading, suffix):
    """Parquet and time zones, for which pyarrow looks for packages that tasks do not have."""
    bars = tmp_path / f"bars.{suffix}"
    assert cli.main(["sample", str(bars), "--symbols", "3", "--spacing", "5min", "--order", "shuffled"]) == 0
    args = ["--indicator", "sma:20", "--indicator", "ema:5", "--quiet", *reading, bars]
    packed = ["-r", "local", "--files", real.file, "--task-python-bin", f"./{real.file.name}"]
    inline = run_module("jobs.moving_average", *args)
    done = run_module("jobs.moving_average", *packed, *args, env=real.environment())
    assert done.status == 0, done.err
    assert done.lines == inline.lines
    assert done.lines


@pytest.mark.hadoop  # whose tests have packed it anyway
def test_what_tasks_import_is_in_it(real):
    status, out, _ = real.run("-c", "import jobs.moving_average, jobs.rejects, numpy; print(numpy.__file__)")
    assert status == 0
    assert out.startswith(str(real.root))
