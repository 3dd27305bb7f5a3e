"""Rules about classifying a picture: its channels and shape, the mode, the devices."""

from __future__ import annotations

from reference.checker.rules.inference import mode, pictures, reshapes

RULES = (*pictures.RULES, *mode.RULES, *reshapes.RULES)
