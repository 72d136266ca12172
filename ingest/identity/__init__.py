"""Who is who: which enterprises of several sources are one.

Start here:

- :mod:`.resolve` says for each enterprise of a source which known one it is.
- :mod:`.keys` has the keys that decide, :mod:`.names` what names are compared by.
- :mod:`.near` lists what may be one, for people to decide; it never merges.
- :mod:`.restate` puts decisions into the facts a store holds already.

Nothing is merged because it looks alike: only equal keys and people's decisions merge.
"""

from .near import review
from .resolve import Resolution, accepted_ids, resolve

__all__ = ["Resolution", "accepted_ids", "resolve", "review"]
