#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the disk of the Debian system in which the replace tests run.

mmdebstrap installs the packages of packages.list and the stock kernels, this script sets the
system up, mke2fs makes a filesystem of the folder: no loop device, no boot. What comes out is kept
below a hash of all that went in, and used again.
"""

import argparse
import contextlib
import fcntl
import hashlib
import os
import pathlib
import random
import re
import shutil
import sys
import tempfile
import time

sys.dont_write_bytecode = True

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "vm"))

import guest  # noqa: E402  pylint: disable=wrong-import-position
from guest import BUILD, CACHE, VmError  # noqa: E402  pylint: disable=wrong-import-position

SUITE = "bookworm"
RELEASES = ("6.1.0-47-cloud-amd64", "6.12.107+deb12-cloud-amd64")  # what most tests swap
UPDATE = "6.1.0-57-cloud-amd64"  # the newest of the first one's line, as of 2026-11-30
KERNELS = (*RELEASES, UPDATE)
# Those with drivers for screens, keyboards and mice: of an image of their own.
SEAT_RELEASES = ("6.1.0-47-amd64", "6.12.107+deb12-amd64")
SIZE = "6G"      # of the filesystem; the file is sparse
KEPT = 6         # images in the cache, the others are removed when one is made
ADDRESS = "10.77.0.2"
ADDRESS6 = "fd77::2"

# The initramfs loads these before it looks for the root disk.
FIRST_MODULES = ("virtio_pci", "virtio_blk", "virtio_console", "virtio_net", "ext4",
                 "crc32c_generic")

# Nothing that a test looks at, and each costs seconds of a boot under emulation.
MASKED = """
apt-daily.timer apt-daily-upgrade.timer apt-daily.service apt-daily-upgrade.service
dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer man-db.timer
logrotate.timer systemd-timesyncd.service systemd-hwdb-update.service
systemd-pstore.service systemd-update-utmp-runlevel.service systemd-binfmt.service
systemd-random-seed.service systemd-resolved.service systemd-networkd.service
serial-getty@ttyS0.service getty-static.service console-getty.service
keyboard-setup.service console-setup.service
""".split()


# Started by the tests that need them alone: they cost seconds of each boot, too.
NOT_ENABLED = ("mariadb.service", "postgresql.service")


def packages():
    lines = (HERE / "packages.list").read_text("ascii").splitlines()
    return [word for line in lines for word in line.split("#")[0].split()]


def sources():
    """The host's own lines for Debian's archive, or the official ones."""
    form = "$(CREATED_BY)|$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
    lines = []
    for line in guest.run(["apt-get", "indextargets", "--format", form]).splitlines():
        if line.count("|") != 4:
            continue  # a warning of apt's
        made, origin, uri, release, component = line.split("|")
        if (made, origin, component) == ("Packages", "Debian", "main") and SUITE in release:
            lines.append(f"deb {uri} {release} main")
    return sorted(set(lines)) or [f"deb http://deb.debian.org/debian {SUITE} main",
                     f"deb http://deb.debian.org/debian {SUITE}-updates main",
                     f"deb http://deb.debian.org/debian-security {SUITE}-security main"]


def big_file():
    """What nginx serves: the same bytes in every image."""
    return random.Random(77).randbytes(32 << 20)


# --- in the folder ----------------------------------------------------------------------

def write(root, name, text, mode=0o644):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)


def edit(root, name, pattern, text):
    """Replaces the one line that matches; a package that changed its file is found out here."""
    path = root / name
    new, count = re.subn(pattern, text, path.read_text("utf-8"), flags=re.M)
    if count != 1:
        raise VmError(f"{name}: {count} lines match {pattern}")
    path.write_text(new, "utf-8")


def link(root, name, target):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    path.symlink_to(target)


def set_up_network(root):
    write(root, "etc/hostname", "guest\n")
    write(root, "etc/hosts", "127.0.0.1 localhost\n::1 localhost\n127.0.1.1 guest\n")
    write(root, "etc/network/interfaces", f"""\
auto lo
iface lo inet loopback

auto eth0
iface eth0 inet static
	address {ADDRESS}/24
iface eth0 inet6 static
	address {ADDRESS6}/64
	dad-attempts 0
	accept_ra 0
""")
    # The name would depend on the machine's slots; kernel names suffice for one interface.
    link(root, "etc/systemd/network/99-default.link", "/dev/null")


def set_up_services(root):
    """Stock units and configurations, but open to the outside."""
    edit(root, "etc/redis/redis.conf", r"^bind 127\.0\.0\.1.*$", "bind 0.0.0.0 ::")
    edit(root, "etc/redis/redis.conf", r"^protected-mode yes$", "protected-mode no")
    edit(root, "etc/memcached.conf", r"^-l 127\.0\.0\.1$", "-l 0.0.0.0")
    edit(root, "etc/mysql/mariadb.conf.d/50-server.cnf", r"^bind-address .*$",
         "bind-address = 0.0.0.0")
    postgres = "etc/postgresql/15/main"
    edit(root, f"{postgres}/postgresql.conf", r"^#listen_addresses = .*$",
         "listen_addresses = '*'")
    with open(root / postgres / "pg_hba.conf", "a", encoding="ascii") as rules:
        rules.write(f"host all all {ADDRESS}/24 trust\n")
    write(root, "var/www/html/big", big_file())
    # Else `systemctl reboot` is a kexec, too.
    edit(root, "etc/default/kexec", r"^LOAD_KEXEC=.*$", "LOAD_KEXEC=false")


def set_up_ssh(root, out):
    for kind in ("id", "host"):
        guest.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", out / kind])
    write(root, "root/.ssh/authorized_keys", (out / "id.pub").read_bytes(), 0o600)
    for old in (root / "etc/ssh").glob("ssh_host_*"):
        old.unlink()
    write(root, "etc/ssh/ssh_host_ed25519_key", (out / "host").read_bytes(), 0o600)
    write(root, "etc/ssh/ssh_host_ed25519_key.pub", (out / "host.pub").read_bytes())
    (root / "root/.ssh").chmod(0o700)
    public = (out / "host.pub").read_text("ascii")
    (out / "known_hosts").write_text(f"{ADDRESS},{ADDRESS6} {public}", "ascii")


def set_up_agent(root):
    write(root, "usr/local/lib/guest-agent", (HERE / "inside/agent.py").read_bytes(), 0o755)
    unit = "etc/systemd/system/guest-agent.service"
    write(root, unit, (HERE / "inside/guest-agent.service").read_bytes())
    link(root, "etc/systemd/system/sysinit.target.wants/guest-agent.service", f"/{unit}")


def set_up(root, out):
    write(root, "etc/fstab", "/dev/vda / ext4 defaults 0 0\n")
    write(root, "etc/machine-id", hashlib.md5(b"upkeep test guest").hexdigest() + "\n", 0o444)
    edit(root, "etc/passwd", r"^root:[^:]*:", "root:x:")
    edit(root, "etc/shadow", r"^root:[^:]*:", "root::")
    set_up_network(root)
    set_up_services(root)
    set_up_ssh(root, out)
    set_up_agent(root)
    for unit in NOT_ENABLED:
        (root / "etc/systemd/system/multi-user.target.wants" / unit).unlink()
    for unit in MASKED:
        link(root, f"etc/systemd/system/{unit}", "/dev/null")
    # What systemd does at the first boot of a new /usr was done by the packages.
    now = time.time_ns()
    os.utime(root / "usr", ns=(now, now))
    for name in ("etc/.updated", "var/.updated"):
        write(root, name, f"TIMESTAMP_NSEC={now}\n")
        os.utime(root / name, ns=(now, now))


# --- kernels ----------------------------------------------------------------------------

def make_initrd(kernel, path):
    """The small initramfs with which the harness boots a kernel, and kexec may."""
    ramfs = guest.Initramfs()
    busybox = shutil.which("busybox")
    if not busybox:
        raise VmError("busybox is missing: apt-get install busybox-static")
    ramfs.add(busybox, "bin/busybox")
    for applet in guest.run([busybox, "--list"]).split():
        if applet != "busybox":
            ramfs.add_link(f"bin/{applet}", "busybox")
    for name in ("proc", "sys", "dev", "root", "sbin"):
        ramfs.add_dir(name)
    ramfs.add_bytes("init", (HERE / "inside/init").read_bytes(), 0o755)
    ramfs.add_bytes("load", "".join(f"{name}\n" for name in FIRST_MODULES).encode())
    guest.add_modules(ramfs, kernel, FIRST_MODULES)
    ramfs.write(path)


def take_kernels(root, out, kernels):
    for release in kernels:
        kernel = guest.Kernel(release, root)
        shutil.copyfile(kernel.vmlinuz, out / f"vmlinuz-{release}")
        make_initrd(kernel, out / f"initrd-{release}")
        shutil.copyfile(out / f"initrd-{release}", root / f"boot/initrd.img-{release}")


# --- the image --------------------------------------------------------------------------

def bootstrap(root, home, kernels):
    """Installs all packages into @root; what apt fetches is kept for the next time."""
    debs = home / "debs"
    debs.mkdir(parents=True, exist_ok=True)
    for release in kernels:  # the product may have fetched these
        for deb in (CACHE / "debs").glob(f"linux-image-{release}_*.deb"):
            if not (debs / deb.name).exists():
                shutil.copyfile(deb, debs / deb.name)
    include = ",".join(packages() + [f"linux-image-{release}" for release in kernels])
    guest.run(["mmdebstrap", "--variant=apt", f"--include={include}",
               "--skip=download/empty", "--skip=essential/unlink",
               "--aptopt=Apt::Install-Recommends false",
               "--dpkgopt=force-unsafe-io", "--dpkgopt=path-exclude=/usr/share/doc/*",
               "--dpkgopt=path-exclude=/usr/share/man/*",
               "--dpkgopt=path-exclude=/usr/share/locale/*",
               "--setup-hook=mkdir -p \"$1/var/cache/apt/archives\"",
               f"--setup-hook=sync-in {debs} /var/cache/apt/archives/",
               f"--customize-hook=sync-out /var/cache/apt/archives {debs}",
               SUITE, root, "-"],
              input="\n".join(sources()) + "\n",
              # Debian's hook would make initramfs images of its own, minutes for nothing.
              env={**os.environ, "INITRD": "No", "DEBIAN_FRONTEND": "noninteractive"})


def build(home, out, kernels):
    """All files of the image, in the folder @out."""
    with tempfile.TemporaryDirectory(prefix="root.", dir=home) as stage:
        root = pathlib.Path(stage) / "root"
        bootstrap(root, home, kernels)
        set_up(root, out)
        take_kernels(root, out, kernels)
        guest.run(["mke2fs", "-q", "-t", "ext4", "-F", "-E", "lazy_itable_init=1",
                   "-d", root, out / "root.ext4", SIZE])


def key(kernels=KERNELS):
    """A hash of all that goes in, but the versions that the archive has today."""
    digest = hashlib.sha256(" ".join(kernels).encode())
    files = [HERE / "image.py", HERE / "packages.list", *sorted((HERE / "inside").iterdir())]
    for path in files:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def home_folder():
    """Where images are kept: the cache if there can be one, else the build folder."""
    for place in (CACHE, BUILD):
        try:
            (place / "replace").mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(place / "replace", os.W_OK):
            return place / "replace"
    raise VmError(f"neither {CACHE} nor {BUILD} can be written")


def prune(home):
    images = [path for path in home.glob("image.*") if path.is_dir()]
    images.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in images[KEPT:]:
        shutil.rmtree(path, ignore_errors=True)


def sweep(home):
    """Removes what a killed build left, but nothing in which something is mounted."""
    mounts = pathlib.Path("/proc/self/mounts").read_text("utf-8")
    for pattern in ("new.*", "root.*"):
        for path in home.glob(pattern):
            if str(path) not in mounts:
                shutil.rmtree(path, ignore_errors=True)


def find_image(say=lambda text: None, kernels=KERNELS):
    """The folder with root.ext4, vmlinuz-*, initrd-*, id, known_hosts; made if it is not there."""
    home = home_folder()
    image = home / f"image.{key(kernels)}"
    with open(home / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not image.is_dir():
            sweep(home)
            say(f"making the Debian system {image.name}: some minutes")
            with tempfile.TemporaryDirectory(prefix="new.", dir=home) as new:
                build(home, pathlib.Path(new), kernels)
                os.chmod(new, 0o700)
                os.rename(new, image)
                os.mkdir(new)  # for the context manager to remove
            prune(home)
        os.utime(image)
    return image


def main():
    cli = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    cli.add_argument("--key", action="store_true", help="only say which image is wanted")
    if cli.parse_args().key:
        print(key())
        return
    started = time.monotonic()
    print(find_image(lambda text: print(text, file=sys.stderr)))
    print(f"{time.monotonic() - started:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except (VmError, OSError) as error:
        sys.exit(f"image: {error}")
