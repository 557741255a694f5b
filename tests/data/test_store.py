"""The format of examples: what is stored comes back, in equal bytes, and damage is refused."""

from __future__ import annotations

import hashlib
import json
import zipfile

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deltaloss.core.errors import DataError
from deltaloss.data.store import load_examples, load_manifest, save_chunks, save_examples
from deltaloss.puzzles.base import Examples


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
    save_examples(folder / "whole.npz", make(), manifest={})
    return (folder / "whole.npz").read_bytes()


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "train.npz"
    save_examples(path, make(), manifest={"task": "mazes"})
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


@settings(max_examples=60)
@given(examples=any_examples(), step=st.integers(1, 9))
def test_examples_come_back_and_chunks_change_no_byte(folder, examples, step):
    path, cut = folder / "any.npz", folder / "cut.npz"
    save_examples(path, examples, manifest={"task": "mazes"})
    loaded = load_examples(path)
    assert same(loaded, examples)
    for bits in (loaded.inputs, loaded.targets):
        assert bits.dtype == np.uint8
        assert bits.flags.c_contiguous
        assert bits.flags.writeable
    parts = [slice(start, start + step) for start in range(0, len(examples) or 1, step)]
    chunks = [
        Examples(inputs=examples.inputs[part], targets=examples.targets[part]) for part in parts
    ]
    save_chunks(cut, iter(chunks), manifest={"task": "mazes"})
    assert cut.read_bytes() == path.read_bytes()
    assert load_manifest(cut) == load_manifest(path)
    assert load_manifest(path)["digest"] == examples.digest()


def test_views_are_stored_as_they_look(tmp_path):
    whole = make(count=8)
    view = Examples(inputs=whole.inputs[::-2, :, ::-1], targets=whole.targets[::-2, ::-1])
    save_examples(tmp_path / "view.npz", view, manifest={})
    assert same(load_examples(tmp_path / "view.npz"), view)


def test_equal_examples_are_equal_bytes_without_times(stored, tmp_path):
    again = tmp_path / "elsewhere" / "test.npz"
    save_examples(again, make(), manifest={"another": "manifest"})
    assert again.read_bytes() == stored.read_bytes()
    assert sorted(path.name for path in again.parent.iterdir()) == ["test.json", "test.npz"]
    with zipfile.ZipFile(stored) as archive:
        members = archive.infolist()
    assert {member.date_time for member in members} == {(1980, 1, 1, 0, 0, 0)}
    assert {member.compress_type for member in members} == {zipfile.ZIP_STORED}


def test_the_bytes_are_those_of_earlier_versions(stored):
    """Other bytes, even of equal examples, would train every model again."""
    recorded = "a6dadf64cd1c0af478c99df85d51877cedd48558a90e159c76ef2540c26c52b9"
    assert hashlib.sha256(stored.read_bytes()).hexdigest() == recorded


def test_a_bit_takes_a_bit(tmp_path):
    examples = make(count=1000, channels=12, pixels=(8, 8))
    save_examples(tmp_path / "chess.npz", examples, manifest={})
    bits = examples.inputs.size + examples.targets.size
    assert (tmp_path / "chess.npz").stat().st_size < bits / 8 + 2000


def test_the_manifest_holds_what_was_given_and_what_was_measured(stored):
    manifest = json.loads(stored.with_suffix(".json").read_text(encoding="utf-8"))
    del manifest["json_sha256"]
    assert manifest == load_manifest(stored)
    assert len(bytes.fromhex(manifest.pop("digest"))) == 32
    assert manifest == {
        "task": "mazes",
        "count": 5,
        "inputs_shape": [5, 3, 4, 7],
        "targets_shape": [5, 4, 7],
    }


def test_the_digest_tells_examples_apart(tmp_path):
    first = make()
    flipped, answered = first.inputs.copy(), first.targets.copy()
    flipped[-1, -1, -1, -1] ^= 1
    answered[0, 0, 0] ^= 1
    different = [
        first,
        Examples(inputs=flipped, targets=first.targets),
        Examples(inputs=first.inputs, targets=answered),
        Examples(inputs=first.inputs.reshape(5, 3, 7, 4), targets=first.targets.reshape(5, 7, 4)),
    ]
    digests = []
    for examples in [*different, make()]:
        save_examples(tmp_path / "some.npz", examples, manifest={"digest": "not this"})
        digests.append(load_manifest(tmp_path / "some.npz")["digest"])
    assert len(set(digests)) == len(different)
    assert digests[-1] == digests[0]
    assert "not this" not in digests


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        pytest.param([], "no examples", id="no chunks"),
        pytest.param([(8, 1, 3), (8, 1, 4)], "different shapes", id="two sizes"),
    ],
)
def test_chunks_that_are_no_set_are_refused(tmp_path, shapes, words):
    chunks = [
        Examples(inputs=np.zeros(one, np.uint8), targets=np.zeros((one[0], one[2]), np.uint8))
        for one in shapes
    ]
    with pytest.raises(ValueError, match=words):
        save_chunks(tmp_path / "x.npz", chunks, manifest={})
    assert list(tmp_path.iterdir()) == []


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


def refused(call, path):
    with pytest.raises(DataError) as caught:
        call(path)
    text = str(caught.value)
    assert text.startswith(f"{path}:")
    assert "\n" not in text


def test_the_file_like_ours_loads(tmp_path):
    numpy_file(tmp_path / "some.npz")
    assert load_examples(tmp_path / "some.npz").inputs.shape == (2, 1, 4)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"targets": None}, id="no targets"),
        pytest.param({"inputs_shape": None}, id="no shape"),
        pytest.param({"inputs": np.zeros(2, np.uint8)}, id="more bits"),
        pytest.param({"inputs": np.zeros(0, np.uint8)}, id="fewer bits"),
        pytest.param({"inputs": np.zeros(1, np.float64)}, id="floats"),
        pytest.param({"inputs": np.array([None])}, id="objects"),
        pytest.param({"inputs_shape": np.array([-2, -1, 4])}, id="negative shape"),
        pytest.param({"inputs_shape": np.array(8)}, id="number as shape"),
        pytest.param({"inputs_shape": np.zeros(0, np.int64)}, id="empty shape"),
        pytest.param({"inputs_shape": np.array([1, 1, 8])}, id="another shape"),
    ],
)
def test_arrays_of_something_else_are_refused(tmp_path, changes):
    numpy_file(tmp_path / "some.npz", **changes)
    refused(load_examples, tmp_path / "some.npz")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"PK", id="two letters of a zip"),
        pytest.param(b"\x93NUMPY", id="array"),
        pytest.param(b"\x80\x04N.", id="pickle"),
        pytest.param(b"board,move\n1,2\n", id="table"),
    ],
)
def test_files_of_another_kind_are_refused(tmp_path, content):
    (tmp_path / "some.npz").write_bytes(content)
    refused(load_examples, tmp_path / "some.npz")


def test_a_zip_of_texts_a_bare_array_a_folder_and_nothing_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "texts.npz", "w") as archive:
        for name in ("inputs", "inputs_shape", "targets", "targets_shape"):
            archive.writestr(name, "text")
    np.save(tmp_path / "bare.npy", np.zeros(3))
    for name in ("texts.npz", "bare.npy", ".", "absent.npz"):
        refused(load_examples, tmp_path / name)


@settings(max_examples=200)
@given(data=st.data())
def test_damage_is_refused_or_changes_no_example(folder, whole_file, data):
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
    except DataError:
        refused(load_examples, path)
    else:
        assert same(loaded, make())


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half"),
        pytest.param(b"[1, 2]", id="list"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(None, id="absent"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_refused(tmp_path, content):
    path = tmp_path / "some.json"
    if content is not None:
        path.write_bytes(content)
    refused(load_manifest, path)
