"""One module a loss, named as in the config, each with its `LOSS`.

A module is imported only when its loss is asked for, so adding a loss retrains nothing.
"""

from __future__ import annotations

from importlib import import_module

from deltaloss.losses.base import Criterion, Loss, Outcome

__all__ = ["Criterion", "Loss", "Outcome", "make_loss"]


def make_loss(
    name: str, *, steps: int, alpha: float | None = None, recompute: str = "none"
) -> Loss:
    """Make the loss of that name over `steps` steps; `alpha` for those that have one.

    Args:
        name: a module of this package.
        steps: T, reasoning steps.
        alpha: weight of the progressive part.
        recompute: "none", "blocks" or "steps": what is computed again instead of kept.
    """
    settings = {} if alpha is None else {"alpha": alpha}
    module = import_module(f"{__name__}.{name}")
    loss: Loss = module.LOSS(steps=steps, recompute=recompute, **settings)
    return loss
