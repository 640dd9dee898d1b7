"""Builds the wheel, so that `pip install geowarden` installs the static program as a command, as the wheels of ruff and uv do.

The same program gives the same bytes. The files of a wheel are described in
https://packaging.python.org/specifications/binary-distribution-format
"""

import argparse
import base64
import hashlib
import os
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
# The program is static, so it runs with any C library: manylinux stands for glibc, musllinux for musl.
PLATFORMS = {
    "amd64": ("manylinux_2_17_x86_64", "musllinux_1_1_x86_64"),
    "arm64": ("manylinux_2_17_aarch64", "musllinux_1_1_aarch64"),
}
PYTHON = ("py3", "none")


def metadata(version, readme):
    return f"""\
Metadata-Version: 2.4
Name: geowarden
Version: {version}
Summary: External authorization for pygeoapi behind Envoy: API keys, JWT and embedded Rego
License-Expression: MIT OR Apache-2.0
License-File: LICENSE-MIT
License-File: LICENSE-APACHE
Keywords: pygeoapi,envoy,authorization,ogc-api,rego,ext_authz
Classifier: Environment :: Console
Classifier: Operating System :: POSIX :: Linux
Classifier: Programming Language :: Rust
Classifier: Topic :: Scientific/Engineering :: GIS
Requires-Python: >=3.8
Project-URL: Repository, https://github.com/geowarden/geowarden
Project-URL: Documentation, https://github.com/geowarden/geowarden/tree/main/docs
Project-URL: Changelog, https://github.com/geowarden/geowarden/blob/main/CHANGELOG.md
Description-Content-Type: text/markdown

{readme.read_text()}"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--readme", type=Path, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--arch", choices=PLATFORMS, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    platforms = PLATFORMS[arguments.arch]
    stem = f"geowarden-{arguments.version}"
    info = f"{stem}.dist-info"
    tags = "".join(f"Tag: {'-'.join((*PYTHON, platform))}\n" for platform in platforms)
    files = {
        f"{stem}.data/scripts/geowarden": (arguments.program.read_bytes(), 0o755),
        f"{info}/METADATA": (metadata(arguments.version, arguments.readme).encode(), 0o644),
        f"{info}/WHEEL": (f"Wheel-Version: 1.0\nGenerator: geowarden\nRoot-Is-Purelib: false\n{tags}".encode(), 0o644),
        f"{info}/licenses/LICENSE-MIT": ((ROOT / "LICENSE-MIT").read_bytes(), 0o644),
        f"{info}/licenses/LICENSE-APACHE": ((ROOT / "LICENSE-APACHE").read_bytes(), 0o644),
    }
    record = ""
    for name, (content, _) in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(content)}\n"
    record += f"{info}/RECORD,,\n"
    files[f"{info}/RECORD"] = (record.encode(), 0o644)
    # A ZIP file cannot have a time before 1980.
    moment = time.gmtime(max(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), 315532800))[:6]
    path = arguments.output / f"{stem}-{'-'.join(PYTHON)}-{'.'.join(platforms)}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as wheel:
        for name, (content, mode) in files.items():
            entry = zipfile.ZipInfo(name, moment)
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            wheel.writestr(entry, content)
    print(path)


if __name__ == "__main__":
    main()
