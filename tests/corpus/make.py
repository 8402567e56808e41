"""Make the hostile-input corpus: small models that are wrong, or right but strange.

    pip install -r models/requirements.txt
    python tests/corpus/make.py            # write the files
    python tests/corpus/make.py --check    # verify that the committed files are the ones it writes

`expect.json` lists each file with `"expect": "ok"` (a valid model, it must compile) or `"error"` (it must be refused
with a diagnostic), and why. Neither may panic, hang, take gigabytes, or leave a file behind.
"""

import argparse
import json
import sys
from pathlib import Path

from cases import all_cases
from cases.build import Case

HERE = Path(__file__).resolve().parent
MAX_FILE_BYTES = 4_000
MAX_TOTAL_BYTES = 60_000


def main() -> int:
    """Run the command line; 1 when a check fails."""
    parser = argparse.ArgumentParser(description="Make or check the hostile-input corpus.")
    parser.add_argument("--check", action="store_true", help="write nothing, compare with the files that are there")
    check_only = parser.parse_args().check
    made = contents()
    problems = oversized(made)
    if check_only:
        problems += differences(made)
    elif not problems:
        write(made)
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    return 1 if problems else 0


def contents() -> dict[str, bytes]:
    """Return the name and content of every file, in order."""
    cases = sorted(all_cases(), key=lambda case: case.name)
    files = {f"{case.name}.onnx": case.data for case in cases}
    if len(files) != len(cases):
        raise ValueError("two cases have one name")
    return files | {"expect.json": expectations(cases)}


def expectations(cases: list[Case]) -> bytes:
    """Return `expect.json`: one line for each file."""
    rows = [{"file": f"{case.name}.onnx", "expect": case.expect, "why": case.why} for case in cases]
    lines = ",\n".join(f"  {json.dumps(row)}" for row in rows)
    return f"[\n{lines}\n]\n".encode()


def oversized(made: dict[str, bytes]) -> list[str]:
    """Return which files are larger than a small corpus may have."""
    sizes = {name: len(data) for name, data in made.items() if name.endswith(".onnx")}
    problems = [f"{name} has {size} bytes" for name, size in sizes.items() if size > MAX_FILE_BYTES]
    if sum(sizes.values()) > MAX_TOTAL_BYTES:
        problems.append(f"the corpus has {sum(sizes.values())} bytes")
    return problems


def committed() -> dict[str, bytes]:
    """Return the files that are there."""
    return {path.name: path.read_bytes() for path in [*HERE.glob("*.onnx"), *HERE.glob("expect.json")]}


def differences(made: dict[str, bytes]) -> list[str]:
    """Return which committed files are missing, stale or too many."""
    there = committed()
    return [
        f"{name} is not what this script writes"
        for name in sorted(made.keys() | there.keys())
        if made.get(name) != there.get(name)
    ]


def write(made: dict[str, bytes]) -> None:
    """Write the files and remove those of cases that are no more."""
    for name in committed().keys() - made.keys():
        (HERE / name).unlink()
    for name, data in made.items():
        (HERE / name).write_bytes(data)


if __name__ == "__main__":
    sys.exit(main())
