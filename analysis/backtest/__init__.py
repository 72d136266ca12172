"""How good the rankings are, measured on past events: frozen protocols over dated snapshots.

Start here:

- :mod:`.panel` turns snapshots of listed companies into one panel of firms, and checks for leakage.
- :mod:`.features` describes every (city, industry) pair and every (firm, city) pair at a date.
- :mod:`.choice` is the model: where a new firm of an industry settles (conditional logit).
- :mod:`.scoring` holds average precision, hits, reciprocal ranks, and bootstrap intervals.
- :mod:`.protocols` runs the protocols and their nulls and returns the published figures.

An event is a listing: an incumbent becoming visible, not an arrival. Nothing here reads a file; it
needs the extra ``backtest`` (scikit-learn).
"""
