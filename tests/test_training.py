"""The training loop and what it is made of."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deltaloss.batches import Batch, in_order, shuffled, split_training
from deltaloss.errors import TrainingError
from deltaloss.losses import make_loss
from deltaloss.network import make_network
from deltaloss.records import HISTORY_COLUMNS
from deltaloss.schedules import learning_rate_factor
from deltaloss.seeds import derive_seed
from deltaloss.settings import NetworkSettings, TrainingSettings
from deltaloss.splits import training_count
from deltaloss.tasks import load_task
from deltaloss.training import Trained, accuracy_percent, make_optimizer, train

TASK = load_task("prefix_sums")
NETWORK = NetworkSettings(width=8, head=(8, 4), recall_relu=True)


def strings(count: int = 60, bits: int = 4) -> Batch:
    inputs = torch.randint(2, (count, 1, bits), generator=torch.Generator().manual_seed(1))
    return Batch(
        inputs=inputs.to(torch.uint8), targets=(inputs[:, 0].cumsum(1) % 2).to(torch.uint8)
    )


def settings(**changes: object) -> TrainingSettings:
    values: dict[str, object] = {
        "optimizer": "adam",
        "learning_rate": 0.01,
        "milestones": (),
        "decay_factor": 0.1,
        "warmup_epochs": 2,
        "epochs": 6,
        "clip_norm": 1.0,
        "throttle": False,
        "batch_size": 8,
        "weight_decay": 0.0,
    }
    return TrainingSettings(**{**values, **changes})  # type: ignore[arg-type]


def run(
    loss: str = "delta", alpha: float | None = None, seed: int = 3, **changes: object
) -> Trained:
    train_set, validation_set = split_training(strings(), fraction=0.2, seed=42)
    return train(
        make_network(TASK, NETWORK, seed=seed),
        make_loss(loss, steps=3, alpha=alpha),
        train_set,
        validation_set,
        task=TASK,
        settings=settings(**changes),
        steps=3,
        seed=seed,
    )


class TestSchedule:
    @given(st.integers(0, 200), st.integers(0, 20))
    def test_warmup_rises_to_exactly_one(self, epoch, warmup):
        factor = learning_rate_factor(epoch, warmup_epochs=warmup, milestones=(), decay_factor=0.1)
        if epoch + 1 < warmup:
            assert factor == pytest.approx(-math.expm1(-(epoch + 1) / warmup))
        else:
            assert factor == 1

    def test_each_milestone_counts_once_and_is_lost_inside_the_warmup(self):
        def at(epoch: int) -> float:
            return learning_rate_factor(
                epoch, warmup_epochs=5, milestones=(3, 10, 20), decay_factor=0.5
            )

        assert [at(9), at(10), at(19), at(20), at(500)] == [1, 0.5, 0.5, 0.25, 0.25]


class TestBatches:
    def test_split_is_that_of_the_data_set_package(self):
        """The released code calls random_split with a generator of seed 42."""
        examples = strings(53)
        theirs = torch.utils.data.random_split(
            range(53), [42, 11], generator=torch.Generator().manual_seed(42)
        )
        ours = split_training(examples, fraction=0.2, seed=42)
        for part, subset in zip(ours, theirs, strict=True):
            assert torch.equal(part.inputs, examples.inputs[list(subset.indices)])

    @given(st.integers(1, 700_000), st.floats(0, 1))
    def test_training_count_is_rounded_down(self, count, fraction):
        kept = training_count(count, fraction)
        assert 0 <= kept <= count
        assert kept == pytest.approx(count * (1 - fraction), abs=1.001)

    @pytest.mark.parametrize(("count", "kept"), [(10, 8), (10_000, 8_000), (600_000, 480_000)])
    def test_four_fifths_exactly(self, count, kept):
        assert training_count(count, 0.2) == kept

    def test_epoch_is_a_permutation_without_the_incomplete_batch(self):
        examples = Batch(inputs=torch.arange(23).view(-1, 1, 1), targets=torch.arange(23))
        batches = list(shuffled(examples, 5, seed=1, epoch=0))
        assert [len(batch) for batch in batches] == [5, 5, 5, 5]
        seen = torch.cat([batch.targets for batch in batches]).tolist()
        assert len(set(seen)) == 20
        other = torch.cat([b.targets for b in shuffled(examples, 5, seed=1, epoch=1)]).tolist()
        assert other != seen

    def test_in_order_gives_every_example(self):
        examples = strings(11)
        assert [len(batch) for batch in in_order(examples, 4)] == [4, 4, 3]


class TestOptimizer:
    def test_throttle_divides_the_recurrent_rate_by_the_steps(self):
        network = make_network(TASK, NETWORK)
        optimizer = make_optimizer(network, settings(throttle=True), steps=5)
        slowed = {id(p) for p in network.recurrent_parameters()}
        rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
        assert len(rates) == len(list(network.parameters()))
        assert all(rates[key] == (0.002 if key in slowed else 0.01) for key in rates)

    def test_sgd_has_the_published_momentum(self):
        optimizer = make_optimizer(make_network(TASK, NETWORK), settings(optimizer="sgd"), steps=3)
        assert isinstance(optimizer, torch.optim.SGD)
        assert {group["momentum"] for group in optimizer.param_groups} == {0.9}


class TestTraining:
    @pytest.mark.parametrize(("loss", "alpha"), [("delta", None), ("progressive", 0.5)])
    def test_learns(self, loss, alpha):
        trained = run(loss, alpha, epochs=60, milestones=(50,))
        assert trained.history[-1]["train_loss"] < 0.5 * trained.history[0]["train_loss"]
        assert max(row["validation_accuracy_percent"] for row in trained.history) >= 50

    def test_keeps_the_first_best_epoch_on_validation(self):
        trained = run(epochs=12)
        accuracies = [row["validation_accuracy_percent"] for row in trained.history]
        assert trained.best_epoch == accuracies.index(max(accuracies)) + 1
        network = make_network(TASK, NETWORK)
        network.load_state_dict(trained.weights)
        _, validation_set = split_training(strings(), fraction=0.2, seed=42)
        assert accuracy_percent(network, validation_set, task=TASK, steps=3) == max(accuracies)

    def test_same_seed_same_weights_whatever_happened_before(self):
        first = run("progressive", 0.5)
        torch.rand(99)
        again, other = run("progressive", 0.5), run("progressive", 0.5, seed=4)
        for name, weights in first.weights.items():
            assert torch.equal(weights, again.weights[name])
            assert not torch.equal(weights, other.weights[name])

    def test_loss_that_is_not_finite_names_epoch_batch_and_last_good_epoch(self):
        with pytest.raises(TrainingError, match=r"epoch 1, batch \d+ of 6; no epoch"):
            run(learning_rate=1e20, warmup_epochs=0, clip_norm=None)
        with pytest.raises(TrainingError, match=r"epoch 3, batch 1 of 6; last good epoch 2"):
            run_poisoned(at_epoch=3)

    def test_history_has_a_row_an_epoch(self):
        trained = run(epochs=3)
        assert [row["epoch"] for row in trained.history] == [1, 2, 3]
        assert all(tuple(row) == HISTORY_COLUMNS for row in trained.history)
        assert all(row["train_seconds"] > 0 for row in trained.history)
        assert all(row["compile_seconds"] == 0 for row in trained.history)

    def test_gradient_norm_is_that_before_clipping(self):
        free, clipped = run(epochs=1, clip_norm=None), run(epochs=1, clip_norm=1e9)
        tight = run(epochs=1, clip_norm=1e-9, optimizer="sgd", learning_rate=1e-9)
        norm = free.history[0]["gradient_norm"]
        assert norm == clipped.history[0]["gradient_norm"] > 0.01
        assert tight.history[0]["gradient_norm"] == pytest.approx(norm, rel=0.5)


def run_poisoned(at_epoch: int) -> None:
    """Train with a loss that breaks at the first batch of an epoch."""

    class Poisoned:
        def __init__(self) -> None:
            self.plain = make_loss("delta", steps=3)
            self.batches = 0

        def draw(self, generator: torch.Generator) -> tuple[int, ...]:
            return ()

        def __call__(self, network, x, criterion, *drawn):  # type: ignore[no-untyped-def]
            self.batches += 1
            if self.batches == (at_epoch - 1) * 6 + 1:
                x = x * float("nan")
            return self.plain(network, x, criterion)

    train_set, validation_set = split_training(strings(), fraction=0.2, seed=42)
    train(
        make_network(TASK, NETWORK),
        Poisoned(),
        train_set,
        validation_set,
        task=TASK,
        settings=settings(epochs=5),
        steps=3,
        seed=1,
    )


@given(st.integers(0, 2**40), st.text(max_size=20), st.integers(0, 999))
def test_streams_have_their_own_seeds(seed, purpose, epoch):
    one = derive_seed(seed, purpose, epoch)
    assert one == derive_seed(seed, purpose, epoch)
    assert 0 <= one < 2**63
    assert one != derive_seed(seed, purpose, epoch + 1)
    assert one != derive_seed(seed + 1, purpose, epoch)
