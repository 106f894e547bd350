"""Reads the Dockerfile, and does what its stage `build` does without an engine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.pages import ROOT, read

STEP_S = 300
"""A step may install every package from an index that is slow."""


@dataclass(frozen=True)
class Instruction:
    """One instruction: its keyword, its flags such as ``--from=build``, the rest of it."""

    keyword: str
    flags: tuple[str, ...]
    rest: str

    @property
    def words(self) -> list[str]:
        """What stands in its JSON array, or between blanks."""
        if self.rest.startswith("["):
            return list(map(str, json.loads(self.rest)))
        return self.rest.split()


@dataclass(frozen=True)
class Stage:
    """From a FROM to the next."""

    base: str
    name: str
    instructions: tuple[Instruction, ...]

    def all(self, keyword: str) -> list[Instruction]:
        """Return the instructions of a keyword."""
        return [each for each in self.instructions if each.keyword == keyword]

    def one(self, keyword: str) -> Instruction:
        """Return the only instruction of a keyword."""
        (found,) = self.all(keyword)
        return found

    @property
    def environment(self) -> dict[str, str]:
        """What ENV sets."""
        return dict(pair.split("=", 1) for each in self.all("ENV") for pair in each.words)


def stages() -> list[Stage]:
    """Return the stages of the Dockerfile."""
    found: list[Stage] = []
    for each in instructions(read("Dockerfile")):
        if each.keyword == "FROM":
            base, *named = each.words
            found.append(Stage(base, named[1] if named else "", ()))
        elif found:
            last = found.pop()
            found.append(Stage(last.base, last.name, (*last.instructions, each)))
    return found


def instructions(text: str) -> list[Instruction]:
    """Return the instructions of a Dockerfile, lines that go on joined."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found = []
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        keyword, *words = line.split()
        flags = [word for word in words if word.startswith("--")]
        first = next((word for word in words if not word.startswith("--")), "")
        flags = flags[: words.index(first)] if first else flags
        rest = line.split(None, 1 + len(flags))[-1]
        found.append(Instruction(keyword, tuple(flags), rest))
    return found


def build(place: Path, python: str) -> dict[str, str]:
    """Do the steps of the stage `build`; return the environment that the image gives a program.

    Args:
        place: an empty folder, taken for the image's root.
        python: what the image's base has as ``python``; pip is the one of the tests.
    """
    stage = next(each for each in stages() if each.name == "build")
    tools = place / "tools"
    tools.mkdir()
    (tools / "python").symlink_to(python)
    (tools / "pip").symlink_to(Path(sys.executable).with_name("pip"))
    env = {
        **inherited(),
        **within(place, stage.environment),
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
    }
    at = place
    for step in stage.instructions:
        match step.keyword:
            case "WORKDIR":
                at = place / step.rest.lstrip("/")
                at.mkdir(parents=True)
            case "COPY":
                *sources, target = step.words
                copy(sources, at / target)
            case "RUN":
                run(step.rest, at, env)
            case "ENV":
                pass
            case other:
                raise NotImplementedError(other)
    return within(place, stages()[-1].environment)


def inherited() -> dict[str, str]:
    """Return our environment without what would lead to the tests' own packages."""
    ours = ("PYTHON", "VIRTUAL_ENV", "BRIDGE_", "COV_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def within(place: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment whose paths of the image's own lie in the place."""
    own = re.compile(r"/(?:opt|etc)/bridge\b")
    return {
        name: own.sub(lambda found: f"{place}{found[0]}", value)
        for name, value in environment.items()
    }


def copy(sources: Sequence[str], target: Path) -> None:
    """Copy from the build context, which has what .dockerignore lets in."""
    let_in = re.findall(r"^!(.*)$", read(".dockerignore"), re.MULTILINE)
    for source in sources:
        assert source in let_in, f".dockerignore keeps {source} out"
        if (ROOT / source).is_dir():
            skipped = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / source, target, ignore=skipped)
        else:
            shutil.copy(ROOT / source, target)


def run(command: str, at: Path, env: Mapping[str, str]) -> None:
    """Run a step; fails with what it said."""
    done = subprocess.run(
        ["sh", "-e", "-c", command],
        cwd=at,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=STEP_S,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}"
