"""The batch size of an evaluation, chosen from caches and free memory."""

from __future__ import annotations

import psutil
import pytest
import torch

from deltaloss.core.errors import MemoryShortageError
from deltaloss.evaluation import batch_size
from deltaloss.evaluation.batch_size import choose_batch_size, free_bytes, padded
from deltaloss.evaluation.batches import Batch
from deltaloss.puzzles.base import load_task
from tests.evaluation.problems import random_examples, random_network

PLENTY = 10**6  # MB
GIBIBYTE = 2**30


def mazes(count: int, side: int) -> Batch:
    """Examples of any size in the memory of one pixel."""
    pixel = torch.zeros(1, dtype=torch.uint8)
    return Batch(inputs=pixel.expand(count, 3, side, side), targets=pixel.expand(count, side, side))


def choose(width: int, side: int, *, wanted: int | str = "auto", count: int = 1000, mb=None) -> int:
    network = random_network("mazes", width)
    return choose_batch_size(
        wanted, network, mazes(count, side), task=load_task("mazes"), memory_mb=mb
    )


@pytest.fixture
def roomy(monkeypatch):
    monkeypatch.setattr(batch_size, "free_bytes", lambda mb: (mb or PLENTY) * 10**6)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)


def test_a_number_in_the_config_is_taken_as_it_is():
    assert choose(128, 1608, wanted=17) == 17


@pytest.mark.usefixtures("roomy")
class TestAuto:
    def test_states_of_a_batch_fit_the_cache(self):
        cached = batch_size.CPU_STATE_BYTES // (32 * 24 * 24 * 4)
        assert cached / 2 <= choose(32, 24) <= cached

    def test_batches_of_a_wide_network_are_not_small_beside_its_weights(self):
        weights = sum(p.nbytes for p in random_network("mazes", 512).recurrent_parameters())
        assert (
            choose(512, 8)
            >= weights // 4 // (512 * 8 * 8 * 4) / 2
            > batch_size.CPU_STATE_BYTES // (512 * 8 * 8 * 4) / 2
        )

    def test_batch_grows_with_the_threads(self, monkeypatch):
        one = choose(32, 24)
        monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
        assert 3 * one <= choose(32, 24) <= 5 * one

    def test_batches_are_even(self):
        most = batch_size.CPU_STATE_BYTES // (32 * 24 * 24 * 4)
        assert choose(32, 24, count=most + 1) == (most + 2) // 2

    def test_batch_is_at_most_the_number_of_examples(self):
        assert choose(32, 24, count=3) == 3

    def test_a_large_example_is_evaluated_alone(self):
        assert choose(128, 1608) == 1

    def test_little_memory_makes_the_batch_smaller(self):
        assert 1 <= choose(32, 24, mb=3) < choose(32, 24)

    def test_too_little_memory_for_one_example_ends_in_one_line(self):
        with pytest.raises(MemoryShortageError, match=r"one example at .* needs .*mem_mb"):
            choose(128, 1608, mb=8000)


@pytest.mark.parametrize(
    ("count", "side", "rows"), [(1, 12, 2), (2, 12, 2), (1, 100, 1)], ids=["one", "two", "large"]
)
def test_only_a_single_small_example_is_doubled(count, side, rows):
    examples = random_examples("mazes", count, (side, side))
    assert len(padded(examples, random_network("mazes"))) == rows


@pytest.fixture
def machine(monkeypatch):
    """A machine with 64 GiB available."""
    memory = psutil.virtual_memory()._replace(available=64 * GIBIBYTE)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)


def limit(folder, most: str, used: int = 0, cached: int = 0) -> None:
    (folder / "memory.max").write_text(f"{most}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {cached}\nactive_file 9\n")


@pytest.mark.usefixtures("machine")
class TestFreeBytes:
    def test_without_limits_it_is_that_of_the_machine(self, tmp_path):
        assert free_bytes(None, tmp_path) == 64 * GIBIBYTE

    def test_a_control_group_limits_it_but_cached_files_can_be_taken(self, tmp_path):
        limit(tmp_path, str(8 * GIBIBYTE), used=3 * GIBIBYTE, cached=GIBIBYTE)
        assert free_bytes(None, tmp_path) == 6 * GIBIBYTE

    def test_a_control_group_without_limit_changes_nothing(self, tmp_path):
        limit(tmp_path, "max", used=GIBIBYTE)
        assert free_bytes(None, tmp_path) == 64 * GIBIBYTE

    def test_the_memory_of_the_job_limits_it_less_the_memory_in_use(self, tmp_path):
        free = free_bytes(16000, tmp_path)
        assert 0 < free < 16000 * 10**6 - psutil.Process().memory_info().rss / 2

    def test_an_exceeded_limit_leaves_nothing(self, tmp_path):
        limit(tmp_path, "1000", used=2000)
        assert free_bytes(None, tmp_path) == 0
