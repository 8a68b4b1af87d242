# SPDX-License-Identifier: GPL-2.0-or-later
"""What came of a case, in classes. Each class of refusals says whether such a refusal is right, and
what would lift it; a refusal of no known class counts as unclear, and fails the test.
"""

import re


class Reason:
    """A class of refusals. @person: it is a finding that only a person can judge."""

    def __init__(self, name, pattern, lift, person=False):
        self.name = name
        self.pattern = re.compile(pattern, re.S)
        self.lift = lift
        self.person = person


FINDING = re.compile(r"^  (([a-z-]+):?\S*) \(", re.M)

# Findings go by the word before the colon.
FINDINGS = {}

REASONS = []

COMPILER = re.compile(r"\berror: |cc1: |compilation terminated")


def finding_words(message):
    return sorted({word for _, word in FINDING.findall(message)})


def refusal(message):
    """(reason, whether it is known)"""
    if "that only a person can judge" in message:
        words = finding_words(message)
        return "finding: " + " + ".join(words), bool(words) and all(w in FINDINGS for w in words)
    for reason in REASONS:
        if reason.pattern.search(message):
            return reason.name, True
    return "unclear", False


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
    if status == 1 and COMPILER.search(message):
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


def judge(result):
    """The verdict of a case from what its stages told."""
    if result["create"]["status"] != 0:
        return judge_create(result["create"])
    check = result["check"]
    if check["status"] != 0 and not (check["status"] == 3 and
                                     MODULES_ALONE in (check.get("message") or "")):
        return verdict("failed", False, f"check ended with {check['status']}",
                       check.get("message") or check["said"])
    return judge_guest(result["guest"]) if "guest" in result else verdict("made", True)
