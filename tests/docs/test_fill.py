"""The parts of the README that are filled from published results."""

from __future__ import annotations

import pytest

from docs.fill import README, changes, fill


def test_the_readme_has_the_published_numbers():
    assert list(changes(README.read_text(encoding="utf-8"))) == []


def test_a_number_that_was_typed_is_replaced():
    text = README.read_text(encoding="utf-8")
    typed = text.replace("**holds**", "**does not hold**", 1)
    assert typed != text
    assert fill(typed) == text
    (stale,) = changes(typed)
    assert "**holds**" in stale


def test_a_document_without_a_place_is_refused():
    with pytest.raises(ValueError, match="one place for ledger"):
        fill("<!-- filled: quick -->\n<!-- end -->\n")
