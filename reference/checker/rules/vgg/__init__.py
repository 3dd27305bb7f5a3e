"""Rules about torchvision's networks: their weights, and the layers that change them."""

from __future__ import annotations

from reference.checker.rules.vgg import layers, weights

RULES = (*weights.RULES, *layers.RULES)
