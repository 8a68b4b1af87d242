# SPDX-License-Identifier: GPL-2.0-or-later
"""The table of what came of all cases, in Markdown."""

import collections

import reasons

KINDS = ("applied", "made", "refused", "not tried", "failed", "changes nothing",
         "does not compile alone")
CHANGING = KINDS[:5]
GOOD = ("applied", "made")


def share(part, whole):
    return f"{100 * part / whole:.1f}%" if whole else "-"


def row(*cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def counts_table(steps):
    names = [name for name, _ in steps]
    counts = [collections.Counter(r["verdict"]["kind"] for r in results) for _, results in steps]
    lines = [row("", *names), "|---" * (len(names) + 1) + "|",
             row("cases", *(len(results) for _, results in steps))]
    for kind in KINDS:
        if any(count[kind] for count in counts):
            lines.append(row(kind, *(count[kind] for count in counts)))
    confirmed = [sum(bool(r.get("opinion")) for r in results if r["create"]["status"] != 2)
                 for _, results in steps]
    lines.append(row("confirmed by the compiler, of those not refused", *confirmed))
    changing = [sum(count[kind] for kind in CHANGING) for count in counts]
    tried = [number - count["not tried"] for number, count in zip(changing, counts)]
    good = [sum(count[kind] for kind in GOOD) for count in counts]
    person = [sum(reasons.is_for_a_person(r["verdict"]) for r in results) for _, results in steps]
    lines.append(row("compile and change code", *changing))
    lines.append(row("of these without human help", *map(share, good, tried)))
    lines.append(row("of those without a finding", *(share(g, t - p) for g, t, p in
                                                     zip(good, tried, person))))
    return lines


def reasons_table(name, results):
    changing = [r for r in results if r["verdict"]["kind"] in CHANGING]
    found = collections.Counter(r["verdict"]["reason"] for r in changing if r["verdict"]["reason"])
    if not found:
        return []
    lines = ["", f"{name}:", "", row("kind", "because of", "cases", "share", "what would lift it"),
             "|---|---|---|---|---|"]
    kinds = {r["verdict"]["reason"]: r["verdict"]["kind"] for r in changing}
    for reason, count in found.most_common():
        lines.append(row(kinds[reason], reason, count, share(count, len(changing)),
                         reasons.lift_of(reason)))
    return lines


def make(steps):
    """@steps: [(name, [result of a case])]"""
    lines = counts_table(steps)
    for name, results in steps:
        lines += reasons_table(name, results)
    programs = sorted({r["program"] for _, results in steps for r in results})
    if len(programs) > 1:
        lines += ["", f"These are results of {len(programs)} versions of upkeep: "
                  + ", ".join(programs)]
    return "\n".join(lines)
