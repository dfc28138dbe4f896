"""Builds the frozen file: what PyInstaller's analysis found goes into one executable.

``contents``  which modules, libraries and data travel, and in which form
``aws_data``  botocore's data, pruned to what is used
``elf``       what shared libraries need and where they run
``payload``   the layout of the bytes behind the executable
``link``      the C compiler, Python's own library, the launcher
``table``     where every megabyte went
``sbom``      what is in it
``origin``    which of the system's packages a library came from
``manual``, ``companions``, ``deb``  what ships with it
"""
