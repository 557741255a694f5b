"""The parts of README and docs/ that are made of published results, the schema and the config."""

from __future__ import annotations

import pytest

from docs.fill import DOCUMENTS, fill

README, *_, CONFIGURATION = DOCUMENTS


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_is_as_its_sources_make_it(document):
    text = document.read_text(encoding="utf-8")
    assert fill(text, DOCUMENTS[document]) == text, "run python -m docs.fill"


def test_what_was_typed_is_replaced():
    text = README.read_text(encoding="utf-8")
    typed = text.replace("**holds**", "**does not hold**", 1)
    assert typed != text
    assert fill(typed, DOCUMENTS[README]) == text


def test_a_document_without_a_place_is_refused():
    with pytest.raises(ValueError, match="one place for gpu"):
        fill("<!-- filled: quick -->\n<!-- end -->\n", DOCUMENTS[README])


def test_every_key_of_the_config_is_explained():
    text = CONFIGURATION.read_text(encoding="utf-8")
    for key in ("data_seed", "max_gigabytes", "learning_rate", "data.orientation", "network.head"):
        line = next(line for line in text.splitlines() if line.startswith(f"| `{key}` |"))
        assert len(line.split("|")[4].strip()) > 10, line
