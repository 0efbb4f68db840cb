"""Random damage to OpenDRIVE maps, as a pure function of a seed."""

import copy
import random
import xml.etree.ElementTree as ET
from collections.abc import Sequence

VALUES = (
    *(
        "",
        "nan",
        "inf",
        "-inf",
        "words",
        "1e300",
        "-1e300",
        "1e9",
        "9e7",
        "-9e7",
        "1e7",
        "99999",
        "28000",
        "1e5",
    ),
    *(
        "2e4",
        "1000",
        "-1000",
        "30",
        "5",
        "3",
        "1",
        "0.5",
        "0.05",
        "1e-3",
        "1e-7",
        "-1e-9",
        "0",
        "-0",
        "-1",
        "-2",
        "2",
    ),
    *(
        "9" * 400,
        "0x10",
        "1,5",
        "1e",
        "\u0663",
        "none",
        "start",
        "end",
        "reversed",
        "driving",
        "curb",
        "broken solid",
    ),
)
SHAPES = (
    "<line/>",
    '<arc curvature="0.1"/>',
    '<arc curvature="9"/>',
    '<spiral curvStart="-0.2" curvEnd="3"/>',
    '<poly3 a="0" b="0" c="0.1" d="-0.01"/>',
    '<paramPoly3 aU="0" bU="1" cU="0" dU="0" aV="0" bV="0" cV="0.02" dV="0"/>',
    '<paramPoly3 aU="0" bU="1e5" cU="0" dU="-1e3" aV="0" bV="0" cV="2" dV="0" pRange="arcLength"/>',
)  # fmt: skip


def _value(rng: random.Random, element: ET.Element, name: str) -> str:
    """Something else for an attribute: a bad value, the old one scaled, or another of the same map's."""
    old = element.get(name, "")
    if rng.random() < 0.5:
        try:
            return repr(
                float(old) * rng.choice((-1.0, 0.0, 0.1, 0.5, 2.0, 10.0, 100.0, 1e4)) + rng.choice((0, 1e-6))
            )
        except ValueError:
            pass
    return rng.choice(VALUES)


def _set(rng: random.Random, root: ET.Element, pairs: Sequence[tuple[ET.Element, ET.Element]]) -> None:
    _, child = rng.choice([p for p in pairs if p[1].attrib] or pairs)
    if child.attrib:
        name = rng.choice(sorted(child.attrib))
        child.set(name, _value(rng, child, name))


def _set_all(rng: random.Random, root: ET.Element, pairs: Sequence[tuple[ET.Element, ET.Element]]) -> None:
    """The same attribute of all elements of one kind."""
    _, child = rng.choice([p for p in pairs if p[1].attrib] or pairs)
    if child.attrib:
        name = rng.choice(sorted(child.attrib))
        value = _value(rng, child, name)
        for other in root.iter(child.tag):
            other.set(name, value)


def _drop(rng: random.Random, root: ET.Element, pairs: Sequence[tuple[ET.Element, ET.Element]]) -> None:
    parent, child = rng.choice(pairs)
    parent.remove(child)


def _forget(rng: random.Random, root: ET.Element, pairs: Sequence[tuple[ET.Element, ET.Element]]) -> None:
    _, child = rng.choice(pairs)
    if child.attrib:
        del child.attrib[rng.choice(sorted(child.attrib))]


def _repeat(rng: random.Random, root: ET.Element, pairs: Sequence[tuple[ET.Element, ET.Element]]) -> None:
    """Copies of an element, with an attribute that runs on or jumps about."""
    parent, child = rng.choice(pairs)
    name = rng.choice(sorted(child.attrib)) if child.attrib else None
    for i in range(rng.choice((1, 2, 5, 20, 60))):
        other = copy.deepcopy(child)
        if name is not None:
            other.set(name, rng.choice((str(i), str(-i), f"{0.01 * i}", _value(rng, child, name))))
        parent.append(other)


def _move(rng: random.Random, root: ET.Element, pairs: Sequence[tuple[ET.Element, ET.Element]]) -> None:
    """An element under another parent."""
    _, child = rng.choice(pairs)
    other, _ = rng.choice(pairs)
    if other not in child.iter():
        other.append(copy.deepcopy(child))


def _shape(rng: random.Random, root: ET.Element, pairs: Sequence[tuple[ET.Element, ET.Element]]) -> None:
    found = root.findall("road/planView/geometry")
    if found:
        rng.choice(found)[:] = [ET.fromstring(rng.choice(SHAPES))]


def _link(rng: random.Random, root: ET.Element, pairs: Sequence[tuple[ET.Element, ET.Element]]) -> None:
    """Lanes linked at random."""
    lanes = root.findall("road/lanes/laneSection/*/lane")
    for _ in range(rng.choice((1, 4, 16)) if lanes else 0):
        lane = rng.choice(lanes)
        link = lane.find("link")
        link = ET.SubElement(lane, "link") if link is None else link
        tag = rng.choice(("predecessor", "successor"))
        ET.SubElement(link, tag, id=rng.choice(("-1", "1", "-2", "2", "0")))


KINDS = (_set, _set, _set, _set, _set_all, _drop, _forget, _repeat, _repeat, _move, _shape, _link)


def mutated(text: str, seed: int) -> str:
    """A map with one to six kinds of damage; every tenth is damaged as text, too."""
    rng = random.Random(seed)
    root = ET.fromstring(text)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        pairs = [(parent, child) for parent in root.iter() for child in parent]
        if pairs:
            rng.choice(KINDS)(rng, root, pairs)
    result = ET.tostring(root, encoding="unicode")
    if seed % 10 == 9:
        at = rng.randrange(len(result))
        result = rng.choice((result[:at], result[:at] + rng.choice('<>"&\x00 9') + result[at + 1 :]))
    return result
