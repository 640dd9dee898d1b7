"""Chooses what an error in a built-in does in OPA: end the evaluation (strict), or make the call undefined (OPA's default).

The Python bindings have no option for this: they always use strict built-in errors. The OPA server and OPA-Envoy use the
default, and the tests must compare with them. So this module changes one constant in the code of the loaded library. The
library is pinned by its hash. If its code is not as expected, nothing is changed, and an error is raised.
"""

import ctypes
import mmap
from pathlib import Path

# The machine code of `rego.StrictBuiltinErrors(true)` in the bridge's `evalCommon`. The last byte is the argument `true`.
STORED_OPTION = bytes.fromhex("488d0df5060000488908c64008") + b"\x01"


class UnknownLibrary(Exception):
    """The loaded library is not the one in which the place of the constant is known."""


class BuiltinErrors:
    """Switches strict errors on and off in the library at `path`, which must be loaded."""

    def __init__(self, path: Path):
        content = path.read_bytes()
        if content.count(STORED_OPTION) != 1:
            raise UnknownLibrary(f"{path} is not the opa-golib-python-bindings 0.4.4 of Linux on x86-64")
        offset = content.index(STORED_OPTION) + len(STORED_OPTION) - 1
        self.flag = ctypes.c_ubyte.from_address(loaded_address(path, offset))
        page = ctypes.addressof(self.flag) & -mmap.PAGESIZE
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        if protect(page, mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC) != 0:
            raise UnknownLibrary(f"the code of {path} cannot be made writable (errno {ctypes.get_errno()})")

    def set_strict(self, strict: bool) -> None:
        """Applies to engines that prepare their query after this call."""
        self.flag.value = strict


def loaded_address(path: Path, offset: int) -> int:
    """The address in this process of the byte at `offset` of the file."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, _, start, _, _, *file = line.split(maxsplit=5)
        low, high = (int(end, 16) for end in span.split("-"))
        at = low + offset - int(start, 16)
        if file == [str(path.resolve())] and low <= at < high:
            return at
    raise UnknownLibrary(f"{path} is not loaded")
