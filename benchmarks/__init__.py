"""Benchmarks of training, evaluation, loading, operators and start-up, on the CPU and on CUDA."""
