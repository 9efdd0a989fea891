"""The version of the colours."""

CHAIN_VERSION = 3
"""Raised whenever the same parameters and the same weights give other colours, or a default changes.

A film that was begun with another version is not gone on with: its first half would differ from its second.
"""
