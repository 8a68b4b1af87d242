# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the corpus comes from: two Debian versions of the kernel's source, and what the kernel is
built from.

Nothing of the kernel's text is kept in the repository. The older version is the one that the
product unpacks for the kernel; of the newer one only the .c files are unpacked, into
corpus/VERSION.c below the product's cache.
"""

import filecmp
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "vm"))

# pylint: disable-next=wrong-import-position,unused-import
from guest import CACHE, TOP, VmError, run  # noqa: E402

CORPUS = CACHE / "corpus"
INCLUDED = re.compile(r'^[ \t]*#[ \t]*include[ \t]*["<]([^">\n]+\.c)[">]', re.M)

# A patch for no file of any kernel: it makes upkeep fetch the kernel and list its units.
NO_PATCH = """--- a/{0}
+++ b/{0}
@@ -1 +1 @@
-A line that stands in no file of this kernel.
+Another line.
"""


class Step:
    """From one version of the source to a later one, on a kernel built from the first."""

    def __init__(self, name, series, release, newer):
        self.name = name
        self.series = series
        self.release = release
        self.newer = newer

    @property
    def tree(self):
        return CACHE / "trees" / self.release

    def facts(self):
        text = (CACHE / "kernels" / self.release / "facts").read_text()
        return dict(line.split(" ", 1) for line in text.splitlines() if " " in line)

    @property
    def old_source(self):
        return CACHE / "sources" / self.facts()["version"] / "linux"

    @property
    def new_source(self):
        return CORPUS / f"{self.newer}.c"

    def prepare(self, upkeep, environment):
        """Fetches and unpacks all that is not there yet."""
        if not (self.tree / "units.complete").exists():
            open_kernel(self.release, upkeep, environment)
        if not self.new_source.exists():
            unpack(self.series, self.newer, self.new_source)

    def changed_files(self):
        """{path: targets} of the .c files that differ and that the kernel is built from."""
        built = built_files(self.tree / "units", self.old_source)
        old, new = self.old_source, self.new_source
        return {path: sorted(targets) for path, targets in sorted(built.items())
                if (new / path).exists() and not filecmp.cmp(old / path, new / path, False)}

    def patch(self, path):
        """The difference of one file, as diff -u writes it."""
        done = subprocess.run(["diff", "-u", "--label", f"a/{path}", "--label", f"b/{path}",
                               self.old_source / path, self.new_source / path],
                              stdout=subprocess.PIPE, check=False)
        if done.returncode != 1:
            raise VmError(f"{path}: diff ended with {done.returncode}, not 1")
        return done.stdout


STEPS = {step.name: step for step in (
    Step("6.1.170-176", "6.1", "6.1.0-47-cloud-amd64", "6.1.176-1"),
    Step("6.1.176-187", "6.1", "6.1.0-50-cloud-amd64", "6.1.187-1"),
    Step("6.12.107-111", "6.12", "6.12.107+deb12-cloud-amd64", "6.12.111-1~deb12u1"),
)}


def open_kernel(release, upkeep, environment):
    CORPUS.mkdir(parents=True, exist_ok=True, mode=0o700)
    patch = CORPUS / f"{release}.none.patch"
    patch.write_text(NO_PATCH.format("README"))
    done = subprocess.run([str(upkeep), "create", "--kernel", release, "--patch", str(patch),
                           "--unsigned", "--output", "/dev/null"], env=environment, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    patch.unlink()
    if not (CACHE / "trees" / release / "units.complete").exists():
        raise VmError(f"kernel {release} could not be prepared: {done.stdout}")


def source_package(series, version):
    """The linux-source package of a version: from the product's cache, our folder, or apt."""
    name = f"linux-source-{series}_{version}_all.deb"
    for folder in (CACHE / "debs", CORPUS / "debs"):
        if (folder / name).exists():
            return folder / name
    fresh = CORPUS / "debs.new"
    fresh.mkdir(parents=True, exist_ok=True)
    run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download",
         f"linux-source-{series}={version}"], cwd=fresh)
    (CORPUS / "debs").mkdir(exist_ok=True)
    for path in fresh.glob("*.deb"):
        path.rename(CORPUS / "debs" / name)
    fresh.rmdir()
    return CORPUS / "debs" / name


def unpack(series, version, where):
    """The .c files of a source package, without the folder that all of them lie in."""
    deb = source_package(series, version)
    print(f"# unpack {deb.name}", file=sys.stderr, flush=True)
    fresh = pathlib.Path(f"{where}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    inner = f"./usr/src/linux-source-{series}.tar.xz"
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as files, \
            subprocess.Popen(["tar", "-xO", inner], stdin=files.stdout,
                             stdout=subprocess.PIPE) as packed:
        run(["tar", "-x", "-I", "xz -T0", "--strip-components=1", "--no-same-owner",
             "--wildcards", "*.c"], cwd=fresh, stdin=packed.stdout)
    os.replace(fresh, where)


def built_files(units, source):
    """{path: {target}} of the .c files that objects are compiled from, included ones too."""
    found, todo = {}, []
    for line in units.read_text(errors="replace").splitlines():
        fields = line.split("|")
        if fields[0] == "CMD" and len(fields) > 5 and fields[2].endswith(".c"):
            target = fields[4] if fields[3] == "m" else "vmlinux"
            todo.append((os.path.normpath(fields[2]), target))
    while todo:
        path, target = todo.pop()
        if target in found.setdefault(path, set()) or not (source / path).exists():
            continue
        found[path].add(target)
        for name in INCLUDED.findall((source / path).read_text(errors="replace")):
            for base in (os.path.dirname(path), ""):
                there = os.path.normpath(os.path.join(base, name))
                if not there.startswith("..") and (source / there).exists():
                    todo.append((there, target))
                    break
    return {path: targets for path, targets in found.items() if (source / path).exists()}
