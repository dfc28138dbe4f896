"""The script of a file with PyInstaller's bootloader: it makes the start that of the launcher."""

import os
import sys

import _payload

_payload.start(sys._pyinstaller_pyz)

# Programs get the environment of the user: without the bootloader's variables and its library path.
for name in [name for name in os.environ if name.startswith("_PYI_")]:
    del os.environ[name]
os.environ.pop("LD_LIBRARY_PATH", None)
if "LD_LIBRARY_PATH_ORIG" in os.environ:
    os.environ["LD_LIBRARY_PATH"] = os.environ.pop("LD_LIBRARY_PATH_ORIG")

import frozen_entry  # noqa: E402, F401
