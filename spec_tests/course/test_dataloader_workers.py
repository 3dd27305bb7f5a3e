"""P15: the workers of torch's DataLoader, as the course describes them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader, Dataset, get_worker_info

pytestmark = [
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),  # on few cores
    pytest.mark.skipif(not hasattr(os, "fork"), reason="these workers are forked"),
]


class Loaders(Dataset[torch.Tensor]):
    """Each sample says which process loaded it, and as which worker."""

    def __getitem__(self, index: int) -> torch.Tensor:
        worker = get_worker_info()
        return torch.tensor([os.getpid(), -1 if worker is None else worker.id])

    def __len__(self) -> int:
        return 12


def loaded_by(loader: DataLoader) -> set[tuple[int, int]]:
    return {tuple(pair) for batch in loader for pair in batch.tolist()}


def forked(dataset: object, **options: object) -> DataLoader:
    return DataLoader(dataset, 2, multiprocessing_context="fork", timeout=60, **options)


@pytest.mark.claim("dataloader.workers", "dataloader.threads")
def test_workers_are_processes() -> None:
    assert loaded_by(DataLoader(Loaders(), 2)) == {(os.getpid(), -1)}
    pairs = loaded_by(forked(Loaders(), num_workers=2))
    assert {worker for _, worker in pairs} == {0, 1}
    processes = {process for process, _ in pairs}
    assert len(processes) == 2
    assert os.getpid() not in processes


@pytest.mark.claim("dataloader.persistent-workers")
def test_persistent_workers_stay() -> None:
    with pytest.raises(ValueError, match="persistent_workers option needs num_workers > 0"):
        DataLoader(Loaders(), persistent_workers=True)
    loader = forked(Loaders(), num_workers=1, persistent_workers=True)
    assert loaded_by(loader) == loaded_by(loader)
    loader = forked(Loaders(), num_workers=1)
    assert loaded_by(loader) != loaded_by(loader)


@pytest.mark.claim("dataloader.worker-init")
def test_worker_init_fn_gets_the_workers_number(tmp_path: Path) -> None:
    def note(worker: int) -> None:
        assert get_worker_info().id == worker
        (tmp_path / str(worker)).touch()

    list(forked(Loaders(), num_workers=2, worker_init_fn=note))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1"]


class Noting(Dataset[int]):
    """Makes a file for each sample that is loaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getitem__(self, index: int) -> int:
        (self.folder / str(index)).touch()
        return index

    def __len__(self) -> int:
        return 40


@pytest.mark.claim("dataloader.prefetch-samples")
def test_prefetch_factor_counts_batches(tmp_path: Path) -> None:
    """Before the first batch is asked for: 2 batches of 5, where 2 samples were said."""
    batches = iter(
        DataLoader(
            Noting(tmp_path), 5, num_workers=1, prefetch_factor=2, multiprocessing_context="fork"
        )
    )
    deadline = time.monotonic() + 60
    while len(list(tmp_path.iterdir())) < 10 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    assert len(list(tmp_path.iterdir())) == 10
    assert next(batches).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.claim("dataloader.spawn-guard")
def test_script_without_guard_fails_where_workers_are_spawned(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from torch.utils.data import DataLoader\n"
        "list(DataLoader(range(4), num_workers=1, multiprocessing_context='spawn', timeout=60))\n"
    )
    run = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=120
    )
    assert run.returncode != 0
    assert "An attempt has been made to start a new process before" in run.stderr
    assert "bootstrapping phase" in run.stderr


class Slow(Dataset[int]):
    """Takes longer than anybody waits here."""

    def __getitem__(self, index: int) -> int:
        time.sleep(0.5)
        return index

    def __len__(self) -> int:
        return 1


@pytest.mark.claim("dataloader.timeout-expires")
def test_timeout_expires() -> None:
    loader = DataLoader(Slow(), num_workers=1, multiprocessing_context="fork", timeout=0.1)
    with pytest.raises(RuntimeError, match=r"DataLoader timed out after 0\.1 seconds"):
        next(iter(loader))


class Seeds(Dataset[torch.Tensor]):
    """Each sample says which worker loaded it, and with which seed."""

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.tensor([get_worker_info().id, torch.initial_seed()])

    def __len__(self) -> int:
        return 4


def seeds(seed: int, **options: object) -> list[int]:
    """Return what each of two workers was seeded with, under a generator of that seed."""
    generator = torch.Generator().manual_seed(seed)
    loader = forked(Seeds(), num_workers=2, generator=generator, **options)
    return [seed for _, seed in sorted(loaded_by(loader))]


@pytest.mark.claim("dataloader.worker-seeds")
def test_generator_seeds_the_workers() -> None:
    first, second = seeds(1)
    assert second == first + 1
    assert seeds(1) == [first, second]
    assert first not in seeds(2)


@pytest.mark.claim("dataloader.init-after-seeding")
def test_worker_init_fn_runs_between_seeding_and_loading(tmp_path: Path) -> None:
    def note_and_seed(worker: int) -> None:
        (tmp_path / str(worker)).write_text(str(torch.initial_seed()))
        torch.manual_seed(worker)

    assert seeds(1, worker_init_fn=note_and_seed) == [0, 1]
    assert [int((tmp_path / name).read_text()) for name in "01"] == seeds(1)
