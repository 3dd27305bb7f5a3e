"""Helpers that several tests share.

Servers, images, worker processes, malicious files.
"""
