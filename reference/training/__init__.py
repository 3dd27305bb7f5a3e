"""Training runs (P8-P9, P27-P31).

The options, steps and evaluation, the trainer, the run's folder, TensorBoard, several processes,
CUDA graphs. This file imports nothing: the command line reads `config` before torch is imported.
"""
