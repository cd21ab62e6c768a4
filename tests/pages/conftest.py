"""What the tests of pages share: outputs to show, and a browser to look at pages with."""

import re
import shutil

import pytest

from tests.needs import require
from tests.pages.browser import Looker
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
def unpictured():
    """Draws no pictures, which take longer than pages: tests of pictures are apart."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("windrow.pages.vega.png", lambda chart, scale: b"a picture")
        yield


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


@pytest.fixture
def look(chromium):
    """Opens pages; afterwards none has said a word, or asked for anything but itself."""
    looker = Looker(chromium)
    yield looker.open
    violations = [tab.evaluate("window.violations ?? []") for one in chromium.contexts for tab in one.pages]
    for context in chromium.contexts:
        context.close()
    assert (looker.heard, violations) == ([], [[]] * len(violations))
    assert all(re.match(r"file:.*\.html$|data:,$", url) for url in looker.asked)
