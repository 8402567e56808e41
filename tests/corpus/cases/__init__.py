"""The cases of the hostile-input corpus, one module for each kind."""

from collections.abc import Iterator

from . import files, graphs, names, operators, shapes, tensors
from .build import Case


def all_cases() -> Iterator[Case]:
    """Yield every case, kind by kind."""
    for kind in (names, graphs, operators, shapes, tensors, files):
        yield from kind.cases()
