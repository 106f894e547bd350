"""Mapping as data: the words and one-to-one fields of the two protocols, read from mappings/."""

from bridge.mapping.codes import CodeTable as CodeTable
from bridge.mapping.codes import UnknownCode as UnknownCode
from bridge.mapping.fields import FieldMap as FieldMap
from bridge.mapping.mappings import Mappings as Mappings
from bridge.mapping.mappings import load as load
