"""Builds the frozen file: one executable of the modules that PyInstaller's analysis finds.

``build``        the steps, from the analysis to the file
``contents``     which modules are in it, and in which form
``aws_data``     botocore's data, pruned to the calls we make
``elf``          what shared libraries need
``payload``      the layout of modules, libraries and data in the file
``link``         runs the C compiler on the launcher, libpython and the payload
``older_glibc``  lowers the glibc that a program or library needs
``bootloader``   the file with PyInstaller's bootloader, where Python cannot be linked in
``python``       finds a Python to build with
``interpreter``  the pinned interpreter of a release
``publisher``    who publishes, by pyproject.toml
``source``       the digest of the sources
``table``        the sizes of the parts
``sbom``         the list of components
``origin``       the system's package of a library
``manual``, ``companions``, ``deb``  the files that ship with it
"""
