"""What a training step costs, on the CPU and on CUDA."""
