"""How much a client may send."""

MESSAGE_BYTES = 4096
MESSAGES_PER_S = 200
