"""The published sets: read as their package reads them, and refused when they are hostile."""

from __future__ import annotations

import gzip
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
import zstandard
from easy_to_hard_data import ChessPuzzleDataset, MazeDataset, PrefixSumDataset

from deltaloss.core.errors import DataError, UserError
from deltaloss.data.published_sets import check_fetched, read_archive, read_published
from deltaloss.data.unpack import unpacked

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("DATA_DIR", ROOT.parent / "shared" / "data")) / "easy_to_hard"

FILES = {
    "prefix_sums_data/7_data.pth": "prefix_sums",
    "prefix_sums_data/7_targets.pth": "prefix_sums",
    "chess_data/data.pth": "chess",
    "chess_data/targets.pth": "chess",
    "chess_data/who_moves.pth": "chess",
    "maze_data_train_5/inputs.npy": "mazes",
    "maze_data_train_5/solutions.npy": "mazes",
}
TENSORS = [name for name in FILES if name.endswith(".pth")]
ARRAYS = [name for name in FILES if name.endswith(".npy")]


def settings_of(task, *, count=20, start=0, **changes):
    return {
        "prefix_sums": {"size": 7, "count": count, "start": start},
        "mazes": {"size": 5, "count": count},
        "chess": {"train_count": count - 1, "test_count": 1, "orientation": "released"},
    }[task] | changes


def read(task, folder, settings=None, splits=("train",)):
    """Read splits and join each one's chunks: {split: (inputs, targets)}."""
    settings = settings or settings_of(task)
    return {
        split: tuple(
            np.concatenate(parts)
            for parts in zip(*((one.inputs, one.targets) for one in chunks), strict=True)
        )
        for split, chunks, _ in read_published(task, folder, settings, splits)
    }


def refusal(call, *args, **kwargs):
    """Return the one line of a refusal."""
    with pytest.raises(UserError) as caught:
        call(*args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def refused(folder, name):
    """Return the line that refuses an archive, which it names."""
    text = refusal(read, FILES[name], folder)
    assert name.split("/")[0] in text
    return text


def values_of(path):
    return np.load(path) if path.suffix == ".npy" else torch.load(path).numpy()


def save(path, values):
    """Save as the published scripts do."""
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, values)
    else:
        torch.save(values if isinstance(values, torch.Tensor) else torch.from_numpy(values), path)


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    """Small archives of noise, in the types of the published scripts."""
    folder = tmp_path_factory.mktemp("noise")

    def bits(seed, *shape):
        return np.random.default_rng(seed).integers(2, size=shape)

    for seed, (name, shape, dtype) in enumerate(
        [
            ("prefix_sums_data/7_data.pth", (20, 7), np.float32),
            ("prefix_sums_data/7_targets.pth", (20, 7), np.float32),
            ("chess_data/data.pth", (20, 12, 8, 8), np.float32),
            ("chess_data/targets.pth", (20, 8, 8), np.int64),
            ("chess_data/who_moves.pth", (20, 1), np.float32),
            ("maze_data_train_5/inputs.npy", (20, 3, 16, 16), np.float64),
            ("maze_data_train_5/solutions.npy", (20, 16, 16), np.float64),
        ]
    ):
        save(folder / name, bits(seed, *shape).astype(dtype))
    return folder


@pytest.fixture
def folder(noise, tmp_path):
    """A copy of the archives that the test may spoil."""
    return shutil.copytree(noise, tmp_path / "copy")


class TestTheSame:
    def test_prefix_sums_are_those_of_the_package(self, noise, capsys):
        theirs = PrefixSumDataset(str(noise), num_bits=7, download=False)
        capsys.readouterr()
        settings = settings_of("prefix_sums", count=15, start=5)
        inputs, targets = read("prefix_sums", noise, settings)["train"]
        np.testing.assert_array_equal(inputs - 0.5, theirs.inputs.numpy()[5:])
        np.testing.assert_array_equal(targets, theirs.targets.numpy()[5:])
        assert capsys.readouterr().out == "", "the package prints, we do not"

    def test_mazes_are_those_of_the_package(self, noise):
        theirs = MazeDataset(str(noise), train=True, size=5, download=False)
        inputs, targets = read("mazes", noise, settings_of("mazes", count=19))["train"]
        np.testing.assert_array_equal(inputs, theirs.inputs.numpy()[:19])
        np.testing.assert_array_equal(targets, theirs.targets.numpy()[:19])

    @pytest.mark.parametrize("orientation", ["released", "aligned"])
    def test_chess_is_what_the_released_loop_feeds(self, noise, orientation):
        """The released code turns the package's boards and moves over where black moves."""
        theirs = ChessPuzzleDataset(str(noise), idx_start=0, idx_end=20, download=False)
        settings = {"train_count": 12, "test_count": 8, "orientation": orientation}
        parts = read("chess", noise, settings, ["train", "test"])
        assert [len(parts[split][0]) for split in ("train", "test")] == [12, 8]
        inputs, targets = map(np.concatenate, zip(parts["train"], parts["test"], strict=True))
        seen = set()
        for i in range(20):
            board, move, black = (value.numpy() for value in theirs[i])
            seen.add(float(black[0]))
            if black[0]:
                board, move = board[:, ::-1], move[::-1]
            wanted = board if orientation == "released" else board[:, ::-1]
            np.testing.assert_array_equal(inputs[i], wanted)
            np.testing.assert_array_equal(targets[i], move)
        assert seen == {0, 1}

    @pytest.mark.parametrize("name", FILES)
    @pytest.mark.parametrize("dtype", ["float64", "uint8", "int32"])
    def test_other_types_of_numbers_are_the_same_bits(self, noise, folder, name, dtype):
        save(folder / name, values_of(folder / name).astype(dtype))
        before, after = (read(FILES[name], one)["train"] for one in (noise, folder))
        for one, other in zip(before, after, strict=True):
            np.testing.assert_array_equal(one, other)

    @pytest.mark.parametrize("name", TENSORS)
    def test_the_older_format_of_tensors_is_read(self, noise, folder, name):
        tensor = torch.load(folder / name)
        torch.save(tensor, folder / name, _use_new_zipfile_serialization=False)
        before, after = (read(FILES[name], one)["train"] for one in (noise, folder))
        np.testing.assert_array_equal(before[0], after[0])


class TestOtherContent:
    @pytest.mark.parametrize("task", ["prefix_sums", "mazes", "chess"])
    def test_more_examples_than_there_are_are_refused(self, noise, task):
        text = refusal(read, task, noise, settings_of(task, count=21))
        assert "holds 20 examples, but 21 are asked for" in text

    def test_rows_beyond_the_end_are_refused(self, noise):
        settings = settings_of("prefix_sums", count=6, start=15)
        text = refusal(read, "prefix_sums", noise, settings)
        assert "holds 20 examples, but 6 from row 15 on" in text

    @pytest.mark.parametrize("name", FILES)
    def test_a_missing_file_is_refused_and_not_downloaded(self, folder, name, monkeypatch):
        monkeypatch.setattr("easy_to_hard_data.download_url", None)
        (folder / name).unlink()
        assert f"{folder / name}: the archive has no such file" in refused(folder, name)

    @pytest.mark.parametrize("name", FILES)
    def test_files_of_different_counts_are_refused(self, folder, name):
        save(folder / name, values_of(folder / name)[:-1])
        text = refused(folder, name)
        assert "differ in their number of examples" in text
        assert " 19" in text

    @pytest.mark.parametrize("name", FILES)
    @pytest.mark.parametrize(
        "shape", [(), (0,), (20,), (20, 3), (20, 3, 16, 15), (1, 20, 7, 1)], ids="shape {}".format
    )
    def test_another_shape_is_refused(self, folder, name, shape):
        save(folder / name, np.zeros(shape, dtype=np.float32))
        assert f"has the shape {list(shape)}, must be [N, " in refused(folder, name)

    @pytest.mark.parametrize("name", FILES)
    @pytest.mark.parametrize("value", [2, -1, 0.5, np.nan, np.inf], ids="value {}".format)
    def test_values_that_are_not_bits_are_refused_where_they_are_asked_for(
        self, folder, name, value
    ):
        values = values_of(folder / name).astype(np.float32)
        values[17].flat[-1] = value
        save(folder / name, values)
        text = refused(folder, name)
        assert f"{folder / name}: row 17 holds {np.float32(value)}, must be 0 or 1" in text
        assert read(FILES[name], folder, settings_of(FILES[name], count=17))

    @pytest.mark.parametrize("name", TENSORS)
    @pytest.mark.parametrize("dtype", ["bool", "complex64", "float16", "bfloat16"])
    def test_tensors_of_other_types_are_refused(self, folder, name, dtype):
        save(folder / name, torch.load(folder / name).to(getattr(torch, dtype)))
        assert "has the type" in (text := refused(folder, name)) or "not a file of examples" in text

    @pytest.mark.parametrize("name", ARRAYS)
    @pytest.mark.parametrize("dtype", ["bool", "complex64", "float16", "U3", ">f8", "M8[s]"])
    def test_arrays_of_other_types_are_refused(self, folder, name, dtype):
        save(folder / name, np.load(folder / name).astype(dtype))
        assert "has the type" in refused(folder, name)


class Bomb:
    """Carries code: unpickling it makes the folder `path`."""

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

    @pytest.mark.parametrize("name", FILES)
    def test_a_bare_pickle_is_not_run(self, folder, name):
        mark = folder / "it ran"
        (folder / name).write_bytes(pickle.dumps(Bomb(mark)))
        refused(folder, name)
        assert not mark.exists()

    @pytest.mark.parametrize("name", ARRAYS)
    def test_an_array_of_objects_is_not_run(self, folder, name):
        mark = folder / "it ran"
        np.save(folder / name, np.array([Bomb(mark)] * 20, dtype=object), allow_pickle=True)
        assert "not a file of examples" in refused(folder, name)
        assert not mark.exists()

    @pytest.mark.parametrize("name", TENSORS)
    @pytest.mark.parametrize(
        "make",
        [
            pytest.param(lambda: {"tensor": torch.zeros(20, 7)}, id="mapping"),
            pytest.param(lambda: [torch.zeros(20, 7)], id="list"),
            pytest.param(lambda: "text", id="text"),
            pytest.param(lambda: torch.zeros(20, 7).to_sparse(), id="sparse"),
            pytest.param(lambda: torch.zeros(20, 7, device="meta"), id="no content"),
            pytest.param(lambda: torch.nn.Parameter(torch.full((20, 7), 2.0)), id="parameter"),
        ],
    )
    def test_other_things_than_a_tensor_are_refused(self, folder, name, make):
        torch.save(make(), folder / name)
        assert refused(folder, name)

    @pytest.mark.parametrize("name", TENSORS)
    def test_few_bytes_spread_out_to_many_are_refused(self, folder, name):
        torch.save(torch.zeros(1).expand(1 << 40), folder / name)
        assert "claims more numbers than it holds" in refused(folder, name)

    @pytest.mark.parametrize("name", TENSORS)
    def test_compressed_records_are_refused(self, folder, name):
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
    def test_the_oldest_format_is_a_tar_and_is_refused(self, folder, name):
        with tarfile.open(folder / name, "w") as tar:
            for part in ("storages", "tensors", "pickle"):
                tar.addfile(tarfile.TarInfo(part), io.BytesIO())
        assert refused(folder, name)

    @pytest.mark.parametrize("name", FILES)
    @pytest.mark.parametrize("damage", ["empty", "cut", "page", "spoilt", "folder"])
    def test_damaged_files_are_refused(self, folder, name, damage):
        path = folder / name
        whole = path.read_bytes()
        path.unlink()
        if damage == "folder":
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
    @pytest.mark.parametrize(
        "shape",
        ["(99999999, 3, 16, 16)", "(-1, 3, 16, 16)", f"({10**40},)"],
        ids=["many", "negative", "huge"],
    )
    def test_a_header_that_claims_other_numbers_is_refused(self, folder, name, shape):
        header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
        header = header.ljust(118) + b"\n"
        (folder / name).write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", 119) + header + b"12")
        assert refused(folder, name)


def pack(folder, name):
    """Pack one archive's folder, as it is published."""
    path = folder / f"{name}.tar.gz"
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        tar.add(folder / name, name)
    return path


class TestArchives:
    @pytest.mark.parametrize("name", sorted({file.split("/")[0] for file in FILES}))
    def test_good_archives_pass_the_check_when_fetched(self, folder, name):
        archive = pack(folder, name)
        assert check_fetched(archive, name=f"{name}.tar.gz", max_bytes=10**8) is None

    @pytest.mark.parametrize("name", FILES)
    def test_bad_files_in_an_archive_are_found_when_fetched(self, folder, name):
        torch.save({"code": Bomb(folder / "it ran")}, folder / name)
        archive = name.split("/")[0]
        with pytest.raises(DataError):
            check_fetched(pack(folder, archive), name=f"{archive}.tar.gz", max_bytes=10**8)

    def test_an_archive_of_something_else_is_refused_when_fetched(self, folder):
        path = pack(folder, "chess_data")
        text = refusal(check_fetched, path, name="maze_data_train_5.tar.gz", max_bytes=10**8)
        assert "the archive has no such file" in text
        assert "no archive" in refusal(check_fetched, path, name="a.tar.gz", max_bytes=10**8)

    def test_puzzle_files_are_read_to_the_end_when_fetched(self, tmp_path):
        path = tmp_path / "part"
        path.write_bytes(zstandard.compress(b"PuzzleId,FEN\n" * 999))
        check_fetched(path, name="puzzles.csv.zst", max_bytes=10**6)
        path.write_bytes(path.read_bytes()[:-2])
        assert "cut off" in refusal(check_fetched, path, name="puzzles.csv.zst", max_bytes=10**6)

    def test_a_bad_archive_of_the_user_is_named_with_what_to_do(self, folder):
        save(folder / "maze_data_train_5" / "inputs.npy", np.full((20, 3, 16, 16), 2.0))
        path = pack(folder, "maze_data_train_5")
        settings = {**settings_of("mazes"), "task": "mazes"}
        with pytest.raises(DataError) as caught:
            list(read_archive(path, settings, ["train"], max_bytes=10**8))
        assert str(caught.value) == (
            f"{path}: maze_data_train_5/inputs.npy: row 0 holds 2.0, must be 0 or 1; "
            "delete it to fetch it again"
        )
        path.write_bytes(gzip.compress(b"<html>", mtime=0))
        text = refusal(list, read_archive(path, settings, ["train"], max_bytes=10**8))
        assert text.count(str(path)) == 1
        assert "delete it" in text


@pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is absent: set DATA_DIR")
class TestSharedArchives:
    @pytest.fixture
    def read(self, tmp_path):
        def read_copy(archive, task, settings, splits=("train",)):
            with unpacked(Path(shutil.copy(DATA / archive, tmp_path)), max_bytes=10**8) as folder:
                return read(task, folder, settings, splits)

        return read_copy

    @pytest.mark.parametrize(("size", "count"), [(32, 2000), (512, 2000), (16, 100)])
    def test_targets_of_prefix_sums_are_parities(self, read, size, count):
        settings = {"size": size, "count": count, "start": 0}
        inputs, targets = read("prefix_sums_data.tar.gz", "prefix_sums", settings)["train"]
        assert inputs.shape == (count, 1, size)
        np.testing.assert_array_equal(targets, np.bitwise_xor.accumulate(inputs[:, 0], axis=1))

    @pytest.mark.parametrize(("split", "size", "count"), [("train", 9, 400), ("test", 59, 8)])
    def test_paths_of_mazes_are_open(self, read, split, size, count):
        settings = {"size": size, "count": count}
        archive = f"maze_data_{split}_{size}.tar.gz"
        inputs, targets = read(archive, "mazes", settings, [split])[split]
        assert inputs.shape == (count, 3, 2 * size + 6, 2 * size + 6)
        assert (inputs.any(axis=1) >= targets).all()

    @pytest.mark.parametrize("orientation", ["released", "aligned"])
    def test_moves_of_chess_leave_one_own_square(self, read, orientation):
        settings = {"train_count": 1000, "test_count": 2000, "orientation": orientation}
        inputs, targets = read("chess_data.tar.gz", "chess", settings, ["test"])["test"]
        own = inputs[:, :6].any(axis=1)
        moves = targets if orientation == "aligned" else targets[:, ::-1]
        np.testing.assert_array_equal((own & moves).sum(axis=(1, 2)), 1)

    @pytest.mark.parametrize("name", ["chess_data", "maze_data_test_13", "prefix_sums_data"])
    def test_they_pass_the_check_when_fetched(self, tmp_path, name):
        archive = Path(shutil.copy(DATA / f"{name}.tar.gz", tmp_path))
        check_fetched(archive, name=archive.name, max_bytes=10**8)
