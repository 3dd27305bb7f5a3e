"""Helpers that several tests share.

Training runs, event files, listings of the course, images, malicious files, worker processes,
TensorBoard's server, Chromium, sample results.
"""
