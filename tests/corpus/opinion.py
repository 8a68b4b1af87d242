# SPDX-License-Identifier: GPL-2.0-or-later
"""A second opinion on the cases that upkeep makes nothing of: does the patched file really not
compile alone, do the functions really not change? Asked of the compiler with the kernel's own
command line, and of nothing that upkeep does.
"""

import os
import pathlib
import re
import shlex
import subprocess

# The numbers of lines move with every patch, and say nothing about what runs.
OWN_LINES = ["-w", "-Wno-error", "-g0"]
SAME_LINES = OWN_LINES + ["-D__LINE__=0"]
LABEL = re.compile(r"\.L[A-Z]*\d+")
NUMBERED = re.compile(r"(?<=[A-Za-z_0-9])\.\d+\b|(?<=__UNIQUE_ID_)\w+")
SECTION = re.compile(r"^\s*\.((?:push)?section\s[^\n]*|text|data|bss|popsection|previous)"
                     r"[\s;]*(?:#.*)?$")
NOISE = re.compile(r"^\t\.(file|ident|loc|p2align|globl|weak|local)\b|^\s*#|^$")


def command_of(units, path):
    """The command that compiles a file of the kernel, without its output. None if there is none."""
    for line in units.read_text(errors="replace").splitlines():
        fields = line.split("|", 6)
        if fields[0] == "CMD" and len(fields) == 7 and os.path.normpath(fields[2]) == path:
            words = shlex.split(fields[6].split(" ; ")[0])
            if "-D__KERNEL__" not in words:    # a program that the build runs
                return None
            words = [word for word in words if not word.startswith("-Wp,-M")]
            cut = words.index("-o")
            return [w for w in words[:cut] + words[cut + 2:] if w not in ("-c", fields[2])]
    return None


def compile_text(tree, command, path, text, extra):
    """(whether it compiles, assembly or errors)"""
    argv = command + ["-iquote", os.path.dirname(path), *extra, "-o", "-", "-x", "c", "-"]
    done = subprocess.run(argv, cwd=tree / "linux", input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    out = done.stdout if done.returncode == 0 else done.stderr
    return done.returncode == 0, out.decode("utf-8", "replace")


class Sections:
    """Which section the assembler is in."""

    def __init__(self):
        self.now, self.before, self.stack = "text", "text", []

    def follow(self, directive):
        if directive.startswith("pushsection"):
            self.stack.append((self.now, self.before))
            self.now, self.before = directive.replace("pushsection", "section", 1), self.now
        elif directive == "popsection":
            self.now, self.before = self.stack.pop()
        elif directive == "previous":
            self.now, self.before = self.before, self.now
        else:
            self.now, self.before = directive, self.now

    def is_code(self):
        """Not what runs once, or when a module goes: a change there takes no effect."""
        if ".init.text" in self.now or ".exit.text" in self.now:
            return False
        return self.now == "text" or '"ax' in self.now or self.now.startswith("section\t.text")


def renumber(line, labels):
    return LABEL.sub(lambda m: labels.setdefault(m.group(), f".L#{len(labels)}"), line)


def code(assembly):
    """The lines of functions; labels are numbered by their order in each, names not at all."""
    found, lines, labels, sections = {}, [], {}, Sections()
    for line in assembly.splitlines():
        changed = SECTION.match(line)
        if changed:
            sections.follow(changed.group(1).strip())
            continue
        if NOISE.match(line):
            continue
        if line.startswith("\t.size\t"):
            lines = []
        elif line.startswith("\t.type\t") and line.endswith("@function"):
            labels = {}
            lines = found.setdefault(line.split("\t")[2].split(",")[0], [])
        elif sections.is_code():
            lines.append(NUMBERED.sub(".#", renumber(line, labels)))
    return found


def differing_with(step, path, options):
    """The functions of both versions that are not the same; None if not known."""
    command = command_of(step.tree / "units", path)
    told = []
    for source in (step.old_source, step.new_source) if command else ():
        text = pathlib.Path(source / path).read_bytes()
        good, out = compile_text(step.tree, command, path, text, options)
        if good:
            told.append(code(out))
    if len(told) != 2:
        return None
    old, new = told
    return sorted(name for name in old.keys() & new.keys() if old[name] != new[name])


def differing(step, path):
    """One that comes or goes is not among them: whoever calls it differs, or nobody does."""
    return differing_with(step, path, SAME_LINES + ["-S"])


def differing_by_lines(step, path):
    """
    With the lines as they are. What the compiler inlines can hang on such a number: a function that
    is the same here is the same.
    """
    return differing_with(step, path, OWN_LINES + ["-S"])


def compiles(step, path):
    """Whether the new version compiles in the old tree; None if not known."""
    command = command_of(step.tree / "units", path)
    if not command:
        return None
    text = pathlib.Path(step.new_source / path).read_bytes()
    return compile_text(step.tree, command, path, text, ["-S", "-g0"])[0]


def missed(differing, carried):
    """Those that differ and were not carried. What the compiler numbered goes by its stem."""
    stems = {name.split(".")[0] for name in carried}
    return [name for name in differing if name.split(".")[0] not in stems]
