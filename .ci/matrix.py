"""Writes the matrix of results into docs/conformance.md.

    python3 .ci/matrix.py 'NAME=REPORT.json' …

A report is what `conformance run -json` writes. A case counts for every clause
that it tests; a case that is known to fail counts as failed.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "conformance.md"
COLUMN = {"passed": 0, "failed": 1, "known to fail": 1, "could not run": 1, "skipped": 2}


def count(report: dict) -> dict[str, list[int]]:
    """Counts passed, failed and skipped cases by clause."""
    counts: dict[str, list[int]] = {}
    for result in report["results"]:
        for clause in {*result["clauses"], "all"}:
            counts.setdefault(clause, [0, 0, 0])[COLUMN[result["status"]]] += 1
    return counts


def cell(counts: list[int] | None) -> str:
    return "/".join(map(str, counts)) if counts else ""


def main() -> None:
    names, reports = zip(*(argument.rsplit("=", 1) for argument in sys.argv[1:]))
    columns = [count(json.loads(Path(report).read_text())) for report in reports]
    specification = (ROOT / "docs" / "specification.md").read_text()
    clauses = re.findall(r'<a id="([A-Z]+-[0-9]+)">', specification)
    rows = [["", *names], ["---"] * (len(names) + 1)]
    rows += [
        [f"[{clause}](specification.md#{clause})"] + [cell(c.get(clause)) for c in columns]
        for clause in clauses
        if any(clause in c for c in columns)
    ]
    rows.append(["all cases"] + [cell(c["all"]) for c in columns])
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    page = re.sub(
        r"(?s)(<!-- matrix begin -->\n).*(<!-- matrix end -->)",
        lambda match: match[1] + table + match[2],
        PAGE.read_text(),
    )
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
