"""Code blocks of the README and of docs/, as the instructions that they are to a reader."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

_BLOCK = re.compile(
    r"(?:^(New file|Edit) `([^`\n]+)`:\n\n)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """A fenced block: a new file or an edit of a file, if the line before says so."""

    kind: Literal["New file", "Edit", ""]
    path: str
    language: str
    text: str

    def apply(self, folder: Path) -> None:
        """Write the new file, or edit an existing one, in a copy of the project."""
        file = folder / self.path
        if self.kind == "New file":
            assert not file.exists(), f"{self.path} is there already"
            file.write_text(self.text, encoding="utf-8")
            return
        lines = [(line[:1], line[1:]) for line in self.text.splitlines(keepends=True)]
        assert {sign for sign, _ in lines} <= set("+- "), f"no edit of {self.path}: {self.text}"
        before = "".join(line for sign, line in lines if sign in "- ")
        after = "".join(line for sign, line in lines if sign in "+ ")
        text = file.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{self.path} does not have once:\n{before}"
        file.write_text(text.replace(before, after), encoding="utf-8")


def read_blocks(document: Path) -> list[Block]:
    """Read all fenced blocks of a document in order."""
    text = document.read_text(encoding="utf-8")
    blocks = [Block(*(part or "" for part in match)) for match in _BLOCK.findall(text)]
    assert 2 * len(blocks) == len(re.findall("^```", text, re.MULTILINE)), f"{document}: a fence"
    return blocks


def read_commands(document: Path) -> Iterator[str]:
    """Yield the commands of a document's shell blocks, without their comments."""
    for block in read_blocks(document):
        if block.language == "sh":
            for line in block.text.splitlines():
                command = line.partition(" #")[0].strip()
                if command:
                    yield command
