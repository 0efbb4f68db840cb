"""How much a client may send."""

MAX_MESSAGE_BYTES = 4096
MAX_MESSAGES_PER_S = 200
