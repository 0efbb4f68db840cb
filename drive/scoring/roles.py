"""What an agent is there for in an evaluation."""

CEILING, FLOOR = "expert", "straight"  # the references that every evaluation shows


def role(source: str) -> str:
    """The expert is the ceiling, straight the floor, all others are tested."""
    return {CEILING: "ceiling", FLOOR: "floor"}.get(source, "tested")
