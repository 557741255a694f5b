"""Training settings are resolved from named sets, to the numbers of the paper and its code."""

from __future__ import annotations

import pytest

from deltaloss.config.training_sets import resolve_training
from deltaloss.core.errors import ConfigError

from .configs import CONFIG, changed, read, with_preset

KEYS = (
    "optimizer",
    "learning_rate",
    "milestones",
    "decay_factor",
    "warmup_epochs",
    "epochs",
    "clip_norm",
    "throttle",
    "batch_size",
    "weight_decay",
)
# fmt: off
RELEASED = {
    ("delta", "chess"): ("adam", 0.001, [100, 115], 0.1, 10, 130, None, True, 250, 0),
    ("delta", "mazes"): ("adam", 0.001, [], 0.1, 10, 50, 10, True, 100, 0),
    ("delta", "prefix_sums"): ("adam", 0.001, [60, 100], 0.1, 10, 150, 0.1, False, 100, 0),
    ("progressive", "chess"): ("sgd", 0.01, [100, 115], 0.1, 10, 130, None, False, 300, 2e-4),
    ("progressive", "mazes"): ("adam", 0.001, [], 0.1, 10, 50, None, True, 50, 2e-4),
    ("progressive", "prefix_sums"): ("adam", 0.001, [60, 100], 0.1, 10, 150, 1, False, 100, 2e-4),
}
PAPER = {
    ("delta", "chess"): ("adam", 0.001, [100, 110], 0.01, 3, 120, None, True, 250, 0),
    ("delta", "mazes"): ("adam", 0.001, [], 0.01, 10, 50, 10, True, 100, 0),
    ("delta", "prefix_sums"): ("adam", 0.001, [60, 100], 0.01, 10, 150, 0.1, False, 100, 0),
    ("progressive", "chess"): ("sgd", 0.01, [100, 110], 0.01, 3, 120, None, False, 300, 2e-4),
    ("progressive", "mazes"): ("adam", 0.001, [], 0.01, 10, 50, None, True, 50, 2e-4),
    ("progressive", "prefix_sums"): ("adam", 0.001, [60, 100], 0.01, 10, 150, 1, False, 100, 2e-4),
}
# fmt: on


@pytest.mark.parametrize(("chosen", "table"), [("released", RELEASED), ("paper", PAPER)])
def test_the_settings_of_the_released_code_and_of_table_3(chosen, table):
    tasks = read(changed(hyperparameters=chosen)).tasks
    resolved = {
        (loss, name): task.training[loss]
        for name, task in tasks.items()
        for loss in ("delta", "progressive")
    }
    assert resolved == {place: dict(zip(KEYS, row, strict=True)) for place, row in table.items()}


def test_matched_gives_both_losses_the_released_settings_of_delta():
    released, matched = read(CONFIG).tasks, read(with_preset("matched")).tasks
    for name, task in matched.items():
        assert task.training["delta"] == released[name].training["delta"]
        assert task.training["progressive"] == task.training["delta"]


@pytest.mark.parametrize("preset", ["quick", "tiny"])
def test_small_presets_train_both_losses_alike(preset):
    for task in read(with_preset(preset)).tasks.values():
        assert task.training["progressive"] == task.training["delta"]


def test_later_layers_win():
    shared = {"released": {"epochs": 1, "delta": {"epochs": 2}}, "mine": {"epochs": 5}}
    own = {"released": {"epochs": 3, "delta": {"epochs": 4}}, "mine": {"delta": {"epochs": 6}}}
    found = []
    for chosen, own_sets in [("released", {}), ("released", own), ("mine", {}), ("mine", own)]:
        training = resolve_training(shared, own_sets, chosen, key="tasks.mazes")
        found.append([training[loss]["epochs"] for loss in ("progressive", "delta")])
    assert found == [[1, 2], [3, 4], [5, 5], [5, 6]]


def test_a_set_that_is_nowhere_is_refused():
    sets = {"released": {}, "paper": {}}
    with pytest.raises(ConfigError, match=r"'papre' \(did you mean 'paper'\?\): neither training"):
        resolve_training(sets, {}, "papre", key="tasks.mazes")


def test_blocks_of_the_old_form_still_say_everything():
    block = dict(zip(KEYS, RELEASED["progressive", "chess"], strict=True))
    sets = {"old": {"delta": {**block, "epochs": 7}, "progressive": block}}
    training = resolve_training(CONFIG["training"], sets, "old", key="tasks.mazes")
    assert training["progressive"] == block
    assert training["delta"] == {**block, "epochs": 7}
