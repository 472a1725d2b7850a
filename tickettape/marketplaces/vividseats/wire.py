"""Read Vivid Seats answers: bytes in, `Inventory` and `Production` out.

Pure functions of bytes; requests belong in `client`. The wire is the website's own, undocumented and
unversioned: what we depend on is typed and refused when it changes, everything else is ignored.
Struct fields keep the wire's names, so that a recorded answer can be read beside them.
"""
