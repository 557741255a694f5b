"""Numbers of operations, held against those of the published networks."""

from __future__ import annotations

import pytest

from deltaloss.config.costs import multiply_adds

from .configs import CONFIG, read

PUBLISHED = {"chess": 772e6, "mazes": 451e6, "prefix_sums": 100e6}


@pytest.mark.parametrize("task", PUBLISHED)
def test_a_step_of_the_paper_s_networks_takes_so_many(task):
    chosen = read(CONFIG).tasks[task]
    shape = chosen.card.shape(chosen.data, "train")
    found = multiply_adds(chosen.network, shape)
    assert found == pytest.approx(PUBLISHED[task], rel=0.01)
