"""How much a client may send, and how long it may be silent."""

MAX_MESSAGE_BYTES = 4096
MAX_MESSAGES_PER_S = 200
IDLE_S = 10.0  # from connecting to the end of a request's head [s]
MAX_IDLE = 100  # connections that ask for nothing
MAX_LOGGED = 20  # lines about what strangers send, at once ...
MAX_LOGGED_PER_S = 1.0 / 60.0  # ... and later
