"""Rules about classifying a picture: its channels and shape, the mode, the devices."""

from __future__ import annotations

from reference.checker.rules.inference import batch, mode, pictures, reshapes

RULES = (*pictures.RULES, *reshapes.RULES, *batch.RULES, *mode.RULES)
