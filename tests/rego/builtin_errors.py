"""Whether an error in a built-in ends OPA's evaluation (strict) or makes the call undefined (OPA's own default).

The Python bindings compile their choice in: they always ask for strict built-in errors, where the OPA server and
OPA-Envoy use the default. What a policy means in OPA is what it means there, so the one constant is set in the loaded
library. The library is pinned by its hash; code that looks otherwise is refused rather than touched.
"""

import ctypes
import mmap
from pathlib import Path

# rego.StrictBuiltinErrors(true) of the bridge's evalCommon, as compiled: its closure is stored, then its argument.
STORED_OPTION = bytes.fromhex("488d0df5060000488908c64008") + b"\x01"


class UnknownLibrary(Exception):
    """The loaded library is not the one whose constant is known."""


class BuiltinErrors:
    """The switch, over the library at `path`, which must be loaded."""

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
        """Holds for engines that prepare their query afterwards."""
        self.flag.value = strict


def loaded_address(path: Path, offset: int) -> int:
    """Where the byte at `offset` of the file stands in this process."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, _, start, _, _, *file = line.split(maxsplit=5)
        low, high = (int(end, 16) for end in span.split("-"))
        at = low + offset - int(start, 16)
        if file == [str(path.resolve())] and low <= at < high:
            return at
    raise UnknownLibrary(f"{path} is not loaded")
