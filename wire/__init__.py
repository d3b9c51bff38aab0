"""The wire contract: ids, topics, reports, commands, acknowledgements, their codecs and errors.

This room knows nothing of the others. A maker's own client needs nothing but this contract.
"""
