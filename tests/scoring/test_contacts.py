"""Contacts: what is one event, which side of the car it is, and whose fault."""

import numpy as np
import pytest

from drive.scoring.contacts import contacts
from tests.scoring.episodes import at, episode


def hit(steps: dict[int, int], n: int = 80, **changes: object) -> list:
    contact = {"contact_x": 3.6, "contact_y": 0.0, "other_speed": 5.0, "closing_speed": 4.0} | changes
    return contacts(episode(n, collision_actor=at(n, steps, -1), **contact))


def test_one_contact_is_one_event_however_long_it_lasts() -> None:
    found = hit(dict.fromkeys(range(10, 30), 7))
    assert [(event.step, event.last_step, event.actor) for event in found] == [(10, 29, 7)]


def test_touching_again_within_a_second_is_the_same_event() -> None:
    assert len(hit({10: 7, 30: 7})) == 1  # 1.00 s apart
    assert len(hit({10: 7, 31: 7})) == 2  # 1.05 s apart


def test_two_parties_are_two_events_by_time() -> None:
    found = hit({10: 7, 11: 2, 12: 7})
    assert [(event.step, event.actor) for event in found] == [(10, 7), (11, 2)]


@pytest.mark.parametrize(
    ("where", "face"),
    [((3.6, 0.5), "front"), ((-0.8, 0.0), "rear"), ((1.0, 0.8), "side"), ((1.0, -0.8), "side")],
)
def test_the_nearest_face_is_hit(where: tuple[float, float], face: str) -> None:
    assert hit({10: 0}, contact_x=where[0], contact_y=where[1])[0].face == face


@pytest.mark.parametrize(
    ("what", "changes", "at_fault"),
    [
        ("into a moving car ahead", {}, True),
        ("hit from behind", {"contact_x": -0.8}, False),
        ("backs into a standing car", {"contact_x": -0.8, "other_speed": 0.04}, True),
        ("scraped while inside its lane", {"contact_x": 1.0, "contact_y": 0.8}, False),
        ("scraped while straddling", {"contact_x": 1.0, "contact_y": 0.8, "lateral_offset": 1.0}, True),
        ("scraped, straddles by its angle", {"contact_x": 1.0, "contact_y": 0.8, "heading_error": 0.6}, True),
        ("stood when it was hit", {"speed": 0.0}, False),
    ],
)
def test_fault(what: str, changes: dict, at_fault: bool) -> None:
    assert hit({10: 0}, **changes)[0].at_fault is at_fault, what


def test_an_event_tells_where_and_how_hard() -> None:
    event = hit({10: 0}, y=2.0, closing_speed=np.linspace(0.0, 8.0, 81))[0]
    assert (event.x, event.y, event.closing_speed) == pytest.approx((5.0 - 1.422, 2.0, 1.0))
