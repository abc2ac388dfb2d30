"""A signed hierarchy of real authoritative servers in a network namespace; see README.md."""

from lab.instance import Lab, LabError

__all__ = ["Lab", "LabError"]
