"""Builds what is released: ``make release VERSION=…``.

Map
    checkout    refuses what no commit has, and clones the commit into a folder of its own
    part        what one machine builds: the files of its system and architecture, wheel and sdist
    packages    sdist and wheel, with the same bytes wherever they are built
    assemble    merges the parts of all machines: image, formula, checksums
    image       the OCI image with one program in it, for each architecture
    formula     the Homebrew formula
    names       the names of the released files

What never happens
    A part of another commit or version is merged. A file differs from that of another machine.
    The time, the user, the umask or the folder of the building machine is in a file.
"""
