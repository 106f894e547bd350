"""Loyalty passes: bought like anything else, used when charging (use case 4)."""
