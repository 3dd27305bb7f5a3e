"""P28: evaluation without gradients."""

import pytest
import torch


@pytest.mark.claim("eval.no-grad")
def test_no_grad() -> None:
    weight = torch.ones(2, requires_grad=True)
    with torch.no_grad():
        assert (weight * 2).requires_grad is False
