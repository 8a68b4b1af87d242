# SPDX-License-Identifier: GPL-2.0-or-later
"""What cases of the zoo found over swaps: docs/replace-zoo.json, from which zoo-table writes the page
beside it. It is committed with the page, so that a run of some cases adds to what is known of others.

    {"OLD NEW": {CASE: {"verdict": of the preflight, "findings": [[verdict, rule], ...],
                        "outcome": ..., "text": ..., "when": ...}}}

with a line for each case; zoo_swap.py tells which outcomes there are."""

import json
import os
import pathlib
import time

PATH = pathlib.Path(__file__).resolve().parents[2] / "docs" / "replace-zoo.json"
KEPT = ("verdict", "outcome", "text")


def load():
    return json.loads(PATH.read_text("utf-8")) if PATH.exists() else {}


def write(found):
    swaps = []
    for swap, cases in sorted(found.items()):
        lines = [f"  {json.dumps(case)}: {json.dumps(result, sort_keys=True)}"
                 for case, result in sorted(cases.items())]
        swaps.append(f" {json.dumps(swap)}: {{\n" + ",\n".join(lines) + "\n }")
    new = PATH.with_suffix(".new")
    new.write_text("{\n" + ",\n".join(swaps) + "\n}\n", "utf-8")
    os.replace(new, PATH)


def of(found, old, new):
    """{case: result} of one swap."""
    return found.get(f"{old} {new}", {})


def add(old, new, results):
    """Puts @results in place of what was known of these cases."""
    found = load()
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    cases = found.setdefault(f"{old} {new}", {})
    for case, result in results.items():
        # What else a finding has are numbers and names of that one run.
        rules = sorted({(verdict, rule) for verdict, rule, *_ in result.get("findings", [])})
        cases[case] = {**{key: result[key] for key in KEPT if key in result},
                       **({"findings": rules} if rules else {}), "when": when}
    write(found)
