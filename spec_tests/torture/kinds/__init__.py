"""A module for each kind of attempt; `KINDS` lists them in the order of the table."""

from spec_tests.torture.kinds import (
    checkpoints,
    clashes,
    data_files,
    full_disks,
    images,
    kills,
    mutations,
    ranks,
    run_folders,
)

KINDS = (
    kills.KIND,
    full_disks.KIND,
    ranks.KIND,
    clashes.KIND,
    checkpoints.KIND,
    data_files.KIND,
    run_folders.KIND,
    images.KIND,
    mutations.KIND,
)
