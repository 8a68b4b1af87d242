# SPDX-License-Identifier: GPL-2.0-or-later
"""What came of a case, in classes. Each class of refusals says whether such a refusal is right, and
what would lift it; a refusal of no known class counts as unclear, and fails the test.
"""

import re


FINDING = re.compile(r"^  (([a-z-]+):?\S*) \(", re.M)

# Findings that only a person can judge, by their first word: what would lift them.
FINDINGS = {
    "apart": "nothing short of a reboot",
    "enum-values": "a patch that leaves the old values as they are",
    "init-code": "nothing: it has run",
    "initial-value": "a write of the new value, if it is known that nobody changed the old",
    "operations": "a table of the same size, which is written in place",
    "prototype": "proof that no other object uses it",
    "read-only-data": "proof of who uses the datum, or that nobody looks at a pointer and sleeps",
    "registration": "registering anew, by code of the patch's own",
    "removed-object": "nothing: what runs stays",
    "struct-layout": "shadow data beside the objects, which is another patch",
    "table-copies": "proof that no copy was made before",
    "union-layout": "shadow data beside the objects, which is another patch",
}

# Refusals that are not a person's to lift: (class, words of the message, what would lift it).
REASONS = [(name, re.compile(words, re.S), lift) for name, words, lift in (
    ("writable data of another size",
     "whose size changes from .* and the running kernel's has no room",
     "a patch that puts a new datum beside the old"),
    ("read-only data that unchanged code uses", "code or data that does not change uses it as well",
     "carrying those who use it, too"),
    ("a site of the kernel's where the redirect would stand", "a jump at .* would overwrite",
     "a short jump into the padding before the function, where there is some"),
    ("a table that the kernel has changed since boot", "something has changed it since boot",
     "nothing: the kernel has put something of its own there"),
    ("new entry of a table read at boot",
     "registered at boot or when a module loads, and cannot be added",
     "registering it by code of the patch's own"),
)]

# Not upkeep's own module.
DOES_NOT_COMPILE = re.compile(r"\A(?!core module)[^\n]* does not compile:.*\berror: ", re.S)


def finding_words(message):
    return sorted({word for _, word in FINDING.findall(message)})


def refusal(message):
    """(reason, whether it is known)"""
    if "that only a person can judge" in message:
        words = finding_words(message)
        return "finding: " + " + ".join(words), bool(words) and all(w in FINDINGS for w in words)
    for name, words, _ in REASONS:
        if words.search(message):
            return name, True
    return "unclear", False


def is_for_a_person(told):
    return told["kind"] == "refused" and told["reason"].startswith("finding: ")


def lift_of(reason):
    """What would lift a refusal of that class."""
    lifts = {name: lift for name, _, lift in REASONS}
    words = reason.removeprefix("finding: ").split(" + ")
    return lifts.get(reason.removeprefix("at apply: ")) or \
        "; ".join(dict.fromkeys(FINDINGS[word] for word in words if word in FINDINGS))


def verdict(kind, good, reason="", message=""):
    return {"kind": kind, "good": good, "reason": reason, "message": message}


def judge_create(told):
    message = told.get("message") or told.get("said") or ""
    status = told["status"]
    if status == 2:
        reason, known = refusal(message)
        return verdict("refused", known, reason, message)
    if status == 3:
        return verdict("changes nothing", True, "", message)
    if status == 1 and DOES_NOT_COMPILE.search(message):
        return verdict("does not compile alone", True, "", message)
    return verdict("failed", False, f"create ended with {status}", message)


MODULES_ALONE = "it changes modules alone, and a kernel image holds none of them"

# What ended a case in the guest, if it is neither a success nor a failure of ours.
NOT_TRIED = "modprobe"


def judge_guest(told):
    word, message = told["word"], "\n".join(told["said"])
    if word == "applied":
        return verdict("applied", True)
    if word == NOT_TRIED:
        return verdict("not tried", True, "its module cannot be loaded in this guest", message)
    if word == "apply-2":
        reason, known = refusal(message)
        return verdict("refused", known, "at apply: " + reason, message)
    return verdict("failed", False, f"guest: {word}", message)


def dispute(result):
    """What the compiler says against upkeep, if it does."""
    opinion = result.get("opinion") or {}
    if opinion.get("compiles"):
        return "it does compile alone"
    if opinion.get("missed"):
        return "changed functions left out: " + " ".join(opinion["missed"])
    return None


def judge(result):
    """The verdict of a case from what its stages told."""
    if dispute(result):
        return verdict("failed", False, dispute(result), result["create"].get("message") or "")
    if result["create"]["status"] != 0:
        return judge_create(result["create"])
    check = result["check"]
    if check["status"] != 0 and not (check["status"] == 3 and
                                     MODULES_ALONE in (check.get("message") or "")):
        return verdict("failed", False, f"check ended with {check['status']}",
                       check.get("message") or check["said"])
    return judge_guest(result["guest"]) if "guest" in result else verdict("made", True)
