"""Code that has changed and computes the same: results of the former are as if of the later.

A digest of code (`core.fingerprint`) changes with every change of its meaning, also where no number
can change, and a published study cannot be run again each time. A line stands here only if former
and later code have run on one machine and made the same bits: weights and answers of the preset
tiny for all puzzles, or more; of a measured cost, whose times never repeat, the same memory.
"""

from __future__ import annotations

SAME_CODE = {
    # Commit c78f5ce, and that of this line: networks that mix past states were added, and
    # `make_network` moved. The nine trainings of the preset tiny, their answers, convergence and
    # recovery have the same bits (Intel Xeon, PyTorch 2.13.0).
    "77746b5e4bb0b624": "682367ed8459f272",  # train_model prefix_sums delta
    "67473342c51aebf7": "e5ea2e0f9a6c6a4f",  # train_model prefix_sums progressive
    "c78e727a8ce45ab1": "1aaa000bf4addf3a",  # evaluate_model prefix_sums
    "2c2734a0dc52c083": "89738af9086d4c29",  # evaluate_untrained prefix_sums
    "f9ed761411d467d1": "5e5d5b00f6e32c91",  # measure_convergence prefix_sums
    "a1dfad0e4be1e2b0": "cdc3534ac3710b5d",  # measure_recovery prefix_sums
    "33b6cfb74bb71326": "66e8517d20c503bb",  # train_model mazes delta
    "a6c667a250299026": "c94ae3bba9c195fa",  # train_model mazes progressive
    "48d65e0ed98cc4d0": "3f9a189a4969a4e3",  # evaluate_model mazes
    "19a8882bdad37286": "72c4c90e4685f012",  # evaluate_untrained mazes
    "3f712cc3d6f01be1": "bbe4eaf64b558bc2",  # train_model chess delta
    "04efd21f9d34f898": "83c5b61288aff4f1",  # train_model chess progressive
    "687ab042777a53db": "000476c6dcd1fb50",  # evaluate_model chess
    "8e12ae6be6cd36e4": "13d0c19f83669ec8",  # evaluate_untrained chess
    # Commits ceb2b7e and bbb8120: other losses and networks are measured too. The preset tiny has
    # the same draws, memory kept and predicted batches; what is timed has not changed.
    "5cca0f47205df2d4": "06b464cac6f082ce",  # measure_efficiency prefix_sums
    "c266e86e4c5adb4b": "09d8ee384f0a0daf",  # measure_efficiency mazes
}


def latest(code: object) -> object:
    """Return the digest of the latest code that computes the same."""
    while code in SAME_CODE:
        code = SAME_CODE[str(code)]
    return code
