"""What an operator can set, and the only reader of the environment and of the configuration file.

``model``, ``cpo`` and ``beckn`` say what there is, made of ``values``; ``load`` brings file and
environment together, ``redis_url`` reads the one address that is more than a plain URL.
``commercial`` is a file of its own.
"""

from bridge.settings.commercial import LoadedTerms, load_commercial
from bridge.settings.cpo import Cpo
from bridge.settings.load import data_path, load
from bridge.settings.model import Settings
from bridge.settings.redis_url import RedisAddress, parse_redis_url

__all__ = [
    "Cpo",
    "LoadedTerms",
    "RedisAddress",
    "Settings",
    "data_path",
    "load",
    "load_commercial",
    "parse_redis_url",
]
