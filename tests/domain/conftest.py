"""Hypothesis without a clock of its own (a busy machine is no failure) and without files."""

from hypothesis import settings

settings.register_profile("domain", deadline=None, database=None, max_examples=60)
settings.load_profile("domain")
