"""Rules about data sets and DataLoaders (P6, P7, P14, P15)."""

from __future__ import annotations

from reference.checker.rules.datasets import (
    folders,
    imagenet,
    iterators,
    loader_options,
    loaders,
    methods,
    unpacking,
)

RULES = (
    *methods.RULES,
    *folders.RULES,
    *unpacking.RULES,
    *loaders.RULES,
    *iterators.RULES,
    *loader_options.RULES,
    *imagenet.RULES,
)
