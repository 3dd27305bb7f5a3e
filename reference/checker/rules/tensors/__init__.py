"""Rules about tensors: results that are dropped, methods that there are not."""

from __future__ import annotations

from reference.checker.rules.tensors import argmax, axes, dropped, methods

RULES = (*methods.RULES, *axes.RULES, *dropped.RULES, *argmax.RULES)
