"""The batch that an evaluation finds by itself."""

from __future__ import annotations

import psutil
import pytest
import torch

from deltaloss import batch_sizes
from deltaloss.batch_sizes import choose_batch_size, free_bytes
from deltaloss.batches import Batch
from deltaloss.errors import MemoryShortageError
from deltaloss.memory import is_shortage
from deltaloss.network import make_network
from deltaloss.settings import NetworkSettings
from deltaloss.tasks import load_task

TASK = load_task("mazes")
PLENTY = 10**6  # MB
GIBIBYTE = 2**30


def network(width: int):
    return make_network(TASK, NetworkSettings(width=width, head=(8, 4), recall_relu=True))


def mazes(count: int, side: int) -> Batch:
    pixels = torch.zeros(1, dtype=torch.uint8)
    return Batch(
        inputs=pixels.expand(count, 3, side, side), targets=pixels.expand(count, side, side)
    )


def choose(width: int, side: int, *, wanted: int | str = "auto", count: int = 1000, mb=None) -> int:
    return choose_batch_size(wanted, network(width), mazes(count, side), task=TASK, memory_mb=mb)


def test_a_number_is_taken_as_it_is():
    assert choose(128, 1608, wanted=17) == 17


@pytest.fixture
def roomy(monkeypatch):
    monkeypatch.setattr(batch_sizes, "free_bytes", lambda mb: (mb or PLENTY) * 10**6)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)


@pytest.mark.usefixtures("roomy")
class TestAuto:
    def test_on_a_cpu_it_stays_in_the_cache(self):
        assert choose(32, 24) == 2**19 // (32 * 24 * 24 * 4)

    def test_but_is_not_small_beside_the_weights(self):
        assert choose(512, 8) > 2 * 2**19 // (512 * 8 * 8 * 4)

    def test_more_threads_have_more_cache(self, monkeypatch):
        one = choose(32, 24)
        monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
        assert 4 * one <= choose(32, 24) <= 4 * one + 3

    def test_it_is_no_more_than_there_are(self):
        assert choose(32, 24, count=3) == 3

    def test_a_large_example_is_taken_alone(self):
        assert choose(128, 1608) == 1

    def test_little_memory_makes_it_smaller(self):
        assert 1 <= choose(32, 24, mb=3) < choose(32, 24)

    def test_too_little_for_one_is_one_line(self):
        with pytest.raises(MemoryShortageError, match=r"mazes: one example at .* needs .*mem_mb"):
            choose(128, 1608, mb=8000)


@pytest.fixture
def alone(monkeypatch):
    """Give the cgroup a folder, and the machine 64 GiB."""
    memory = psutil.virtual_memory()._replace(available=64 * GIBIBYTE)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)


def limit(folder, most: str, used: int = 0, cached: int = 0) -> None:
    (folder / "memory.max").write_text(f"{most}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {cached}\nactive_file 9\n")


@pytest.mark.usefixtures("alone")
class TestFreeBytes:
    def test_without_limits_it_is_the_machine(self, tmp_path):
        assert free_bytes(None, tmp_path) == 64 * GIBIBYTE

    def test_a_group_limits_it_and_what_is_cached_can_be_taken(self, tmp_path):
        limit(tmp_path, str(8 * GIBIBYTE), used=3 * GIBIBYTE, cached=GIBIBYTE)
        assert free_bytes(None, tmp_path) == 6 * GIBIBYTE

    def test_a_group_without_limit_does_not(self, tmp_path):
        limit(tmp_path, "max", used=GIBIBYTE)
        assert free_bytes(None, tmp_path) == 64 * GIBIBYTE

    def test_the_job_limits_it_less_what_it_has_taken(self, tmp_path):
        free = free_bytes(16000, tmp_path)
        assert 0 < free < 16000 * 10**6 - psutil.Process().memory_info().rss / 2

    def test_nothing_is_left(self, tmp_path):
        limit(tmp_path, "1000", used=2000)
        assert free_bytes(None, tmp_path) == 0


def test_what_pytorch_says_of_a_real_shortage():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_shortage(caught.value)
