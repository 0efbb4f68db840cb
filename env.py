"""The lane environment for LeRobot: `lerobot.envs.make_env("OWNER/REPOSITORY", trust_remote_code=True)`.

LeRobot looks for this file at the root of a repository. See `tests/outside/README.md`.
"""

from drive.interchange.lerobot import make_env

__all__ = ["make_env"]
