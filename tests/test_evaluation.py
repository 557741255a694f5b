"""Evaluation: one bit an example and step, right whatever the batch, lost on overflow, and copied
where an example repeats itself."""

from __future__ import annotations

import gc
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deltaloss.batches import Batch
from deltaloss.errors import MemoryShortageError
from deltaloss.evaluation import evaluate
from deltaloss.inference import PreparedNetwork
from deltaloss.network import Recall, make_network
from deltaloss.paper import TASKS
from deltaloss.settings import NetworkSettings
from deltaloss.slots import Slots
from deltaloss.tasks import load_task

SIZES = {"chess": (8, 8), "mazes": (12, 12), "prefix_sums": (9,)}


def examples(name: str, count: int = 11) -> Batch:
    task, size = load_task(name), SIZES[name]
    stream = torch.Generator().manual_seed(3)
    inputs = torch.randint(2, (count, task.channels, *size), generator=stream).to(torch.uint8)
    targets = torch.randint(2, (count, *size), generator=stream).to(torch.uint8)
    return Batch(inputs=inputs, targets=targets)


def network(name: str, width: int = 8) -> PreparedNetwork:
    shape = NetworkSettings(width=width, head=(8, 4), recall_relu=True)
    return PreparedNetwork(make_network(load_task(name), shape, seed=1).eval())


def answered(name: str, net: PreparedNetwork, batch: Batch, steps: int) -> Batch:
    """Give the batch with the network's own answers after `steps` steps as targets."""
    task = load_task(name)
    with torch.no_grad():
        answers = task.answer(net(task.encode(batch.inputs), steps), batch.inputs)
    return Batch(inputs=batch.inputs, targets=answers.to(torch.uint8))


def run(name: str, net: PreparedNetwork, batch: Batch, *, steps: int = 5, batch_size: int = 4):
    return evaluate(
        net,
        batch,
        task=load_task(name),
        steps=steps,
        batch_size=batch_size,
        provenance={"from": "a test"},
    )


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("step", [1, 3, 5])
def test_row_t_is_the_answer_after_t_steps(name, step):
    net, batch = network(name), examples(name)
    result = run(name, net, answered(name, net, batch, step))
    assert result.correct.shape == (5, 11)
    assert result.correct[step - 1].all()
    assert result.provenance == {"from": "a test"}
    assert not result.nonfinite_step.any()


@pytest.mark.parametrize("name", TASKS)
def test_bits_do_not_depend_on_the_batch_size(name):
    net, batch = network(name), examples(name)
    batch = answered(name, net, batch, 2)
    one = run(name, net, batch, batch_size=1)
    for batch_size in (3, 11, 100):
        np.testing.assert_array_equal(
            run(name, net, batch, batch_size=batch_size).correct, one.correct
        )


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("width", [48, 128])
@pytest.mark.parametrize("name", TASKS)
def test_bits_do_not_depend_on_the_batch_at_the_width_of_real_networks(name, width, threads):
    """oneDNN has other kernels for other shapes: each must sum in the same order."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        net, batch = network(name, width), examples(name, 7)
        whole = states(name, net, batch, 3)
        for batch_size in (1, 2, 3, 5):
            assert_same_states(states(name, net, batch, 3, batch_size), whole)
    finally:
        torch.set_num_threads(before)


def states(name, net, batch, steps, batch_size: int = 100) -> torch.Tensor:
    """Give the state of every example after some steps, from slots filled again and again."""
    found = []
    with torch.inference_mode():
        for start in range(0, len(batch), batch_size):
            chosen = list(range(len(batch)))[start : start + batch_size]
            slots = Slots(net, load_task(name), batch, chosen, {})
            slots.accept(slots.run(steps)[0], steps)
            found += [carried.state for carried in slots.standing().values()]
    return torch.stack(found)


def assert_same_states(one, other):
    assert torch.equal(one.view(torch.int32), other.view(torch.int32))


@pytest.mark.parametrize("name", TASKS)
@settings(max_examples=20)
@given(data=st.data())
def test_an_example_is_the_same_whenever_it_comes_in(name, data):
    """Some leave after other numbers of steps, others come in beside them: no state changes."""
    net, batch = network(name, 16), examples(name, 9)
    task = load_task(name)
    alone = states(name, net, batch, 6)
    with torch.inference_mode():
        slots = Slots(net, task, batch, data.draw(subsets(range(4), least=1)), {})
        waiting, seen = list(range(4, 9)), 0
        while len(slots.busy):
            slots.accept(slots.run(3)[0], 3)
            for example, carried in slots.standing().items():
                if carried.step == 6:
                    assert_same_states(carried.state, alone[example])
                    seen += 1
            ended = slots.busy[slots.steps[slots.busy] == 6]
            slots.retire(ended)
            newcomers = waiting[: data.draw(st.integers(0, len(ended)))]
            if newcomers:
                slots.admit(newcomers)
                del waiting[: len(newcomers)]
            if data.draw(st.booleans()):
                slots.shrink()
    assert seen


def subsets(values, least: int):
    return st.lists(st.sampled_from(values), min_size=least, unique=True)


def test_memory_on_the_device_does_not_grow_with_the_steps():
    """What a batch holds between two looks is all there is: flags of a few steps, and states."""
    net, batch = network("mazes"), examples("mazes")
    run("mazes", net, batch)  # prepares the weights
    sizes = {}
    for steps in (8, 80):
        held: list[int] = []
        evaluate(
            net,
            batch,
            task=load_task("mazes"),
            steps=steps,
            batch_size=4,
            provenance={},
            progress=lambda *told, held=held: held.append(tensor_bytes()),
        )
        sizes[steps] = max(held)
    assert sizes[80] <= sizes[8]


def tensor_bytes() -> int:
    """Add up the tensors that there are, each memory once."""
    gc.collect()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tensors = [thing for thing in gc.get_objects() if isinstance(thing, torch.Tensor)]
    # Weights in oneDNN's order do not grow; neither do what other tests left behind.
    tensors = [tensor for tensor in tensors if tensor.layout == torch.strided]
    return sum(
        {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}.values()
    )


def test_progress_counts_steps_and_examples():
    told: list[tuple[int, int, str]] = []
    evaluate(
        network("prefix_sums"),
        examples("prefix_sums"),
        task=load_task("prefix_sums"),
        steps=10,
        batch_size=4,
        provenance={},
        progress=lambda *line: told.append(line),
    )
    assert [line[0] for line in told] == sorted(line[0] for line in told)
    assert told[0][:2] == (32, 110)
    assert told[-1][:2] == (110, 110)
    assert "11 of 11 examples" in told[-1][2]


class Scripted(torch.nn.Module):
    """A stand-in whose state is a number out of a list: the example's own, written in its bits.

    Its answer is all ones where the number is odd and all zeros where it is even. A number below
    zero is not finite.
    """

    def __init__(self, scripts: list[list[int]]) -> None:
        super().__init__()
        self.scripts = scripts

    def embed(self, x):
        example = ((x > 0).flatten(1) * 2 ** torch.arange(x.shape[-1])).sum(1)
        term = example.float().view(-1, 1, 1, 1)
        place = torch.full_like(term, -1.0)
        return torch.cat([place, torch.zeros_like(place)], 1), Recall(term, torch.empty(0))

    def step(self, state, recall):
        new = torch.zeros_like(state)
        for row, (script, back) in enumerate(
            (self.scripts[int(term) % len(self.scripts)]) for term in recall.input_term.flatten()
        ):
            place = int(state[row, 0].nan_to_num(len(script) - 2, len(script) - 2)) + 1
            place = place if place < len(script) else back
            lost = script[place] < 0
            new[row, 0] = place
            new[row, 1] = [torch.inf, torch.nan][place % 2] if lost else script[place]
        return new

    def readout(self, state):
        odd = (state[:, 1].nan_to_num(0, 0) % 2).expand(-1, 1, WIDE)
        return torch.stack([1 - odd, odd], 1).squeeze(2)


WIDE = 5
SCRIPT = st.lists(st.integers(-1, 9), min_size=1, max_size=40).flatmap(
    lambda script: st.tuples(st.just(script), st.integers(0, len(script) - 1))
)


def scripted_batch(count: int) -> Batch:
    bits = (torch.arange(count).unsqueeze(1) >> torch.arange(WIDE)) & 1
    return Batch(
        inputs=bits.unsqueeze(1).to(torch.uint8),
        targets=torch.ones(count, WIDE, dtype=torch.uint8),
    )


@given(st.lists(SCRIPT, min_size=1, max_size=8), st.integers(1, 130), st.integers(1, 5))
def test_all_that_is_told_agrees_with_a_plain_reading_of_the_script(scripts, steps, batch_size):
    """The first step that is not finite; bits after it, and all bits of one that repeats itself."""
    net, count = Scripted(scripts), len(scripts)
    result = run("prefix_sums", net, scripted_batch(count), steps=steps, batch_size=batch_size)
    for example, (script, back) in enumerate(scripts):
        path = []
        for _ in range(steps):
            following = path[-1] + 1 if path else 0
            path.append(following if following < len(script) else back)
        numbers = [script[place] for place in path]
        lost = next((step for step, number in enumerate(numbers, 1) if number < 0), 0)
        assert result.nonfinite_step[example] == lost
        expected = [n % 2 == 1 and not (lost and s >= lost) for s, n in enumerate(numbers, 1)]
        assert result.correct[:, example].tolist() == expected
        start, period = result.periodic_step[example], result.period[example]
        if period:
            assert period == len(script) - back
            assert path[start - 1] == path[start + period - 1]
        elif not lost:
            # It is found once an eighth of the steps, or eight, hold a period behind its beginning.
            window = max(8, steps // 8)
            assert back + 2 * window + 8 > steps or len(script) - back > window - 8


@pytest.mark.parametrize("period", [1, 2, 3, 7, 8, 30])
def test_what_repeats_itself_leaves_the_batch(period):
    script = ([*range(10), *range(1, period + 1)], 10)
    net, steps = Counting([script]), 2000
    result = run("prefix_sums", net, scripted_batch(3), steps=steps, batch_size=2)
    assert result.period.tolist() == [period] * 3
    assert net.steps < 40 * (period + 10)
    tail = [script[0][10 + (step - 11) % period] % 2 == 1 for step in range(11, steps + 1)]
    assert result.correct[10:, 2].tolist() == tail


class Counting(Scripted):
    """Counts the steps of the batch."""

    steps = 0

    def step(self, state, recall):
        self.steps += 1
        return super().step(state, recall)


def test_a_zero_of_another_sign_is_another_state():
    """So nothing is claimed of a network that can tell the two apart."""

    class Flipping(Scripted):
        def embed(self, x):
            zeros = torch.zeros(len(x), 2, 1, 1)
            return zeros, Recall(zeros[:, :1], torch.empty(0))

        def step(self, state, recall):
            counted = state.clone()
            counted[:, 0] = -counted[:, 0] if state[:, 1].sum() % 2 == 0 else counted[:, 0]
            counted[:, 1] += 1
            return counted

    class Negating(Flipping):
        def step(self, state, recall):
            return torch.neg(state)

    batch = scripted_batch(2)
    assert not run("prefix_sums", Flipping([]), batch, steps=50).period.any()
    assert (run("prefix_sums", Negating([]), batch, steps=50).period == 2).all()


def test_a_network_that_explodes_is_seen():
    net = network("prefix_sums")
    with torch.no_grad():
        for weight in net.network.recurrent_parameters():
            weight.mul_(60)
    result = run("prefix_sums", net, examples("prefix_sums"), steps=40)
    assert (result.nonfinite_step > 1).all()
    for example, first in enumerate(result.nonfinite_step):
        assert not result.correct[first - 1 :, example].any()


class Short(Scripted):
    """Has memory for some examples only."""

    def __init__(self, scripts, most: int, error: Exception) -> None:
        super().__init__(scripts)
        self.most, self.error, self.sizes = most, error, []

    def step(self, state, recall):
        self.sizes.append(len(state))
        if len(state) > self.most and len(self.sizes) > 2:
            raise self.error
        return super().step(state, recall)


SHORTAGES = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory"),
    MemoryError(),
]


@pytest.mark.parametrize("error", SHORTAGES)
def test_a_shortage_of_memory_halves_the_batch_and_changes_nothing(error):
    scripts = [([*range(30)], start) for start in (0, 3, 9)]
    plain = run("prefix_sums", Scripted(scripts), scripted_batch(20), steps=25, batch_size=20)
    net = Short(scripts, 6, error)
    result = run("prefix_sums", net, scripted_batch(20), steps=25, batch_size=20)
    for field in ("correct", "nonfinite_step", "periodic_step", "period"):
        np.testing.assert_array_equal(getattr(result, field), getattr(plain, field))
    assert sorted(set(net.sizes), reverse=True)[:3] == [20, 10, 5]


def test_too_little_memory_for_one_example_is_one_line():
    net = Short([([1, 2], 0)], 0, SHORTAGES[0])
    with pytest.raises(MemoryShortageError, match="prefix_sums: there is not enough memory"):
        run("prefix_sums", net, scripted_batch(4), steps=25)


def test_another_error_is_not_taken_for_a_shortage():
    net = Short([([1, 2], 0)], 0, RuntimeError("shapes do not fit"))
    with pytest.raises(RuntimeError, match="do not fit"):
        run("prefix_sums", net, scripted_batch(4), steps=25)
