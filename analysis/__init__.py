"""What follows from the facts: pure functions from a ChainGraph to result tables.

Start here:

- :mod:`.economy` sizes enterprises and turns PRODUCES rows into outputs (design section 4).
- :mod:`.measures` computes every figure of section 4 for regions x products.
- :mod:`.gaps` applies the four actions of section 5, with reasons, routes and robustness.
- :mod:`.priority` ranks gaps; :mod:`.supply` is the local supply rate 本地化配套率.
- :mod:`.evidence` collects what an official needs beside a gap.
- :mod:`.inventory` says what a region has of a cluster.
- :mod:`.requirements` follows demand up the chain (Leontief) and says why a product is needed.
- :mod:`.space` is the product space (proximity, density, complexity) of any matrix;
  :mod:`.relatedness` asks it for a region and cluster; :mod:`.value` is value density.
- :mod:`.web` numbers the whole graph for browsing; :mod:`.neighbourhood` answers what is next to a
  node, what lies between nodes, and how to get from one to another.
- :mod:`.neighbours` is what a product is made from and goes into, and the way between two.
- :mod:`.provenance` counts facts by the quality of their source.
- :mod:`.esri` is the systemic risk index of a supply network (:mod:`.esri_queue` its fast way);
  :mod:`.supply_network` builds the network, recorded or reconstructed; :mod:`.risk` answers with
  critical suppliers and single points of failure; :mod:`.sourcing` is its first step in closed form.
- :mod:`.situation` sums up a cluster in a region and compares two states of it; :mod:`.simulate`
  changes the economy (:mod:`.focus` makes that quick), :mod:`.trends` goes through versions.
- :mod:`.targets` says whom to bring in and why, :mod:`.landing` where to; :mod:`.routes` names the
  ways besides: who can grow here, elsewhere in the province, and who researches.

Nothing here reads a store, a file or the clock.
"""

from .economy import Economy
from .gaps import Gaps, find_gaps
from .supply import SupplyRate, supply_rate
from .targets import find_targets

__all__ = ["Economy", "Gaps", "SupplyRate", "find_gaps", "find_targets", "supply_rate"]
