"""An independent, naive reading of the design's measures, and random packs to try it on."""
