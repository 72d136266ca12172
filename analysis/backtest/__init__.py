"""How good the rankings are, measured on past events: frozen protocols over dated snapshots.

Start here:

- :mod:`.panel` turns snapshots of listed companies into one panel of firms; :mod:`.leaks` and
  :mod:`.invariance` check that nothing of the outcome is known too early.
- :mod:`.places` brings names of cities to one form and knows how far apart they are; :mod:`.texts`
  frees texts of names and makes vectors of them.
- :mod:`.features` describes every (city, industry) pair and every (firm, city) pair at a date.
- :mod:`.choice` is where a new firm settles (conditional logit); :mod:`.logistic` the strictest
  null; :mod:`.models` fits them on listings before T0.
- :mod:`.scoring` holds average precision, hits, reciprocal ranks, and bootstrap intervals.
- :mod:`.protocols` runs the protocols and their nulls and returns the published figures.
- :mod:`.weights` is what placements say about weights of targets and landing places.

An event is a listing: an incumbent becoming visible, not an arrival. Nothing here reads a file.
"""
