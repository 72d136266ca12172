"""What the world is: the kinds of facts, the graph in memory, and the stores.

Start here:

- :mod:`.schema` declares every node kind, edge kind and column once.
- :mod:`.rules` declares the thresholds; :mod:`.regions` knows the GB/T 2260 codes.
- :mod:`.chain` is the immutable in-memory graph that analyses read.
- :mod:`.search` finds nodes by parts of names, aliases and codes, and by pinyin initials.
- :mod:`.store` says what a store is; :mod:`.embedded` keeps facts in one SQLite file, with
  memory-mapped copies of single versions (:mod:`.snapshot`); :mod:`.facts` is what stores share.
- :mod:`.receipts` tells which loads led to the newest version, so that none is done again in vain.
- :mod:`.work` keeps what people do with the facts, in a file beside the store: :mod:`.follow_ups` how
  targets stand, :mod:`.views` the views they save.
- :mod:`.neo4j_store` keeps the same facts on a Neo4j server: :mod:`.neo4j_link` is the line to it,
  :mod:`.neo4j_model` how the graph stands there.

This folder imports nothing of ours outside itself.
"""

from .chain import ChainGraph
from .errors import ChainAtlasError, NotFoundError, ReadError, StoreBusyError, StoreError
from .rules import Rules
from .schema import EDGES, NODES, TABLES
from .store import Change, Facts, Store, Version, View, Writer, open_store

__all__ = [
    "EDGES",
    "NODES",
    "TABLES",
    "ChainAtlasError",
    "ChainGraph",
    "Change",
    "Facts",
    "NotFoundError",
    "ReadError",
    "Rules",
    "Store",
    "StoreBusyError",
    "StoreError",
    "Version",
    "View",
    "Writer",
    "open_store",
]
