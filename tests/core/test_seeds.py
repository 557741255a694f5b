"""Named random streams."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from deltaloss.core.seeds import derive_seed


@given(st.integers(0, 2**40), st.text(max_size=20), st.integers(0, 999))
def test_streams_have_their_own_seeds(seed, purpose, epoch):
    one = derive_seed(seed, purpose, epoch)
    assert one == derive_seed(seed, purpose, epoch)
    assert 0 <= one < 2**63
    assert one != derive_seed(seed, purpose, epoch + 1)
    assert one != derive_seed(seed + 1, purpose, epoch)
