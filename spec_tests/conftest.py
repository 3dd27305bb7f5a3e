"""Options and fixtures, nothing else."""

from pathlib import Path

import pytest

from reference import standin


@pytest.fixture(scope="session")
def small_cifar10(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a stand-in of 5 x 50 training and 100 test images, in the real file format."""
    root = tmp_path_factory.mktemp("cifar10")
    sizes = {name: 100 if name == "test_batch" else 50 for name in standin.IMAGES}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(standin, "IMAGES", sizes)
        standin.write(root)
    return root
