"""Recordings from and for other programs: Udacity, Donkey Car, Minari, RLDS.

    drive data import LOG DIR                     a Udacity log or a Donkey Car tub becomes a dataset
    drive data export DIR OUT --format donkey     and back, or to Minari and RLDS

Their steering is positive to the right, ours to the left; `units.py` holds every conversion. Pictures pass
through as the bytes they are.
"""
