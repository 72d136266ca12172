"""Errors that a user can act on. Their text is shown as it is, so it holds no secrets."""


class ChainAtlasError(Exception):
    """Base of every error with a message meant for the user (in Chinese)."""


class NotFoundError(ChainAtlasError):
    """The file, region, cluster, product, version or store asked for does not exist."""


class ReadError(ChainAtlasError):
    """A source cannot be read at all; the store is left as it was."""


class StoreError(ChainAtlasError):
    """The store is not usable: damaged, of another format, or not a store."""


class NoStoreError(StoreError):
    """A server has no store to answer from, as nothing was ever loaded."""


class StoreBusyError(StoreError):
    """Another process is writing, and did not finish within the waiting time."""
