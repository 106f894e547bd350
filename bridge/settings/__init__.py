"""What an operator can set, and the only reader of the environment and of the configuration file.

``model`` says what there is, ``load`` brings file and environment together, ``redis_url`` reads
the one address that is more than a plain URL.
"""

from bridge.settings.load import data_path, load
from bridge.settings.model import Cpo, Settings
from bridge.settings.redis_url import RedisAddress, parse_redis_url

__all__ = ["Cpo", "RedisAddress", "Settings", "data_path", "load", "parse_redis_url"]
