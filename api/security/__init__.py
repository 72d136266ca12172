"""Security: who people and programs are, what they may do, and the record of what they did.

No HTTP here: the command line uses the same modules as the server. Each change of a user, key or
session is one transaction with its row of the audit.

Start here:

- :mod:`.roles` are the roles and the scope by region.
- :mod:`.users` and :mod:`.passwords`, :mod:`.keys`, :mod:`.sessions`: what is kept of each.
- :mod:`.login` turns a name and a password into a session; :mod:`.attempts` slows guessing down.
- :mod:`.directory` answers who a cookie or a key stands for, fast, and never from a stale copy.
- :mod:`.ledger` is the audit: an append-only chain of rows, each carrying the hash of the former.
- :mod:`.clock` is the time that all of them go by.
"""
