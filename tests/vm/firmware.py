# SPDX-License-Identifier: GPL-2.0-or-later
"""UEFI firmware for a guest, with keys enrolled in it that the guest's kernel then trusts.

The firmware is OVMF. Its variables lie in a flash image of their own; here such an image is
made from the empty one that OVMF comes with. A certificate in the variable `db` gets into the
kernel's platform keyring (security/integrity/platform_certs), and Debian's kernels take modules
that are signed by a key of that keyring.
"""

import pathlib
import struct
import uuid

OVMF = pathlib.Path("/usr/share/OVMF")
CODE = OVMF / "OVMF_CODE_4M.fd"
EMPTY = OVMF / "OVMF_VARS_4M.fd"

# EFI_AUTHENTICATED_VARIABLE_GUID, EFI_IMAGE_SECURITY_DATABASE_GUID, EFI_CERT_X509_GUID
STORE = uuid.UUID("aaf32c78-947b-439a-a180-2e144ec37792")
DATABASE = uuid.UUID("d719b2cb-3d3a-4596-a3bc-dad00e67656f")
X509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072")
OWNER = uuid.UUID("7570a6e5-6b65-4570-8000-000000000001")

# Non-volatile, seen by the boot loader and by the kernel, changed with authentication only.
ATTRIBUTES = 0x27
ADDED = 0x3F


class FirmwareError(Exception):
    """The firmware is missing or not what it was."""


def signature_list(certificate):
    """One EFI_SIGNATURE_LIST with one certificate (DER)."""
    size = 16 + len(certificate)
    head = X509.bytes_le + struct.pack("<III", 28 + size, 0, size)
    return head + OWNER.bytes_le + certificate


def variable(name, vendor, data):
    """One variable as it lies in the store (MdeModulePkg/Include/Guid/VariableFormat.h)."""
    text = name.encode("utf-16-le") + b"\0\0"
    head = struct.pack("<HBBIQ16sIII", 0x55AA, ADDED, 0, ATTRIBUTES, 0, bytes(16), 0,
                       len(text), len(data))
    whole = head + vendor.bytes_le + text + data
    return whole + b"\xff" * (-len(whole) % 4)


def make_variables(path, certificates):
    """Writes a flash image in which the certificates (DER) are enrolled."""
    for there in (CODE, EMPTY):
        if not there.exists():
            raise FirmwareError(f"{there} is missing: apt-get install ovmf")
    image = bytearray(EMPTY.read_bytes())
    start = struct.unpack_from("<H", image, 48)[0]  # behind the volume's header
    if image[start:start + 16] != STORE.bytes_le:
        raise FirmwareError(f"{EMPTY} holds no store of authenticated variables")
    lists = b"".join(signature_list(certificate) for certificate in certificates)
    data = variable("db", DATABASE, lists)
    begin = start + 28
    if any(byte != 0xFF for byte in image[begin:begin + len(data)]):
        raise FirmwareError(f"{EMPTY} is not empty")
    image[begin:begin + len(data)] = data
    pathlib.Path(path).write_bytes(image)


def arguments(variables):
    """What QEMU is given to boot through the firmware."""
    return ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={CODE}",
            "-drive", f"if=pflash,format=raw,unit=1,file={variables}"]
