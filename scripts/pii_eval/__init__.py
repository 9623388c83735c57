"""Evaluation of the detector of personal data: a seeded generator, a scorer, and a peer.

The generator never looks at the detector: check digits, names and formats are computed here.
"""
