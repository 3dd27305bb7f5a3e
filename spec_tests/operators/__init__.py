"""The operators, on every implementation under test.

test_<operator>.py runs fixtures/vectors/<operator>.json and drawn cases; test_torch_parity_*
compare the definitions of `reference` with torch.
"""
