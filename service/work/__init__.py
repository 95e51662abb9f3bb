"""WHAT WE DO. One verb per module."""
