"""The operators in NumPy, with their gradients; the adapter `numpy` lists them.

`<operator>_gradients` returns the gradient of sum(output * grad_output) for each input that has
one, by its name.
"""
