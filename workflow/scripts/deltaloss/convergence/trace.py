"""What is kept of a network's states while it is unrolled.

Shape letters: N examples, T steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MEASURES = ("state_change", "two_step_change", "logit_change", "norm", "uncertainty")

Numbers = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Trace:
    """What is kept of the states: numbers per example and step, never the states.

    Row t - 1 is step t. From the first state on that is not finite numbers are NaN.

    Attributes:
        state_change: |s_t - s_(t-1)| / |s_t|, [T, N].
        two_step_change: |s_t - s_(t-2)| / |s_t|, [T, N]; NaN at step 1.
        logit_change: as `state_change`, of the logits.
        norm: |s_t|, [T, N].
        uncertainty: mean probability of the classes that are not answered, [T, N].
        answer_changed: whether the answer is another than one step before, bool [T, N].
        nonfinite_step: int32 [N]; first step whose state is not finite, 0 if all are.
        correct: whether the answer is right and the state finite, bool [T, N].
        radius: spectral radius at the last state, [N]; NaN where it was not computed.
        radius_residual: of its iteration, [N].
    """

    state_change: Numbers
    two_step_change: Numbers
    logit_change: Numbers
    norm: Numbers
    uncertainty: Numbers
    answer_changed: NDArray[np.bool_]
    nonfinite_step: NDArray[np.int32]
    correct: NDArray[np.bool_]
    radius: NDArray[np.float64]
    radius_residual: NDArray[np.float64]
