"""Claims about the workers of torch's DataLoader, and about its messages (P15)."""

import os
import pickle
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader, Dataset, get_worker_info

from spec_tests.harness.shown_errors import PrintsError, ShowsError

pytestmark = [
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),  # with few cores
    pytest.mark.skipif(not hasattr(os, "fork"), reason="these workers are forked"),
]


class WorkerIds(Dataset[torch.Tensor]):
    """Samples of (process id, worker id); the main process has worker id -1."""

    def __getitem__(self, index: int) -> torch.Tensor:
        worker = get_worker_info()
        return torch.tensor([os.getpid(), -1 if worker is None else worker.id])

    def __len__(self) -> int:
        return 12


def loaded_pairs(loader: DataLoader) -> set[tuple[int, int]]:
    """Return the distinct samples, each a pair, that a loader yields."""
    return {tuple(pair) for batch in loader for pair in batch.tolist()}


def forking_loader(dataset: object, **options: object) -> DataLoader:
    """Return a loader of batches of 2 whose workers are forked."""
    return DataLoader(dataset, 2, multiprocessing_context="fork", timeout=60, **options)


@pytest.mark.claim("dataloader.workers", "dataloader.threads")
def test_workers_are_processes() -> None:
    assert loaded_pairs(DataLoader(WorkerIds(), 2)) == {(os.getpid(), -1)}
    pairs = loaded_pairs(forking_loader(WorkerIds(), num_workers=2))
    assert {worker for _, worker in pairs} == {0, 1}
    processes = {process for process, _ in pairs}
    assert len(processes) == 2
    assert os.getpid() not in processes


@pytest.mark.claim("dataloader.persistent-workers")
@pytest.mark.shows("dataloader.persistent-workers")
def test_persistent_workers_survive_an_epoch(shows_error: ShowsError) -> None:
    with shows_error("dataloader.persistent-workers"):
        DataLoader(WorkerIds(), persistent_workers=True)
    loader = forking_loader(WorkerIds(), num_workers=1, persistent_workers=True)
    assert loaded_pairs(loader) == loaded_pairs(loader)
    loader = forking_loader(WorkerIds(), num_workers=1)
    assert loaded_pairs(loader) != loaded_pairs(loader)


@pytest.mark.claim("dataloader.worker-init")
def test_worker_init_fn_gets_the_worker_id(tmp_path: Path) -> None:
    def record_worker(worker: int) -> None:
        assert get_worker_info().id == worker
        (tmp_path / str(worker)).touch()

    list(forking_loader(WorkerIds(), num_workers=2, worker_init_fn=record_worker))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1"]


class FilePerSample(Dataset[int]):
    """A data set that creates a file for each sample that is loaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getitem__(self, index: int) -> int:
        (self.folder / str(index)).touch()
        return index

    def __len__(self) -> int:
        return 40


@pytest.mark.claim("dataloader.prefetch-samples")
def test_prefetch_factor_counts_batches(tmp_path: Path) -> None:
    """Expect 2 batches of 5 before the first is requested; the course says 2 samples."""
    batches = iter(
        DataLoader(
            FilePerSample(tmp_path),
            5,
            num_workers=1,
            prefetch_factor=2,
            multiprocessing_context="fork",
        )
    )
    deadline = time.monotonic() + 60
    while len(list(tmp_path.iterdir())) < 10 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)  # for a third batch to appear, if one were prefetched
    assert len(list(tmp_path.iterdir())) == 10
    assert next(batches).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.claim("dataloader.spawn-guard")
@pytest.mark.shows("dataloader.spawn-guard")
def test_script_without_main_guard_fails_with_spawned_workers(
    tmp_path: Path, prints_error: PrintsError
) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from torch.utils.data import DataLoader\n"
        "list(DataLoader(range(4), num_workers=1, multiprocessing_context='spawn', timeout=60))\n"
    )
    run = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=120
    )
    assert run.returncode != 0
    prints_error("dataloader.spawn-guard", run.stderr)


class SlowDataset(Dataset[int]):
    """A data set that takes longer to load than the loader's timeout."""

    def __getitem__(self, index: int) -> int:
        time.sleep(0.5)
        return index

    def __len__(self) -> int:
        return 1


@pytest.mark.claim("dataloader.timeout-expires")
@pytest.mark.shows("dataloader.timeout-expires")
def test_timeout_expires(shows_error: ShowsError) -> None:
    loader = DataLoader(SlowDataset(), num_workers=1, multiprocessing_context="fork", timeout=0.1)
    with shows_error("dataloader.timeout-expires"):
        next(iter(loader))


class WorkerSeeds(Dataset[torch.Tensor]):
    """Samples of (worker id, worker seed)."""

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.tensor([get_worker_info().id, torch.initial_seed()])

    def __len__(self) -> int:
        return 4


def worker_seeds(seed: int, **options: object) -> list[int]:
    """Return the seeds of two workers of a loader whose generator has the seed `seed`."""
    generator = torch.Generator().manual_seed(seed)
    loader = forking_loader(WorkerSeeds(), num_workers=2, generator=generator, **options)
    return [worker_seed for _, worker_seed in sorted(loaded_pairs(loader))]


@pytest.mark.claim("dataloader.worker-seeds")
def test_generator_seeds_the_workers() -> None:
    first, second = worker_seeds(1)
    assert second == first + 1
    assert worker_seeds(1) == [first, second]
    assert first not in worker_seeds(2)


@pytest.mark.claim("dataloader.init-after-seeding")
def test_worker_init_fn_runs_between_seeding_and_loading(tmp_path: Path) -> None:
    def record_and_seed(worker: int) -> None:
        (tmp_path / str(worker)).write_text(str(torch.initial_seed()))
        torch.manual_seed(worker)

    assert worker_seeds(1, worker_init_fn=record_and_seed) == [0, 1]
    assert [int((tmp_path / name).read_text()) for name in "01"] == worker_seeds(1)


class Dying(Dataset[int]):
    """A data set whose worker ends before it has loaded anything."""

    def __getitem__(self, index: int) -> int:
        os._exit(1)

    def __len__(self) -> int:
        return 1


@pytest.mark.claim("dataloader.worker-died")
@pytest.mark.shows("dataloader.worker-died")
def test_worker_that_exits(shows_error: ShowsError) -> None:
    with shows_error("dataloader.worker-died"):
        next(iter(forking_loader(Dying(), num_workers=1)))


@pytest.mark.claim("dataloader.too-many-workers")
@pytest.mark.shows("dataloader.too-many-workers")
def test_more_workers_than_cores(shows_error: ShowsError) -> None:
    with warnings.catch_warnings(action="error"), shows_error("dataloader.too-many-workers"):
        DataLoader(WorkerIds(), num_workers=100_000)


@pytest.mark.claim("dataloader.empty")
@pytest.mark.shows("dataloader.empty")
def test_empty_data_set_cannot_be_shuffled(shows_error: ShowsError) -> None:
    with shows_error("dataloader.empty"):
        DataLoader([], shuffle=True)
    assert list(DataLoader([])) == []


@pytest.mark.claim("dataloader.iter-next")
@pytest.mark.shows("dataloader.iter-next")
def test_next_is_a_function(shows_error: ShowsError) -> None:
    loader = DataLoader(WorkerIds(), 2)
    with shows_error("dataloader.iter-next"):
        iter(loader).next()
    with shows_error("dataloader.iter-next"):
        loader.next()
    with shows_error("dataloader.iter-next"):
        next(loader)
    assert len(next(iter(loader))) == 2


@pytest.mark.shows("dataloader.two-parts")
def test_batch_is_a_list(shows_error: ShowsError) -> None:
    loader = DataLoader([(torch.zeros(3), 1)])
    for batch in loader:
        with shows_error("dataloader.two-parts"):
            _ = batch.shape


OUTSIDE = [lambda x: x]


@pytest.mark.claim("dataloader.worker-pickle")
@pytest.mark.shows("dataloader.worker-pickle")
def test_lambdas_cannot_be_sent_to_workers(shows_error: ShowsError) -> None:
    class Inside(WorkerIds):
        def __init__(self) -> None:
            self.transform = lambda x: x

    with warnings.catch_warnings(action="ignore"), shows_error("dataloader.worker-pickle"):
        list(DataLoader(Inside(), num_workers=1, multiprocessing_context="spawn"))
    with shows_error("dataloader.worker-pickle"):
        pickle.dumps(OUTSIDE)
