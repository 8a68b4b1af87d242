# SPDX-License-Identifier: GPL-2.0-or-later
"""The tables of what came of all cases, in Markdown."""

import collections

import reasons

# What a case can come to: the word of its verdict, and the line of the table.
KINDS = (
    ("applied", "applied in a guest under load, undone, applicable again"),
    ("made", "made, matched against the image; not yet in a guest"),
    ("refused", "refused"),
    ("not tried", "made, but its module cannot be loaded in the guest"),
    ("failed", "failed"),
    ("changes nothing", "changes nothing"),
    ("does not compile alone", "does not compile alone"),
)
CHANGING = tuple(kind for kind, _ in KINDS[:5])
GOOD = ("applied", "made")


# Between these lines of a document stands the table.
BEGIN = "<!-- begin of what `make corpus-table` wrote -->\n"
END = "<!-- end of what `make corpus-table` wrote -->\n"


def share(part, whole):
    return f"{100 * part / whole:.1f}%" if whole else "-"


def row(*cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


class Column:
    """What the cases of a step, or of all steps, came to."""

    def __init__(self, name, cases, results):
        self.name = name
        self.cases = cases
        self.results = results
        self.counts = collections.Counter(r["verdict"]["kind"] for r in results)
        self.changing = [r for r in results if r["verdict"]["kind"] in CHANGING]
        self.reasons = collections.Counter(key_of(r) for r in self.changing
                                           if r["verdict"]["reason"])

    @property
    def confirmed(self):
        """Those about which the compiler was asked, of those not refused."""
        return sum(any(v is not None for v in (r.get("opinion") or {}).values())
                   for r in self.results if r["create"]["status"] != 2)

    @property
    def good(self):
        return sum(self.counts[kind] for kind in GOOD)

    @property
    def judged(self):
        """Those that compile, change code, and could be tried."""
        return len(self.changing) - self.counts["not tried"]

    @property
    def for_a_person(self):
        return sum(reasons.is_for_a_person(r["verdict"]) for r in self.changing)


def key_of(result):
    return result["verdict"]["kind"], result["verdict"]["reason"]


def counts_table(columns):
    lines = [row("", *(c.name for c in columns)), "|---" * (len(columns) + 1) + "|",
             row("cases", *(c.cases for c in columns)),
             row("of these tried", *(len(c.results) for c in columns))]
    for kind, told in KINDS:
        if any(c.counts[kind] for c in columns):
            lines.append(row(told, *(c.counts[kind] for c in columns)))
    lines.append(row("confirmed by the compiler, of those not refused",
                     *(c.confirmed for c in columns)))
    lines.append(row("compile and change code", *(len(c.changing) for c in columns)))
    lines.append(row("**of these without human help**",
                     *(share(c.good, c.judged) for c in columns)))
    lines.append(row("**of those without a finding for a person**",
                     *(share(c.good, c.judged - c.for_a_person) for c in columns)))
    return lines


def reasons_table(columns):
    whole = columns[-1]
    if not whole.reasons:
        return []
    lines = ["", row("kind", "because of", *(c.name for c in columns), "share",
                     "what would lift it"), "|---" * (len(columns) + 4) + "|"]
    for key, count in sorted(whole.reasons.items(), key=lambda item: (-item[1], item[0])):
        lines.append(row(*key, *(c.reasons[key] for c in columns),
                         share(count, len(whole.changing)), reasons.lift_of(key[1])))
    return lines


def make(steps):
    """@steps: [(name, how many cases it has, [result of a case that was tried])]"""
    columns = [Column(*step) for step in steps]
    everything = [r for _, _, results in steps for r in results]
    if len(columns) > 1:
        columns.append(Column("all", sum(c.cases for c in columns), everything))
    lines = counts_table(columns) + reasons_table(columns)
    programs = sorted({r["program"] for r in everything})
    if len(programs) > 1:
        lines += ["", f"These are results of {len(programs)} versions of upkeep: "
                  + ", ".join(programs)]
    return "\n".join(lines)


def write(path, text):
    """Puts the table into a document, in place of the one that stands there."""
    head, begin, rest = path.read_text().partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise OSError(f"{path}: the lines between which the table stands are missing")
    path.write_text(head + begin + "\n" + text + "\n\n" + end + tail)
