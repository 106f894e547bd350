"""A small CPO and a small BAP: real programs, for the demo and for tests."""
