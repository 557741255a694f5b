"""Evaluation: right at every step, the same bits for every batch size, resumable."""

from __future__ import annotations

import gc
import os
import signal

import numpy as np
import pytest
import torch

from deltaloss.core.errors import MemoryShortageError
from deltaloss.core.log import StopFlag
from deltaloss.core.progress import Progress
from deltaloss.evaluation.loop import _evaluate_batch, accuracy_percent, evaluate
from deltaloss.puzzles.base import load_task
from deltaloss.runtime.checkpoints import Checkpointer
from tests.evaluation.problems import SIZES, answered, random_examples, random_network


def run(name, network, examples, *, steps=5, batch_size=4, **options):
    options = {"task": load_task(name), "steps": steps, "batch_size": batch_size, **options}
    return evaluate(network, examples, **options)


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("step", [1, 3, 5])
def test_row_t_holds_the_answers_after_t_steps(name, step):
    network, examples = random_network(name), random_examples(name, 11)
    result = run(name, network, answered(name, network, examples, step), provenance={"a": 1})
    assert result.correct.shape == (5, 11)
    assert result.correct[step - 1].all()
    assert not result.nonfinite_step.any()
    assert result.provenance == {"a": 1}


@pytest.mark.parametrize("name", SIZES)
def test_accuracy_percent_is_the_row_of_the_last_step(name):
    network, examples = random_network(name), random_examples(name, 11)
    examples = answered(name, network, examples, 2)
    examples.targets[:3] ^= 1
    row = run(name, network, examples, steps=2).correct[1]
    found = accuracy_percent(network, examples, task=load_task(name), steps=2)
    assert found == pytest.approx(100 * row.mean())
    assert found == pytest.approx(100 * 8 / 11)


@pytest.mark.parametrize(
    ("width", "threads"),
    [(6, 1), (32, 1), (48, 1), (128, 1), (32, 2)],
    ids=["tiny", "narrow", "medium", "wide", "two_threads"],
)
@pytest.mark.parametrize("name", SIZES)
def test_states_have_the_same_bits_for_every_batch_size(name, width, threads, monkeypatch):
    """oneDNN chooses its kernels by shape: each must sum in the same order."""
    network, examples, task = random_network(name, width), random_examples(name, 7), load_task(name)
    seen = []
    readout = network.readout
    monkeypatch.setattr(network, "readout", lambda s: (seen.append(s.clone()), readout(s))[1])
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        states = {}
        for batch_size in (7, 1, 2, 5):
            parts = []
            for start in range(0, 7, batch_size):
                batch = examples.take(slice(start, start + batch_size))
                seen.clear()
                _evaluate_batch(network, batch, task, 2, lambda step, size: None)
                parts.append(torch.stack(seen)[:, : len(batch)])
            states[batch_size] = torch.cat(parts, 1).view(torch.int32)
    finally:
        torch.set_num_threads(before)
    for batch_size in (1, 2, 5):
        assert torch.equal(states[batch_size], states[7])


@pytest.mark.parametrize(("name", "size"), [("prefix_sums", (37,)), ("mazes", (7, 7))])
def test_mixed_states_have_the_same_bits_for_every_batch_size(name, size):
    """Functions of single numbers must not depend on the place of a number in a vector."""
    network, task = random_network(name, mixing=True), load_task(name)
    x = task.encode(random_examples(name, 13, size).inputs)
    with torch.no_grad():
        whole = torch.stack(list(network.unroll(x, 3)))
        for batch_size in (2, 3, 4, 5, 7):
            parts = [part for part in x.split(batch_size) if len(part) > 1]  # else `padded`
            states = [torch.stack(list(network.unroll(part, 3))) for part in parts]
            count = sum(len(part) for part in parts)
            assert torch.equal(torch.cat(states, 1), whole[:, :count])


def tensor_bytes() -> int:
    """Bytes of all tensors that exist, each storage once."""
    storages = {
        tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes()
        for tensor in gc.get_objects()
        if type(tensor) is torch.Tensor and tensor.layout == torch.strided
    }
    return sum(storages.values())


def test_memory_does_not_grow_with_the_steps():
    """A step keeps two bits per example; the outputs of 72 more steps would be 2.6 MB."""
    network, examples = random_network("mazes"), random_examples("mazes", 4)
    held = {}
    for steps in (8, 80):

        def on_step(step, size, steps=steps):
            if step == steps:
                held[steps] = tensor_bytes()

        _evaluate_batch(network, examples, load_task("mazes"), steps, on_step)
    assert held[80] - held[8] <= 2 * 4 * (80 - 8)


def exploding_network(name):
    network = random_network(name)
    with torch.no_grad():
        for weight in network.recurrent_parameters():
            weight.mul_(60)
    return network


def test_an_example_is_wrong_from_the_first_step_that_is_not_finite():
    name = "prefix_sums"
    network, examples, task = exploding_network(name), random_examples(name, 11), load_task(name)
    result = run(name, network, examples, steps=40)
    with torch.no_grad():
        _, *states = network.unroll(task.encode(examples.inputs), 40)
    finite = torch.stack([state.isfinite().flatten(1).all(1) for state in states]).numpy()
    assert not finite[-1].any()
    assert np.array_equal(result.nonfinite_step, finite.argmin(0) + 1)
    for example, first in enumerate(result.nonfinite_step):
        assert not result.correct[first - 1 :, example].any()


SHORTAGES = {
    "gpu": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    "cpu": RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    "python": MemoryError(),
}


def limit_memory(monkeypatch, network, most, error):
    """Raise in the third step of a batch of more than `most` examples; list the sizes tried."""
    step, sizes = network.step, []

    def limited(state, recall, **options):
        sizes.append(len(state))
        if len(state) > most and sizes.count(len(state)) % 3 == 0:
            raise error
        return step(state, recall, **options)

    monkeypatch.setattr(network, "step", limited)
    return sizes


@pytest.mark.parametrize("kind", SHORTAGES)
def test_a_shortage_of_memory_halves_the_batch_and_changes_no_answer(monkeypatch, kind):
    network, examples = random_network("mazes"), random_examples("mazes", 20)
    examples = answered("mazes", network, examples, 2)
    plain = run("mazes", network, examples, batch_size=20)
    sizes = limit_memory(monkeypatch, network, 6, SHORTAGES[kind])
    result = run("mazes", network, examples, batch_size=20)
    assert np.array_equal(result.correct, plain.correct)
    assert list(dict.fromkeys(sizes)) == [20, 10, 5]


def test_too_little_memory_for_one_example_ends_in_one_line(monkeypatch):
    network = random_network("chess")
    limit_memory(monkeypatch, network, 0, SHORTAGES["gpu"])
    with pytest.raises(MemoryShortageError, match="not enough memory for one example"):
        run("chess", network, random_examples("chess", 4))


def test_another_error_is_not_taken_for_a_shortage(monkeypatch):
    network = random_network("chess")
    limit_memory(monkeypatch, network, 0, RuntimeError("shapes do not fit"))
    with pytest.raises(RuntimeError, match="do not fit"):
        run("chess", network, random_examples("chess", 4))


def test_progress_ends_with_all_steps_of_all_examples(monkeypatch):
    reports = []
    monkeypatch.setattr(Progress, "due", lambda self: True)
    monkeypatch.setattr(Progress, "update", lambda self, done, text="": reports.append(done))
    examples = random_examples("prefix_sums", 11)
    run("prefix_sums", random_network("prefix_sums"), examples, show_progress=True)
    assert reports == sorted(reports)
    assert reports[0] == 4
    assert reports[-1] == 55


def stop_after(network, steps, monkeypatch):
    """Send this process SIGTERM in a step."""
    step, left = network.step, iter(range(steps))

    def counted(state, recall, **options):
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(state, recall, **options)

    monkeypatch.setattr(network, "step", counted)


@pytest.mark.parametrize("steps", [1, 9, 17, 28])
def test_a_stopped_evaluation_resumes_with_another_batch_size_to_the_same_answers(
    tmp_path, monkeypatch, steps
):
    network = random_network("prefix_sums")
    examples = answered("prefix_sums", network, random_examples("prefix_sums", 11), 2)
    identity = {"seed": 1}
    with monkeypatch.context() as patch:
        stop_after(network, steps, patch)
        with (
            Checkpointer(tmp_path, identity=identity) as checkpointer,
            StopFlag() as stop,
            pytest.raises(SystemExit) as caught,
        ):
            run(
                "prefix_sums",
                network,
                examples,
                batch_size=2,
                checkpointer=checkpointer,
                stop=stop,
            )
    assert caught.value.code == 128 + signal.SIGTERM
    with Checkpointer(tmp_path, identity=identity) as checkpointer:
        saved = checkpointer.load()
        assert saved["count"] == 2 * ((steps + 1) // 5)  # a batch at its last step is finished
        resumed = run("prefix_sums", network, examples, batch_size=3, checkpointer=checkpointer)
    assert np.array_equal(resumed.correct, run("prefix_sums", network, examples).correct)
