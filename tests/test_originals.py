"""The original puzzles: read as the package reads them, and refused when they are hostile."""

from __future__ import annotations

import io
import os
import pickle
import shutil
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from easy_to_hard_data import ChessPuzzleDataset, MazeDataset, PrefixSumDataset

from deltaloss.datasets import originals
from deltaloss.datasets.archives import extract
from deltaloss.datasets.originals import read_chess, read_mazes, read_prefix_sums
from deltaloss.errors import DataError

DATA = Path(os.environ.get("DATA_DIR", Path(__file__).resolve().parents[2] / "shared" / "data"))


def refusal(call, *args, **kwargs):
    """Give the one line of a refusal."""
    with pytest.raises(DataError) as caught:
        call(*args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def bits(*shape, seed=0):
    return np.random.default_rng(seed).integers(2, size=shape)


def save(path, values):
    """Save as the published scripts do."""
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, values)
    else:
        torch.save(values if isinstance(values, torch.Tensor) else torch.from_numpy(values), path)


@pytest.fixture
def folder(tmp_path):
    """Give a folder of small archives of noise, in the types of the published scripts."""
    strings, chess, mazes = (
        tmp_path / name for name in ("prefix_sums_data", "chess_data", "maze_data_train_5")
    )
    save(strings / "7_data.pth", bits(20, 7, seed=1).astype(np.float32))
    save(strings / "7_targets.pth", bits(20, 7, seed=2).astype(np.float32))
    save(chess / "data.pth", bits(20, 12, 8, 8, seed=3).astype(np.float32))
    save(chess / "targets.pth", bits(20, 8, 8, seed=4))
    save(chess / "who_moves.pth", bits(20, 1, seed=5).astype(np.float32))
    save(mazes / "inputs.npy", bits(20, 3, 16, 16, seed=6).astype(np.float64))
    save(mazes / "solutions.npy", bits(20, 16, 16, seed=7).astype(np.float64))
    return tmp_path


READERS = {
    "prefix_sums_data/7_data.pth": lambda folder, **rows: read_prefix_sums(folder, bits=7, **rows),
    "prefix_sums_data/7_targets.pth": lambda folder, **rows: read_prefix_sums(
        folder, bits=7, **rows
    ),
    "chess_data/data.pth": lambda folder, **rows: read_chess(
        folder, orientation="released", **rows
    ),
    "chess_data/targets.pth": lambda folder, **rows: read_chess(
        folder, orientation="aligned", **rows
    ),
    "chess_data/who_moves.pth": lambda folder, **rows: read_chess(
        folder, orientation="aligned", **rows
    ),
    "maze_data_train_5/inputs.npy": lambda folder, **rows: read_mazes(
        folder, split="train", size=5, **rows
    ),
    "maze_data_train_5/solutions.npy": lambda folder, **rows: read_mazes(
        folder, split="train", size=5, **rows
    ),
}
TENSORS = [name for name in READERS if name.endswith(".pth")]
ARRAYS = [name for name in READERS if name.endswith(".npy")]


def refused(folder, name):
    """Give the line that refuses a file, which it names."""
    text = refusal(READERS[name], folder)
    assert str(folder / name.split("/")[0]) in text
    return text


class TestOriginals:
    @pytest.mark.parametrize("name", READERS)
    @pytest.mark.parametrize("part_bytes", [1, 20_000, 1 << 20])
    def test_parts_make_the_whole(self, folder, name, part_bytes, monkeypatch, capsys):
        whole = READERS[name](folder)
        assert len(whole) == 20
        monkeypatch.setattr(originals, "_PART_BYTES", part_bytes)
        some = READERS[name](folder, start=3, count=11)
        np.testing.assert_array_equal(some.inputs, whole.inputs[3:14])
        np.testing.assert_array_equal(some.targets, whole.targets[3:14])
        assert capsys.readouterr().out == ""

    def test_prefix_sums_are_what_the_package_gives(self, folder):
        theirs = PrefixSumDataset(str(folder), num_bits=7, download=False)
        ours = read_prefix_sums(folder, bits=7)
        np.testing.assert_array_equal(ours.inputs - 0.5, theirs.inputs.numpy())
        np.testing.assert_array_equal(ours.targets, theirs.targets.numpy())

    def test_mazes_are_what_the_package_gives(self, folder):
        theirs = MazeDataset(str(folder), train=True, size=5, download=False)
        ours = read_mazes(folder, split="train", size=5)
        np.testing.assert_array_equal(ours.inputs, theirs.inputs.numpy())
        np.testing.assert_array_equal(ours.targets, theirs.targets.numpy())

    def test_released_chess_is_what_the_released_loop_feeds(self, folder):
        """The released code turns the package's boards and moves over where black moves."""
        theirs = ChessPuzzleDataset(str(folder), idx_start=4, idx_end=20, download=False)
        released = read_chess(folder, orientation="released", start=4)
        aligned = read_chess(folder, orientation="aligned", start=4)
        seen = set()
        for i in range(16):
            board, move, black = (value.numpy() for value in theirs[i])
            seen.add(float(black[0]))
            if black[0]:
                board, move = board[:, ::-1], move[::-1]
            np.testing.assert_array_equal(released.inputs[i], board)
            np.testing.assert_array_equal(released.targets[i], move)
            np.testing.assert_array_equal(aligned.inputs[i], board[:, ::-1])
            np.testing.assert_array_equal(aligned.targets[i], move)
        assert seen == {0, 1}

    @pytest.mark.parametrize("name", READERS)
    @pytest.mark.parametrize("dtype", [np.float64, np.uint8, np.int32])
    def test_bits_of_another_number_type(self, folder, name, dtype):
        before = READERS[name](folder)
        values = np.load(folder / name) if name in ARRAYS else torch.load(folder / name).numpy()
        save(folder / name, values.astype(dtype))
        after = READERS[name](folder)
        np.testing.assert_array_equal(before.inputs, after.inputs)
        np.testing.assert_array_equal(before.targets, after.targets)

    @pytest.mark.parametrize("name", READERS)
    def test_more_than_the_archive_holds(self, folder, name):
        read = READERS[name]
        assert "holds 20 examples, but 21 are asked for" in refusal(read, folder, count=21)
        assert "holds 20 examples, but 6 from row 15 on" in refusal(read, folder, count=6, start=15)
        for rows in ({"count": 0}, {"start": 20}, {"start": -1, "count": 2}):
            assert "holds 20 examples" in refusal(read, folder, **rows)

    @pytest.mark.parametrize("name", READERS)
    def test_a_missing_file(self, folder, name):
        (folder / name).unlink()
        assert f"{folder / name}: the archive has no such file" in refused(folder, name)

    def test_a_missing_folder_is_not_downloaded(self, tmp_path, monkeypatch):
        monkeypatch.setattr("easy_to_hard_data.download_url", None)
        for name in READERS:
            assert "no such file" in refused(tmp_path, name)

    @pytest.mark.parametrize("name", READERS)
    def test_files_of_different_counts(self, folder, name):
        values = np.load(folder / name) if name in ARRAYS else torch.load(folder / name).numpy()
        save(folder / name, values[:-1])
        text = refused(folder, name)
        assert "differ in their number of examples" in text
        assert " 19" in text

    @pytest.mark.parametrize("name", READERS)
    @pytest.mark.parametrize("shape", [(), (0,), (20,), (20, 3), (20, 3, 16, 15), (1, 20, 7, 1)])
    def test_another_shape(self, folder, name, shape):
        save(folder / name, np.zeros(shape, dtype=np.float32))
        assert f"has the shape {list(shape)}, must be [N, " in refused(folder, name)

    @pytest.mark.parametrize("name", READERS)
    def test_no_examples(self, folder, name):
        values = np.load(folder / name) if name in ARRAYS else torch.load(folder / name).numpy()
        for other in (folder / name).parent.iterdir():
            old = np.load(other) if other.suffix == ".npy" else torch.load(other).numpy()
            save(other, old[:0])
        assert len(values)
        assert "holds 0 examples" in refused(folder, name)

    @pytest.mark.parametrize("name", READERS)
    @pytest.mark.parametrize("value", [2, -1, 0.5, np.nan, np.inf])
    def test_values_that_are_not_bits(self, folder, name, value):
        values = np.load(folder / name) if name in ARRAYS else torch.load(folder / name).numpy()
        values = values.astype(np.float32)
        values[17].flat[-1] = value
        save(folder / name, values)
        assert f"{folder / name}: row 17 holds {np.float32(value)}, must be 0 or 1" in refused(
            folder, name
        )
        assert len(READERS[name](folder, count=17)) == 17

    @pytest.mark.parametrize("name", TENSORS)
    @pytest.mark.parametrize("dtype", [torch.bool, torch.complex64, torch.float16, torch.bfloat16])
    def test_tensors_of_other_types(self, folder, name, dtype):
        save(folder / name, torch.load(folder / name).to(dtype))
        assert "has the type" in refused(folder, name) or "no file of examples" in refused(
            folder, name
        )

    @pytest.mark.parametrize("name", ARRAYS)
    @pytest.mark.parametrize("dtype", ["bool", "complex64", "float16", "U3", ">f8", "M8[s]"])
    def test_arrays_of_other_types(self, folder, name, dtype):
        save(folder / name, np.load(folder / name).astype(dtype))
        assert "has the type" in refused(folder, name)


class Bomb:
    """Carries code: unpickling it makes the file `path`."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


class TestHostileFiles:
    @pytest.mark.parametrize("name", TENSORS)
    @pytest.mark.parametrize("new_format", [True, False])
    @pytest.mark.parametrize("forced", [True, False])
    def test_code_is_not_run(self, folder, name, new_format, forced, monkeypatch):
        if forced:
            monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
        mark = folder / "it ran"
        content = {"tensor": torch.zeros(3), "code": Bomb(mark)}
        torch.save(content, folder / name, _use_new_zipfile_serialization=new_format)
        assert "its pickle holds other things than a tensor" in refused(folder, name)
        assert not mark.exists()
        torch.load(folder / name, weights_only=False)
        assert mark.exists()  # so the code would have run

    @pytest.mark.parametrize("name", READERS)
    def test_a_bare_pickle(self, folder, name):
        mark = folder / "it ran"
        (folder / name).write_bytes(pickle.dumps(Bomb(mark)))
        refused(folder, name)
        assert not mark.exists()

    @pytest.mark.parametrize("name", ARRAYS)
    def test_an_array_of_objects(self, folder, name):
        mark = folder / "it ran"
        np.save(folder / name, np.array([Bomb(mark)] * 20, dtype=object), allow_pickle=True)
        assert "no file of examples" in refused(folder, name)
        assert not mark.exists()

    @pytest.mark.parametrize("name", TENSORS)
    @pytest.mark.parametrize(
        "content",
        [
            {"tensor": torch.zeros(20, 7)},
            [torch.zeros(20, 7)],
            "text",
            torch.zeros(20, 7).to_sparse(),
            torch.zeros(20, 7, device="meta"),
            torch.nn.Parameter(torch.full((20, 7), 2.0)),
        ],
    )
    def test_other_things_than_a_tensor(self, folder, name, content):
        torch.save(content, folder / name)
        assert refused(folder, name)

    @pytest.mark.parametrize("name", TENSORS)
    def test_few_bytes_spread_out_to_many(self, folder, name):
        torch.save(torch.zeros(1).expand(1 << 40), folder / name)
        assert "claims more numbers than it holds" in refused(folder, name)

    @pytest.mark.parametrize("name", TENSORS)
    def test_compressed_records(self, folder, name):
        torch.save(torch.zeros(1 << 20), folder / name)
        packed = io.BytesIO()
        with (
            zipfile.ZipFile(folder / name) as old,
            zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new,
        ):
            for record in old.namelist():
                new.writestr(record, old.read(record))
        (folder / name).write_bytes(packed.getvalue())
        assert "unpacks to more than its size" in refused(folder, name)

    @pytest.mark.parametrize("name", TENSORS)
    def test_the_older_format_without_code_is_read(self, folder, name):
        before = READERS[name](folder)
        tensor = torch.load(folder / name)
        torch.save(tensor, folder / name, _use_new_zipfile_serialization=False)
        np.testing.assert_array_equal(READERS[name](folder).inputs, before.inputs)

    @pytest.mark.parametrize("name", TENSORS)
    def test_the_oldest_format_is_a_tar_and_is_refused(self, folder, name):
        with tarfile.open(folder / name, "w") as tar:
            for part in ("storages", "tensors", "pickle"):
                tar.addfile(tarfile.TarInfo(part), io.BytesIO())
        assert refused(folder, name)

    @pytest.mark.parametrize("name", READERS)
    @pytest.mark.parametrize("damage", ["empty", "cut", "page", "spoilt", "folder"])
    def test_damaged_files(self, folder, name, damage):
        path = folder / name
        whole = path.read_bytes()
        if damage == "folder":
            path.unlink()
            path.mkdir()
        else:
            path.write_bytes(
                {
                    "empty": b"",
                    "cut": whole[: len(whole) // 2],
                    "page": b"<!DOCTYPE html>",
                    "spoilt": whole[:20] + bytes(80) + whole[100:],
                }[damage]
            )
        assert refused(folder, name)

    @pytest.mark.parametrize("name", ARRAYS)
    @pytest.mark.parametrize("shape", ["(99999999, 3, 16, 16)", "(-1, 3, 16, 16)", f"({10**40},)"])
    def test_a_header_that_claims_other_numbers(self, folder, name, shape):
        header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
        header = header.ljust(118) + b"\n"
        (folder / name).write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", 119) + header + b"12")
        assert refused(folder, name)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Give a folder of the shared archives, unpacked."""
    source = DATA / "easy_to_hard"
    if not source.is_dir():
        pytest.skip(f"{source} is absent: set DATA_DIR to the folder of shared data")
    together = tmp_path_factory.mktemp("shared")
    for name in ("prefix_sums_data", "maze_data_train_9", "maze_data_test_59", "chess_data"):
        unpacked = extract(
            source / f"{name}.tar.gz", together / f"{name}.unpacked", max_bytes=10**8
        )
        shutil.move(unpacked / name, together / name)
    return together


class TestSharedArchives:
    def test_prefix_sums(self, shared):
        for length, count in ((32, 2000), (512, 2000), (16, 100)):
            strings = read_prefix_sums(shared, bits=length)
            assert strings.inputs.shape == (count, 1, length)
            parity = np.bitwise_xor.accumulate(strings.inputs[:, 0], axis=1)
            np.testing.assert_array_equal(strings.targets, parity)

    def test_mazes(self, shared):
        for split, size, count in (("train", 9, 400), ("test", 59, 8)):
            mazes = read_mazes(shared, split=split, size=size)
            pixels = 2 * size + 6
            assert mazes.inputs.shape == (count, 3, pixels, pixels)
            open_pixels = mazes.inputs.any(axis=1)
            assert (open_pixels >= mazes.targets).all()

    @pytest.mark.parametrize("orientation", ["released", "aligned"])
    def test_chess(self, shared, orientation):
        puzzles = read_chess(shared, orientation=orientation, count=2000, start=1000)
        own = puzzles.inputs[:, :6].any(axis=1)
        moves = puzzles.targets if orientation == "aligned" else puzzles.targets[:, ::-1]
        np.testing.assert_array_equal((own & moves).sum(axis=(1, 2)), 1)
        assert "holds 3,000 examples, but 600,000 are asked for" in refusal(
            read_chess, shared, orientation=orientation, count=600_000
        )
