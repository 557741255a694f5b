"""MkDocs: the README as the first page, and links to files outside docs/."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]

_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:|#)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the README and the published pictures."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    text = _LINK.sub(lambda found: _written(found, f"../{found[3]}"), readme)
    files.append(File.generated(config, "index.md", content=text))
    for path in sorted(ROOT.glob("results/published/*/figures/*.png")):
        name = path.relative_to(ROOT).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links out of docs/ to the repository; without its address they become plain text."""

    def lead(found: re.Match[str]) -> str:
        target = normpath(str(PurePosixPath("docs", found[3])))
        if target.startswith("docs/"):
            return found[0]
        if found[1]:
            return _written(found, target)
        if config.repo_url:
            return _written(found, f"{config.repo_url.rstrip('/')}/blob/main/{target}")
        return f"`{found[2]}`" if "/" in found[2] or "." in found[2] else found[2]

    return _LINK.sub(lead, markdown)


def _written(found: re.Match[str], target: str) -> str:
    inside = normpath(target)
    if inside.startswith("../docs/"):
        target = inside.removeprefix("../docs/")
    return f"{found[1]}[{found[2]}]({target}{found[4] or ''})"
