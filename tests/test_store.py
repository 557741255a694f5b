"""The format of examples: what is stored comes back, in equal bytes, and damage shows."""

from __future__ import annotations

import json
import zipfile

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deltaloss.datasets.store import (
    Examples,
    load_card,
    load_examples,
    save_chunks,
    save_examples,
)
from deltaloss.errors import DataError


def make(count=5, channels=3, pixels=(4, 7), seed=0):
    random = np.random.default_rng(seed)
    return Examples(
        inputs=random.integers(2, size=(count, channels, *pixels), dtype=np.uint8),
        targets=random.integers(2, size=(count, *pixels), dtype=np.uint8),
    )


def same(one, other):
    return np.array_equal(one.inputs, other.inputs) and np.array_equal(one.targets, other.targets)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def whole_file(folder):
    save_examples(folder / "whole.npz", make(), card={})
    return (folder / "whole.npz").read_bytes()


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "train.npz"
    save_examples(path, make(), card={"task": "mazes"})
    return path


@st.composite
def any_examples(draw):
    count, channels = draw(st.integers(0, 9)), draw(st.integers(1, 4))
    pixels = draw(st.lists(st.integers(1, 9), min_size=1, max_size=2))
    bits = st.integers(0, 1)
    return Examples(
        inputs=draw(arrays.arrays(np.uint8, (count, channels, *pixels), elements=bits)),
        targets=draw(arrays.arrays(np.uint8, (count, *pixels), elements=bits)),
    )


@settings(max_examples=40, deadline=None)
@given(examples=any_examples())
def test_what_is_stored_comes_back(folder, examples):
    path = folder / "any.npz"
    save_examples(path, examples, card={})
    loaded = load_examples(path)
    assert same(loaded, examples)
    for bits in (loaded.inputs, loaded.targets):
        assert bits.dtype == np.uint8
        assert bits.flags.c_contiguous
        assert bits.flags.writeable


def test_views_are_stored_as_they_look(tmp_path):
    whole = make(count=8)
    view = Examples(inputs=whole.inputs[::-2, :, ::-1], targets=whole.targets[::-2, ::-1])
    save_examples(tmp_path / "view.npz", view, card={})
    assert same(load_examples(tmp_path / "view.npz"), view)


def test_equal_examples_are_equal_bytes(stored, tmp_path):
    again = tmp_path / "elsewhere" / "test.npz"
    save_examples(again, make(), card={"another": "card"})
    assert again.read_bytes() == stored.read_bytes()
    with zipfile.ZipFile(stored) as archive:
        members = archive.infolist()
    assert {member.date_time for member in members} == {(1980, 1, 1, 0, 0, 0)}
    assert {member.compress_type for member in members} == {zipfile.ZIP_STORED}


def test_a_bit_takes_a_bit(tmp_path):
    examples = make(count=1000, channels=12, pixels=(8, 8))
    save_examples(tmp_path / "chess.npz", examples, card={})
    bits = examples.inputs.size + examples.targets.size
    assert (tmp_path / "chess.npz").stat().st_size < bits / 8 + 2000


def test_the_card_holds_what_was_given_and_what_was_measured(stored):
    card = load_card(stored.with_suffix(".json"))
    digest = card.pop("digest")
    assert card == {
        "task": "mazes",
        "count": 5,
        "inputs_shape": [5, 3, 4, 7],
        "targets_shape": [5, 4, 7],
    }
    assert len(bytes.fromhex(digest)) == 32


def test_the_digest_tells_examples_apart(tmp_path):
    first = make()
    flipped = first.inputs.copy()
    flipped[-1, -1, -1, -1] ^= 1
    answered = first.targets.copy()
    answered[0, 0, 0] ^= 1
    different = [
        first,
        Examples(inputs=flipped, targets=first.targets),
        Examples(inputs=first.inputs, targets=answered),
        Examples(inputs=first.inputs.reshape(5, 3, 7, 4), targets=first.targets.reshape(5, 7, 4)),
    ]
    digests = []
    for examples in [*different, make()]:
        save_examples(tmp_path / "some.npz", examples, card={"digest": "not this"})
        digests.append(load_card(tmp_path / "some.json")["digest"])
    assert len(set(digests)) == len(different)
    assert digests[-1] == digests[0]
    assert "not this" not in digests


@pytest.mark.parametrize(
    ("inputs", "targets", "part"),
    [
        (np.zeros((2, 1, 4), np.uint8), np.zeros((3, 4), np.uint8), "do not fit"),
        (np.zeros((2, 1, 4), np.uint8), np.zeros((2, 5), np.uint8), "do not fit"),
        (np.zeros((2, 1, 4), np.uint8), np.zeros((2, 1, 4), np.uint8), "do not fit"),
        (np.zeros((2, 4), np.uint8), np.zeros(2, np.uint8), "do not fit"),
        (np.zeros((2, 1, 4), np.float32), np.zeros((2, 4), np.uint8), "inputs are float32"),
        (np.zeros((2, 1, 4), np.uint8), np.zeros((2, 4), bool), "targets are bool"),
        (np.full((2, 1, 4), 2, np.uint8), np.zeros((2, 4), np.uint8), "inputs hold 2"),
        (np.zeros((2, 1, 4), np.uint8), np.full((2, 4), 255, np.uint8), "targets hold 255"),
    ],
)
def test_other_arrays_are_refused(inputs, targets, part):
    with pytest.raises(DataError, match=part):
        Examples(inputs=inputs, targets=targets)


def numpy_file(path, **changes):
    """Write a file like ours, but for `changes`; None leaves an array out."""
    good = {
        "inputs": np.zeros(1, np.uint8),
        "inputs_shape": np.array([2, 1, 4]),
        "targets": np.zeros(1, np.uint8),
        "targets_shape": np.array([2, 4]),
    }
    kept = {name: value for name, value in {**good, **changes}.items() if value is not None}
    np.savez(path, **kept)


def test_the_file_like_ours_loads(tmp_path):
    numpy_file(tmp_path / "some.npz")
    assert load_examples(tmp_path / "some.npz").inputs.shape == (2, 1, 4)


@pytest.mark.parametrize(
    "changes",
    [
        {"targets": None},
        {"inputs_shape": None},
        {"inputs": np.zeros(2, np.uint8)},
        {"inputs": np.zeros(0, np.uint8)},
        {"inputs": np.zeros(1, np.float64)},
        {"inputs": np.array([None])},
        {"inputs_shape": np.array([-2, -1, 4])},
        {"inputs_shape": np.array(8)},
        {"inputs_shape": np.zeros(0, np.int64)},
        {"inputs_shape": np.array([1, 1, 8])},
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path, changes):
    path = tmp_path / "some.npz"
    numpy_file(path, **changes)
    with pytest.raises(DataError) as caught:
        load_examples(path)
    assert_one_line(caught.value, path)


@pytest.mark.parametrize("content", [b"", b"PK", b"\x93NUMPY", b"\x80\x04N.", b"board,move\n1,2\n"])
def test_a_file_that_is_no_archive_is_refused(tmp_path, content):
    path = tmp_path / "some.npz"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        load_examples(path)
    assert_one_line(caught.value, path)


def test_an_archive_of_texts_is_refused(tmp_path):
    path = tmp_path / "texts.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("inputs", "inputs_shape", "targets", "targets_shape"):
            archive.writestr(name, "text")
    with pytest.raises(DataError) as caught:
        load_examples(path)
    assert_one_line(caught.value, path)


def test_a_bare_array_a_folder_and_nothing_are_refused(tmp_path):
    np.save(tmp_path / "bare.npy", np.zeros(3))
    for name in ("bare.npy", ".", "absent.npz"):
        with pytest.raises(DataError) as caught:
            load_examples(tmp_path / name)
        assert_one_line(caught.value, tmp_path / name)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_damage_never_changes_examples(folder, whole_file, data):
    """One byte changed, or the end cut off: refused, or of no consequence (dates, say)."""
    path = folder / "damaged.npz"
    content = bytearray(whole_file)
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[place:]
    else:
        content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        loaded = load_examples(path)
    except DataError as error:
        assert_one_line(error, path)
    else:
        assert same(loaded, make())


@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2]", b"\xff\xfe", None])
def test_a_card_that_cannot_be_read_is_refused(tmp_path, content):
    path = tmp_path / "card.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        load_card(path)
    assert_one_line(caught.value, path)


def test_the_card_is_json_that_other_programs_read(stored):
    text = stored.with_suffix(".json").read_text(encoding="utf-8")
    assert json.loads(text) == load_card(stored.with_suffix(".json"))


def assert_one_line(error, path):
    text = str(error)
    assert text.startswith(f"{path}:")
    assert "\n" not in text


@pytest.mark.parametrize("cut", [8, 16, 24])
def test_chunks_give_the_bytes_of_the_whole(tmp_path, cut):
    random = np.random.default_rng(0)
    inputs = random.integers(2, size=(29, 3, 5, 5), dtype=np.uint8)
    whole = Examples(inputs=inputs, targets=inputs[:, 0].copy())
    chunks = [
        Examples(inputs=whole.inputs[i : i + cut], targets=whole.targets[i : i + cut])
        for i in range(0, 29, cut)
    ]
    save_examples(tmp_path / "a" / "x.npz", whole, card={"task": "mazes"})
    save_chunks(tmp_path / "b" / "x.npz", iter(chunks), card={"task": "mazes"})
    for name in ("x.npz", "x.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert load_card(tmp_path / "b" / "x.json")["digest"] == whole.digest()
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == ["x.json", "x.npz"]


def test_chunks_that_do_not_fit_are_refused(tmp_path):
    def chunk(count: int, bits: int) -> Examples:
        zeros = np.zeros((count, 1, bits), dtype=np.uint8)
        return Examples(inputs=zeros, targets=zeros[:, 0])

    for chunks, words in (
        ([], "no examples"),
        ([chunk(8, 3), chunk(8, 4)], "different shapes"),
        ([chunk(3, 3), chunk(8, 3)], "whole bytes"),
    ):
        with pytest.raises(ValueError, match=words):
            save_chunks(tmp_path / "x.npz", chunks, card={})
        assert list(tmp_path.iterdir()) == []
