"""The styles of generated roads, by name."""

# What is drawn from where nothing is asked for, and how often. Streets of corners are a drill: never drawn.
STYLES: dict[str, float] = {"town": 0.42, "country": 0.4, "highway": 0.18, "corners": 0.0}

GENERATED = "generated"  # roads made from the seed


def generated_map(style: str | None) -> str:
    """What datasets call generated roads of a style; None: of the styles that are drawn."""
    return GENERATED if style is None else f"{GENERATED} {style}"


# What datasets and the drive page call generated roads, and the style that each name asks for.
GENERATED_MAPS: dict[str, str | None] = {generated_map(style): style for style in (None, *STYLES)}


def road_key(map_name: str, seed: int) -> tuple[str, int]:
    """What tells one road from another: a seed's style may be asked for or drawn, the road is the same."""
    return GENERATED if map_name in GENERATED_MAPS else map_name, seed
