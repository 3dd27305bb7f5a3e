"""Devices in a script: where a GPU is named and checked, and the fix that chooses one."""
