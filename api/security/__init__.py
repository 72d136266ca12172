"""Security: who people and programs are, what they may do, and the record of what they did.

No HTTP here: the command line uses the same modules as the server.

Start here:

- :mod:`.ledger` is the audit: an append-only chain of rows, each carrying the hash of the former.
"""
