"""A page in the browser to drive from: the server, its protocol and recording by hand.

command.py      the `drive serve` command             app.py, access.py   the web application and its gate
protocol.py     every message, in full                hub.py, pictures.py the pages, each at its own speed
loop.py, pace.py   the thread that drives             simulation.py       the drive, one step at a time
teaching.py      which frames a learner (models/training) is given, and when the drive waits for the person
recorder.py, take.py, store.py, journal.py   what is recorded, saved, and what survives a kill
"""
