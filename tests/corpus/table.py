# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of what came of all cases, in Markdown."""

import collections

KINDS = ("applied", "made", "refused", "not tried", "failed", "changes nothing",
         "does not compile alone")


def share(part, whole):
    return f"{100 * part / whole:.1f}%" if whole else "-"


def make(steps):
    """@steps: [(name, [result of a case])]"""
    counts = {name: collections.Counter(r["verdict"]["kind"] for r in results)
              for name, results in steps}
    lines = ["| | " + " | ".join(name for name, _ in steps) + " |",
             "|---" * (len(steps) + 1) + "|",
             "| cases | " + " | ".join(str(len(results)) for _, results in steps) + " |"]
    for kind in KINDS:
        if any(count[kind] for count in counts.values()):
            lines.append(f"| {kind} | " + " | ".join(str(counts[name][kind])
                                                      for name, _ in steps) + " |")
    return "\n".join(lines) + "\n" + "".join(refusals(name, results) for name, results in steps)


def refusals(name, results):
    refused = collections.Counter(r["verdict"]["reason"] for r in results
                                  if r["verdict"]["kind"] in ("refused", "failed"))
    changing = sum(r["verdict"]["kind"] in ("applied", "made", "refused", "failed")
                   for r in results)
    lines = [f"\n{name}: of {changing} that compile and change code\n",
             "| refused or failed because of | cases | share |", "|---|---|---|"]
    for reason, count in refused.most_common():
        lines.append(f"| {reason} | {count} | {share(count, changing)} |")
    return "\n".join(lines) + "\n"
