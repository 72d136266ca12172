"""ChainAtlas: industrial-chain knowledge graph with gap analysis (产业链知识图谱与强补延固链诊断).

The repository root is this package. Folders import one way only:
``api -> viz -> analysis -> graph`` and ``api -> ingest -> graph``.
"""

__version__ = "0.1.0"
