"""Sources: kinds of files and folders that can be read, each described as data.

A source is a TOML file in ``data/sources`` (what it looks like, which column becomes which field,
how cells are written, what to expect) and at most one function. All of them, the pack too, end as a
:class:`..pack.RawPack`, which :mod:`..check` checks and :mod:`..load` loads.

Start here:

- :mod:`.describe` reads the descriptions; :mod:`.detect` says which one a path belongs to.
- :mod:`.tabular` turns files into tables of the schema as their description says.
- :mod:`.values` understands money, dates, codes and labels the way lists write them.
- :mod:`.headers` recognises Chinese headers, merged ones and units in them included.
- :mod:`.chainkg` is the one function that a shipped source needs.
"""

from .detect import open_source

__all__ = ["open_source"]
