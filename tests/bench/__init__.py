"""`make bench`: the time and size of a `get`, ours compared with other programs in one run.

``timer``      starts programs and times them, in a small process of its own
``stopwatch``  sends it commands
``subjects``   the programs: a bare Python, plain scripts, our builds, the Go helpers
``stage``      three loopback clouds with an identity in each
``peers``      the requests that only the Go helpers send
``rounds``     runs the programs in turn, because the speed of the machine drifts
``day``        a hundred gets with network delay
``build``      the gets of a build of Bazel
``figures``    the targets
``report``     the results as JSON
``tables``     the same as Markdown: for the terminal and the page of figures
``chart``      the same as a picture

The bench never fails because something is slow: it prints each target beside the measured figure.
"""
