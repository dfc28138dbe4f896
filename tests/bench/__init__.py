"""`make bench`: how long a credential takes, ours beside what else there is, in one run.

``timer``      starts programs and times them, from a small process of its own
``stopwatch``  asks it
``subjects``   what is compared: a bare Python, plain scripts, our builds, the Go helpers
``stage``      three loopback clouds, and somebody who has an identity in each
``peers``      what the Go helpers ask these clouds for that we never would
``rounds``     one after another, round by round, since the machine drifts
``day``        a hundred gets with a network between here and the clouds
``figures``    what was to be reached
``report``     tables for a person, JSON for a program

Nothing here fails because something was slow: what was to be reached is said beside what was.
"""
