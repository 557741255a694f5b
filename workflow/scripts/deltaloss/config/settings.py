"""Settings of networks and of training, frozen and complete."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """Size of a network (table 1).

    Attributes:
        width: channels of the state.
        head: channels of the first two head layers.
        recall_relu: whether a ReLU follows the recall convolution.
        mixing: whether a step starts from a mixture of all past states (appendix A.1).
    """

    width: int
    head: tuple[int, int]
    recall_relu: bool
    mixing: bool = False


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Settings of one training run (table 3).

    Attributes:
        optimizer: "adam", or "sgd" with momentum 0.9.
        learning_rate: base rate.
        milestones: epochs at which the rate is multiplied by `decay_factor`.
        decay_factor: of the rate at each milestone.
        warmup_epochs: period of the exponential warm-up; 0 for none.
        epochs: number of epochs.
        clip_norm: largest total gradient norm; None for no clipping.
        throttle: whether recall and internal block train at 1/T of the rate.
        batch_size: examples per batch; an incomplete last batch is dropped.
        weight_decay: L2 penalty, added to the gradient.
    """

    optimizer: str
    learning_rate: float
    milestones: tuple[int, ...]
    decay_factor: float
    warmup_epochs: int
    epochs: int
    clip_norm: float | None
    throttle: bool
    batch_size: int
    weight_decay: float
