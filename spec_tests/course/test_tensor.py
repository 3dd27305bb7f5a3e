"""Claims about tensors: creating, indexing and changing them."""

import warnings

import numpy as np
import pytest
import torch

from spec_tests.harness.shown_errors import ShowsError


@pytest.mark.claim("tensor.empty")
def test_empty() -> None:
    assert torch.empty(2, 3).shape == (2, 3)


@pytest.mark.claim("tensor.rand")
def test_rand() -> None:
    x = torch.rand(20, 30)
    assert x.shape == (20, 30)
    assert 0 <= x.min() < 0.5 < x.max() < 1
    assert not torch.equal(x, torch.rand(20, 30))


@pytest.mark.claim("tensor.zeros-long")
def test_zeros_long() -> None:
    x = torch.zeros(2, 3, dtype=torch.long)
    assert x.dtype == torch.int64
    assert x.tolist() == [[0, 0, 0], [0, 0, 0]]


@pytest.mark.claim("tensor.full-width-comma")
@pytest.mark.shows("tensor.full-width-comma")
def test_full_width_comma_is_a_syntax_error(shows_error: ShowsError) -> None:
    with shows_error("tensor.full-width-comma"):
        compile("x = torch.zeros(a,b，dtype=torch.long)", "lesson", "exec")


@pytest.mark.claim("tensor.from-data")
def test_from_data() -> None:
    x = torch.tensor([5.5, 3])
    assert x.dtype == torch.float32
    assert x.tolist() == [5.5, 3]


@pytest.mark.claim("tensor.randn-like")
def test_randn_like() -> None:
    x = torch.zeros(20, 30, dtype=torch.long)
    random = torch.randn_like(x, dtype=torch.float)
    assert random.shape == (20, 30)
    assert random.dtype == torch.float32
    assert random.min() < 0 < random.max()


@pytest.mark.claim("tensor.size")
def test_printed_size() -> None:
    assert str(torch.rand(5, 3).size()) == "torch.Size([5, 3])"


@pytest.mark.claim("tensor.add")
def test_add() -> None:
    x, y = torch.tensor([1, 2]), torch.tensor([10, 20])
    assert (x + y).tolist() == [11, 22]
    assert torch.add(x, y).tolist() == [11, 22]


@pytest.mark.claim("tensor.add-out")
def test_add_out() -> None:
    result = torch.zeros(2)
    torch.add(torch.tensor([1.0, 2.0]), torch.tensor([10.0, 20.0]), out=result)
    assert result.tolist() == [11, 22]


@pytest.mark.claim("tensor.add-in-place")
def test_add_in_place() -> None:
    y = torch.tensor([10, 20])
    assert y.add_(torch.tensor([1, 2])) is y
    assert y.tolist() == [11, 22]


@pytest.mark.claim("tensor.in-place-prefix")
def test_in_place_operations_end_in_an_underscore() -> None:
    x = torch.tensor([-1, 2])
    assert x.abs().tolist() == [1, 2]
    assert x.tolist() == [-1, 2]
    x.abs_()
    assert x.tolist() == [1, 2]


@pytest.mark.claim("tensor.copy-method")
@pytest.mark.shows("tensor.copy-method")
def test_copy_needs_the_underscore(shows_error: ShowsError) -> None:
    x, y = torch.zeros(2), torch.tensor([1.0, 2.0])
    with shows_error("tensor.copy-method"):
        x.copy(y)
    x.copy_(y)
    assert x.tolist() == [1, 2]


@pytest.mark.claim("tensor.t-in-place")
def test_t_in_place() -> None:
    x = torch.tensor([[1, 2, 3], [4, 5, 6]])
    x.t_()
    assert x.tolist() == [[1, 4], [2, 5], [3, 6]]


@pytest.mark.claim("tensor.index-column")
def test_index_column() -> None:
    assert torch.tensor([[1, 2], [3, 4]])[:, 1].tolist() == [2, 4]
    assert np.array([[1, 2], [3, 4]])[:, 1].tolist() == [2, 4]


@pytest.mark.claim("tensor.size-forms")
@pytest.mark.parametrize("size", [[64, 3, 32, 32], (64, 3, 32, 32)], ids=type)
def test_size_as_list_or_tuple(size: list[int] | tuple[int, ...]) -> None:
    ones = torch.ones(size)
    assert str(ones.shape) == "torch.Size([64, 3, 32, 32])"
    assert ones.sum().item() == 196_608


@pytest.mark.claim("tensor.view-minus-one", "tensor.view-changes-shape-only")
@pytest.mark.shows("tensor.view-changes-shape-only")
def test_view(shows_error: ShowsError) -> None:
    x = torch.rand(4, 4)
    assert x.view(-1, 8).shape == (2, 8)
    with shows_error("tensor.view-changes-shape-only"):
        x.view(3, 8)


@pytest.mark.claim("tensor.view-is-a-method")
@pytest.mark.shows("tensor.view-is-a-method")
def test_view_is_not_a_function(shows_error: ShowsError) -> None:
    with shows_error("tensor.view-is-a-method"):
        torch.view(torch.zeros(4, 4), (2, 8))
    assert torch.reshape(torch.zeros(4, 4), (2, 8)).shape == (2, 8)


@pytest.mark.claim("tensor.item")
def test_item() -> None:
    value = torch.tensor([7]).item()
    assert value == 7
    assert type(value) is int


@pytest.mark.claim("tensor.like-numpy")
def test_shares_memory_with_numpy() -> None:
    array = np.zeros(2)
    tensor = torch.from_numpy(array)
    tensor[0] = 5
    assert array.tolist() == [5, 0]
    tensor.numpy()[1] = 6
    assert tensor.tolist() == [5, 6]


@pytest.mark.cuda
@pytest.mark.claim("tensor.on-gpu")
def test_on_a_gpu() -> None:
    x = torch.tensor([1, 2], device="cuda") + 1
    assert x.is_cuda
    assert x.tolist() == [2, 3]


@pytest.mark.claim("tensor.view-any")
@pytest.mark.shows("tensor.view-any")
def test_view_of_a_transposed_tensor_fails(shows_error: ShowsError) -> None:
    x = torch.arange(16).view(4, 4)
    assert x.view(-1, 8).shape == (2, 8)
    x.t_()
    with shows_error("tensor.view-any"):
        x.view(-1, 8)
    assert x.reshape(-1, 8).tolist() == [[0, 4, 8, 12, 1, 5, 9, 13], [2, 6, 10, 14, 3, 7, 11, 15]]


@pytest.mark.claim("tensor.one-x")
def test_no_tensor_fits_every_line_of_the_listing() -> None:
    eight, single = torch.arange(8).view(2, 4), torch.tensor([[7]])
    assert eight[:, 1].tolist() == [1, 5]
    assert eight.view(-1, 8).shape == (1, 8)
    with pytest.raises(RuntimeError, match="8 elements cannot be converted to Scalar"):
        eight.item()
    assert single.item() == 7
    with pytest.raises(IndexError, match="index 1 is out of bounds"):
        single[:, 1]
    with pytest.raises(RuntimeError, match=r"shape '\[-1, 8\]' is invalid for input of size 1"):
        single.view(-1, 8)


REFUSED = ("tensor.sizes-must-match", "tensor.of-strings", "tensor.zero-dim", "tensor.index")


@pytest.mark.claim(*REFUSED)
@pytest.mark.shows(*REFUSED)
def test_what_tensors_refuse(shows_error: ShowsError) -> None:
    with shows_error("tensor.sizes-must-match"):
        torch.ones(64, 10) + torch.ones(64)
    with shows_error("tensor.of-strings"):
        torch.tensor(["ants", "bees"])
    with shows_error("tensor.of-strings"):
        torch.nn.CrossEntropyLoss()(torch.ones(2, 10), ("ants", "bees"))
    loss = torch.tensor(2.5)
    with shows_error("tensor.zero-dim"):
        loss[0]
    with shows_error("tensor.zero-dim"):
        len(loss)
    assert loss.item() == 2.5
    x = torch.arange(10)
    for index in (10, (0, 0)):
        with shows_error("tensor.index"):
            x[index]
    assert x[-1] == x[9]


@pytest.mark.claim("tensor.new-tensor")
def test_methods_return_new_tensors() -> None:
    x = torch.rand(4, 4)
    for new in (x.reshape(2, 8), x.unsqueeze(0), x.argmax(1), x.to(torch.float64), x.to("meta")):
        assert new is not x
    assert x.shape == (4, 4)
    assert x.dtype == torch.float32
    assert x.device.type == "cpu"


@pytest.mark.claim("tensor.reshape-mixes")
def test_reshape_does_not_exchange_axes() -> None:
    image = torch.tensor([[[1, 2, 3], [4, 5, 6]]])  # one row of two pixels
    assert image.permute(2, 0, 1).tolist() == [[[1, 4]], [[2, 5]], [[3, 6]]]
    assert image.reshape(3, 1, 2).tolist() == [[[1, 2]], [[3, 4]], [[5, 6]]]
    assert image.view(3, 1, 2).equal(image.reshape(3, 1, 2))


@pytest.mark.claim("tensor.copy-construct")
@pytest.mark.shows("tensor.copy-construct")
def test_tensor_of_a_tensor_is_a_copy(shows_error: ShowsError) -> None:
    x = torch.ones(2)
    with warnings.catch_warnings(action="error"), shows_error("tensor.copy-construct"):
        torch.tensor(x)
    y = x.detach().clone()
    y[0] = 5
    assert x.tolist() == [1, 1]
