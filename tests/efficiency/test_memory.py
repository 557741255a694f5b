"""Counted memory, and the search for the largest batch."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from deltaloss.efficiency import memory
from deltaloss.efficiency.memory import (
    GIVEN_BYTES,
    KeptBytes,
    kept_bytes,
    largest,
    measure_largest_batch,
    predict_largest_batch,
)

from .small import RUNS, STEPS, small_forms, small_problem

FLOATS = 1000
BYTES = 4 * FLOATS


def leaf() -> torch.Tensor:
    return torch.rand(FLOATS, requires_grad=True)


class TestKeptBytes:
    def test_a_storage_that_several_operations_keep_counts_once(self):
        x = leaf()
        with KeptBytes() as counter:
            y = x.exp()  # keeps its result
            (y * y).sum().backward()  # keeps y twice
        assert counter.most == BYTES

    def test_views_are_their_whole_storage(self):
        x = leaf()
        with KeptBytes() as counter:
            (x[:10] * x[10:20]).sum().backward()
        assert counter.most == BYTES

    def test_parameters_are_not_counted(self):
        x, weight = leaf(), leaf()
        with KeptBytes([weight]) as counter:
            (x * weight).sum().backward()
        assert counter.most == BYTES

    def test_what_is_released_makes_room(self):
        x = leaf()
        with KeptBytes() as counter:
            for _ in range(5):
                x.exp().sum().backward()
        assert counter.most == BYTES

    def test_a_graph_that_is_dropped_without_a_backward_pass_is_released(self):
        x = leaf()
        with KeptBytes() as counter:
            for _ in range(5):
                x.exp().detach()
        assert counter.most == BYTES

    def test_nothing_is_kept_without_gradients(self):
        x = leaf()
        with KeptBytes() as counter, torch.no_grad():
            x.exp()
        assert counter.most == 0

    def test_gradients_are_those_without_the_count(self):
        form, problem = small_forms("progressive-0.3")[2], small_problem()
        form.compute(problem, (1, 3))
        wanted = [p.grad.clone() for p in form.network.parameters()]
        with KeptBytes():
            form.compute(problem, (1, 3))
        for parameter, gradient in zip(form.network.parameters(), wanted, strict=True):
            assert torch.equal(parameter.grad, gradient)


class TestForms:
    """Of width W with C input channels a step keeps W + C + 5 W numbers per pixel if published."""

    def test_a_described_step_keeps_what_its_operations_need(self):
        _, described, _ = small_forms("progressive-1")
        one, two = (kept_bytes(described, small_problem(), (0, k)) for k in (2, 3))
        width, channels, pixels, examples, of_double = 6, 1, 7, 4, 8
        assert two - one == (6 * width + channels) * pixels * examples * of_double

    @pytest.mark.parametrize("run", RUNS)
    def test_the_longest_n_and_k_keep_the_most(self, run):
        problem = small_problem()
        for form in small_forms(run):
            if form.longest:
                every = [(n, k) for n in range(STEPS) for k in range(1, STEPS - n + 1)]
                counted = {drawn: kept_bytes(form, problem, drawn) for drawn in every}
                assert counted[form.longest] == max(counted.values())

    def test_two_passes_keep_more_than_delta_and_one_does_not(self):
        problem = small_problem()
        for delta, progressive in zip(
            small_forms("delta"), small_forms("progressive-0.3"), strict=True
        ):
            ratio = kept_bytes(progressive, problem, (0, STEPS)) / kept_bytes(delta, problem, ())
            assert (ratio < 1.01) == (delta.name == "ours")


class TestLargestBatch:
    @pytest.mark.parametrize("guess", [1, 6, 7, 8, 100])
    @pytest.mark.parametrize("limit", [0, 1, 7, 64])
    def test_is_found_from_every_guess(self, limit, guess):
        assert largest(lambda size: size <= limit, guess=guess) == limit

    def test_is_predicted_from_two_small_batches(self, monkeypatch):
        (form, *_) = small_forms("progressive-0.3")
        weights = sum(p.nbytes for p in form.network.parameters())
        needed = kept_bytes(form, small_problem(count=9), form.longest) + 2 * weights

        def predict(given: int) -> int:
            monkeypatch.setattr(memory, "GIVEN_BYTES", given)
            return predict_largest_batch(form, lambda size: small_problem(count=size))

        assert predict(needed) == 9
        assert predict(needed - 1) == 8
        assert predict(100) == 0


class TestLargestBatchOnAGpu:
    """With a GPU that is played: a batch needs one gigabyte per example."""

    @pytest.fixture
    def limits(self, monkeypatch):
        """Shares of the GPU's memory that the process was limited to."""
        seen: list[float] = []
        gpu = SimpleNamespace(total_memory=2 * GIVEN_BYTES)
        monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: gpu)
        monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
        monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", seen.append)
        monkeypatch.setattr(self, "gpu", gpu, raising=False)
        return seen

    def form(self, error: type[Exception] = torch.OutOfMemoryError):
        def compute(size: int, drawn: tuple[int, ...]) -> None:
            if size * 10**9 > GIVEN_BYTES:
                raise error("out of it")

        return SimpleNamespace(compute=compute, longest=(0, STEPS))

    def test_is_found_in_the_given_memory_and_the_limit_lifted(self, limits):
        assert measure_largest_batch(self.form(), lambda size: size, guess=20) == 8
        assert limits == [0.5, 1.0]

    def test_another_error_is_raised_and_the_limit_lifted(self, limits):
        with pytest.raises(RuntimeError, match="out of it"):
            measure_largest_batch(self.form(RuntimeError), lambda size: size, guess=20)
        assert limits == [0.5, 1.0]

    def test_is_not_measured_with_less_memory(self, limits):
        self.gpu.total_memory = GIVEN_BYTES - 1
        assert measure_largest_batch(self.form(), lambda size: size, guess=20) is None
        assert limits == []
