"""Small OpenDRIVE texts for tests."""

from functools import cache
from pathlib import Path

from drive.sim.maps.opendrive import read_opendrive
from drive.sim.maps.road_map import Lane, RoadMap

LINE_100 = '<geometry s="0" x="0" y="0" hdg="0" length="100"><line/></geometry>'
MARK = '<roadMark sOffset="0" type="{}" color="white" width="0.12"/>'


def lane(lane_id: int, inner: str = "", width: str = "3.5", kind: str = "driving", link: str = "") -> str:
    """A lane of constant width; `inner` holds further elements, `link` the inside of its link."""
    body = f'<width sOffset="0" a="{width}" b="0" c="0" d="0"/>' if width else ""
    return f'<lane id="{lane_id}" type="{kind}" level="false"><link>{link}</link>{body}{inner}</lane>'


def section(left: str = "", right: str = "", s: float = 0.0, center: str = "") -> str:
    center = f'<center><lane id="0" type="none" level="false">{center}</lane></center>'
    left = f"<left>{left}</left>" if left else ""
    right = f"<right>{right}</right>" if right else ""
    return f'<laneSection s="{s}">{left}{center}{right}</laneSection>'


def road(
    plan: str = LINE_100,
    sections: str = "",
    *,
    name: str = "1",
    length: float = 100.0,
    junction: str = "-1",
    link: str = "",
    before_lanes: str = "",
    lane_offset: str = "",
    after_lanes: str = "",
    rule: str = "",
    kind: str = '<type s="0" type="town"><speed max="50" unit="km/h"/></type>',
) -> str:
    sections = sections or section(lane(1), lane(-1))
    rule = f'rule="{rule}"' if rule else ""
    return (
        f'<road name="" length="{length}" id="{name}" junction="{junction}" {rule}><link>{link}</link>{kind}'
        f"<planView>{plan}</planView>{before_lanes}<lanes>{lane_offset}{sections}</lanes>{after_lanes}</road>"
    )


def document(*parts: str, header: str = "") -> str:
    header = f'<header revMajor="1" revMinor="6" {header}/>'
    return f'<?xml version="1.0"?><OpenDRIVE>{header}{"".join(parts)}</OpenDRIVE>'


def read(folder: Path, *parts: str, header: str = "") -> RoadMap:
    """Write a document and read it back."""
    path = folder / "map.xodr"
    path.write_text(document(*parts, header=header))
    return read_opendrive(path)


@cache
def read_cached(path: Path) -> RoadMap:
    """Read a map once for all tests."""
    return read_opendrive(path)


def find(road_map: RoadMap, lane_id: int, road_id: str = "1", at: int = 0) -> Lane:
    """The lane of that id."""
    (found,) = [x for x in road_map.lanes if (x.road_id, x.section, x.lane_id) == (road_id, at, lane_id)]
    return found
