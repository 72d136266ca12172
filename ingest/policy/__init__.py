"""Policy notices into what they set out: clusters, tiers, goals, money, funds, plans, project kinds.

Start here:

- :mod:`.reader` reads a notice and returns its findings, each with the sentence it came from.
- :mod:`.documents` gets text out of .txt, .docx and .pdf; :mod:`.text` mends its lines.
- :mod:`.figures` finds numbers with units; :mod:`.goals`, :mod:`.money` and :mod:`.named` the rest.

The patterns are those of the language of notices, not of one notice.
"""

from .findings import KINDS, Finding
from .reader import Policy, read_policy

__all__ = ["KINDS", "Finding", "Policy", "read_policy"]
