"""What the tests of reports share: outputs to report on, and a browser to look at pages with."""

import shutil

import pytest

from tests.needs import require
from tests.pages.report.outputs import Outputs


@pytest.fixture
def outputs(tmp_path):
    """Writes outputs into the test's own folder."""
    return Outputs(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Writes outputs that a file's tests share."""
    return Outputs(tmp_path_factory.mktemp("outputs"))


@pytest.fixture(scope="module")
def chromium():
    """A real Chromium, the system's."""
    require("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        browser = running.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()
