"""The site made of README and docs/."""

from __future__ import annotations

import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from ..browser import browser, severe_messages
from ..workflow.projects import ROOT, run

pytestmark = pytest.mark.system
__all__ = ["browser"]  # a fixture


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = run(["mkdocs", "build", "--strict", "--site-dir", str(folder)], ROOT)
    assert done.returncode == 0, (
        done.stderr
    )  # strict: a warning, such as of a lost link, is an error
    return folder


def test_every_document_is_a_page_that_the_navigation_leads_to(site):
    index = (site / "index.html").read_text()
    for document in (ROOT / "docs").glob("*.md"):
        assert (site / document.stem / "index.html").is_file()
        assert f'href="{document.stem}/"' in index


def test_no_link_leads_nowhere_and_no_page_asks_another_server(site):
    pages = sorted(site.rglob("index.html"))
    targets = [
        (page, unquote(target))
        for page in pages
        for target in re.findall(r'(?:href|src)="([^"#]+)', page.read_text())
    ]
    outside = {target for _, target in targets if "://" in target}
    lost = [
        (page, target)
        for page, target in targets
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert len(targets) > 100
    assert lost == []
    loaded = {t for t in outside if re.search(r"\.(css|js|woff2?)($|\?)", t)}
    assert loaded == set()


def test_published_pictures_are_shown(site):
    for page, source in (("index.html", "README.md"), ("quick/index.html", "docs/quick.md")):
        named = re.findall(r"!\[[^\]]*\]\([^)]*results/published/", (ROOT / source).read_text())
        pictures = re.findall(r'<img[^>]* src="([^"]+)"', (site / page).read_text())
        assert named
        assert len([one for one in pictures if "results/published/" in one]) == len(named)


@pytest.fixture(scope="module")
def address(site):
    handler = partial(SimpleHTTPRequestHandler, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_pages_open_with_their_pictures_and_no_script_fails(address, browser):
    shown = 0
    for page in ("", *(f"{path.stem}/" for path in (ROOT / "docs").glob("*.md"))):
        browser.get(f"{address}/{page}")
        assert browser.find_elements("css selector", "article h1"), page
        widths = "return [...document.querySelectorAll('article img')].map(i => i.naturalWidth)"
        pictures = browser.execute_script(widths)
        assert all(width > 100 for width in pictures), page
        shown += len(pictures)
    assert shown > 5
    assert severe_messages(browser) == []
