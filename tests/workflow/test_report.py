"""The report in a browser."""

from __future__ import annotations

import zipfile

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from ..browser import browser, severe_messages
from .projects import TINY

pytestmark = pytest.mark.system
__all__ = ["browser"]  # a fixture
CATEGORIES = {  # and how many results each has, with one experiment of three puzzles
    "Claims": 1,
    "Figures": 1,
    "Seeds and tests": 4,
    "Settings and data": 2,
    "Tables": 5,
}
SECONDS = 30.0


@pytest.fixture(scope="module")
def report(tiny_run):
    for name in ("report.html", "report.zip"):
        tiny_run.make("--report", name, preset=TINY)
    return tiny_run.folder


def shown(browser, selector):
    return [one for one in browser.find_elements(By.CSS_SELECTOR, selector) if one.is_displayed()]


def click(browser, selector, text=None, place=0):
    def found(_):
        return [one for one in shown(browser, selector) if text is None or one.text == text]

    WebDriverWait(browser, SECONDS).until(lambda b: found(b)[place:])[0].click()


def test_every_page_and_picture_opens_and_no_script_fails(report, browser):
    address = (report / "report.html").as_uri()
    seen = {"img": 0, "iframe": 0}
    for category, count in CATEGORIES.items():
        for place in range(count):
            browser.get(address)
            click(browser, "a", category)
            click(browser, "a[iconname=eye]", place=place)
            what = "img" if category == "Figures" else "iframe"
            WebDriverWait(browser, SECONDS).until(lambda b, what=what: shown(b, what))
            view = max(shown(browser, what), key=lambda one: one.size["width"])
            if what == "img":
                assert view.size["width"] > 300
            else:
                browser.switch_to.frame(view)
                assert shown(browser, "table"), category
                browser.switch_to.default_content()
            seen[what] += 1
    assert seen == {"img": 1, "iframe": sum(CATEGORIES.values()) - 1}
    assert severe_messages(browser) == []


def test_the_first_page_explains_the_workflow(report, browser):
    browser.get((report / "report.html").as_uri())
    click(browser, "a", "Workflow")
    WebDriverWait(browser, SECONDS).until(lambda b: "a reproduction of" in b.page_source)
    assert "System Message" not in browser.page_source


def test_the_archive_holds_the_same_results(report):
    with zipfile.ZipFile(report / "report.zip") as archive:
        names = archive.namelist()
    kept = [name for name in names if name.endswith((".html", ".svg")) and "/data/" in name]
    assert len(kept) >= sum(CATEGORIES.values())
