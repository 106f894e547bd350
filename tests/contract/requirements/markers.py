"""Which test shows which requirement: the ``requirement`` marks, read from the tests' sources."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Set
from pathlib import Path
from typing import NamedTuple

MARK = "requirement"
PROVES_NOTHING = frozenset({"skip", "xfail"})
"""Marks of a test that passes when what it looks at is broken."""


class Misplaced(ValueError):
    """A mark that names no requirement of a test: a typing error, it would go unseen."""


class _Test(NamedTuple):
    name: str
    marks: tuple[ast.expr, ...]


def named(root: Path) -> dict[str, tuple[str, ...]]:
    """Return the tests by the requirement they show, as ``file::test`` below ``root``, in order.

    Raises:
        Misplaced: a mark is on no test that is collected, or its argument is no plain string.
    """
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(root.rglob("*.py")):
        file = path.relative_to(root).as_posix()
        module = ast.parse(path.read_text(), file)
        read: set[ast.expr] = set()
        for test in _tests(module) if path.name.startswith("test_") else ():
            calls = list(_calls(test.marks))
            read.update(call.func for call in calls)
            if not any(_marks(test.marks, PROVES_NOTHING)):
                for requirement in dict.fromkeys(_id(call, file) for call in calls):
                    found[requirement].append(f"{file}::{test.name}")
        for mark in _marks([module], {MARK}):
            if mark not in read:
                raise Misplaced(f"{file}:{mark.lineno}: this mark names no requirement of a test")
    return {requirement: tuple(tests) for requirement, tests in found.items()}


def _tests(module: ast.Module) -> Iterator[_Test]:
    """Return what pytest collects, each test with the marks of its class and module."""
    everywhere = _assigned(module.body)
    yield from _functions(module.body, "", everywhere)
    for node in module.body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            marks = (*everywhere, *node.decorator_list, *_assigned(node.body))
            yield from _functions(node.body, f"{node.name}::", marks)


def _functions(
    body: Iterable[ast.stmt], prefix: str, marks: tuple[ast.expr, ...]
) -> Iterator[_Test]:
    for node in body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                if name.startswith("test_"):
                    yield _Test(prefix + name, (*marks, *node.decorator_list))


def _assigned(body: Iterable[ast.stmt]) -> tuple[ast.expr, ...]:
    """Return what is assigned to ``pytestmark``."""
    found: list[ast.expr] = []
    for node in body:
        match node:
            case ast.Assign(targets=[ast.Name(id="pytestmark")], value=value):
                found.append(value)
    return tuple(found)


def _marks(roots: Iterable[ast.AST], names: Set[str]) -> Iterator[ast.Attribute]:
    """Return every ``pytest.mark.<name>`` below the roots, called or not."""
    for root in roots:
        for node in ast.walk(root):
            match node:
                case ast.Attribute(attr=name, value=ast.Attribute(attr="mark")) if name in names:
                    yield node


def _calls(roots: Iterable[ast.AST]) -> Iterator[ast.Call]:
    """Return every ``pytest.mark.requirement(...)`` below the roots."""
    for root in roots:
        marks = set(_marks([root], {MARK}))
        for node in ast.walk(root):
            if isinstance(node, ast.Call) and node.func in marks:
                yield node


def _id(call: ast.Call, file: str) -> str:
    match call.args:
        case [ast.Constant(value=str(requirement))] if not call.keywords:
            return requirement
        case _:
            raise Misplaced(f"{file}:{call.lineno}: the id must be one plain string")
