"""A training run.

Steps and evaluations, the trainer, the run's folder, TensorBoard, several processes, CUDA graphs
(P8-P9, P27-P31).
"""
