"""Images with enormous dimensions, many frames or damage, among sound ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hypothesis import strategies as st

from spec_tests.torture.attempts import Attempt, Kind
from spec_tests.torture.generators import image_files
from spec_tests.torture.process import run

if TYPE_CHECKING:
    from pathlib import Path

    from spec_tests.torture.samples import Samples

SUFFIXES = (".png", ".jpg", ".tiff", ".avif", "", ".\x1b[2J.png", ".\udcff.png")


class Case(NamedTuple):
    """The contents of some images, and the end of their names."""

    files: list[bytes]
    suffix: str


def _cases(samples: Samples) -> st.SearchStrategy[Case]:
    sound = {name: path.read_bytes() for name, path in samples.images.items()}
    files = st.lists(image_files.images(sound), min_size=1, max_size=2)
    return st.builds(Case, files, st.sampled_from(SUFFIXES[:1] * 6 + SUFFIXES))


def attempt(case: Case, place: Path, samples: Samples) -> Attempt:
    """Classify the images."""
    paths = []
    for number, data in enumerate(case.files):
        paths.append(place / f"image-{number}{case.suffix}")
        paths[-1].write_bytes(data)
    done = Attempt()
    options = ("--checkpoint", samples.files["run-zip"], "--json", "--device=cpu")
    # Each image that cannot be read has its line.
    done.add(run("predict", *paths, *options, folder=place), lines=len(paths))
    return done


KIND = Kind("images", 6, 25, _cases, attempt)
