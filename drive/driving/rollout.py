"""One agent, one scenario, one episode."""

import traceback
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker
from numpy.typing import NDArray

from drive.agent import Agent, AgentFailure, Context, Control, Observation
from drive.core.errors import UserError, described
from drive.driving.disturbances import DisturbedEnv
from drive.driving.drive import Observer, Seat
from drive.driving.episode_log import EpisodeLog
from drive.driving.foreign import ForeignTask
from drive.driving.parts import Disturbance, Gate, Heartbeat, Task
from drive.driving.session import Session
from drive.episode import Episode


class ReplayAgent:
    """Drives stored actions again.

    Args:
        steering: (T,) in [-1, 1].
        acceleration: (T,) likewise, NaN where the car kept its speed by itself; None: everywhere.
    """

    looks = False

    def __init__(
        self, steering: NDArray[np.floating], acceleration: NDArray[np.floating] | None = None
    ) -> None:
        self._steering, self._acceleration = steering, acceleration
        self._step = 0

    def reset(self, context: Context) -> None:
        """Start again at the first action."""
        self._step = 0

    def act(self, observation: Observation) -> Control:
        """The stored action of this step."""
        if self._step >= len(self._steering):
            raise AgentFailure("the stored actions ended before the drive did")
        i = self._step
        self._step += 1
        given = None if self._acceleration is None else float(self._acceleration[i])
        return Control(float(self._steering[i]), None if given is None or np.isnan(given) else given)

    def snapshot(self) -> int:
        """How far it is."""
        return self._step

    def restore(self, state: int) -> None:
        """Go on from there."""
        self._step = state


def task_of(env: Any) -> tuple[Task, list[Disturbance]]:
    """The task behind an environment, and the disturbances before it.

    Raises:
        UserError: a wrapper stands before a lane environment that a session would pass by.
    """
    task: Task | None = getattr(env.unwrapped, "task", None)
    if task is None:
        return ForeignTask(env), []
    disturbances: list[Disturbance] = []
    while isinstance(env, gymnasium.Wrapper):
        if isinstance(env, DisturbedEnv):
            disturbances += env.disturbances
        elif not isinstance(env, OrderEnforcing | PassiveEnvChecker):
            raise UserError(
                f"{type(env).__name__} before the environment would be passed by: give its work to a Seat as "
                "a disturbance or a gate."
            )
        env = env.env
    return task, disturbances


def rollout(
    env: Any,
    agent: Agent,
    scenario: Any,
    *,
    name: str = "agent",
    shadows: Mapping[str, Agent] | None = None,
    gates: Sequence[Gate] = (),
    disturbances: Sequence[Disturbance] = (),
    observers: Sequence[Observer] = (),
    heartbeat: Heartbeat | None = None,
    frames: bool = True,
) -> Episode:
    """Let an agent drive one scenario from its start to its end.

    The agent's own failure (an exception, a control that is not a number in [-1, 1]) ends the drive and
    stands in `Episode.failure`; an exception of the environment stands in `Episode.error`. Nothing here
    limits the time: whoever runs agents that may hang does so in a process of a `WorkerPool`.

    Args:
        env: a lane environment, whose `longitudinal` says whether the agent has the pedals.
        agent: who drives.
        scenario: what is driven.
        name: the agent's name in results.
        shadows: agents that see every frame and are not heard; their steering is kept, NaN once one failed
            (as the driver can fail; it stands in `Episode.extra["shadow_failures"]`).
        gates: between what the agent wants and what is driven.
        disturbances: between what is observed and what the agent sees.
        observers: who else keeps or shows something of the drive.
        heartbeat: told what is about to happen, such as "act of net at step 12", before every reset and act
            of the agent and of each shadow.
        frames: draw and hash every frame; otherwise only in a drive where anybody looks, and
            `Episode.sha256_frames` is None in others: agents say `looks = False`.

    Returns:
        The episode, whatever happened.

    Raises:
        UserError: an agent cannot drive here at all.
    """
    task, standing = task_of(env)
    if not hasattr(task.world, "egos"):
        raise UserError(
            f"{type(env.unwrapped).__name__} does not say where its car is, so that a drive makes no "
            "Episode: use a Session with observers of your own."
        )
    log = EpisodeLog(frames=frames)
    seat = Seat(agent, name, shadows or {}, gates, [*standing, *disturbances], [log, *observers])
    session = Session(task, seat, heartbeat=heartbeat)
    try:
        session.reset(scenario)
        session.run()
    except UserError:
        raise
    except Exception as problem:
        error = f"{described(problem)} at step {session.drive.step}"
        return log.episode(error, traceback=traceback.format_exc())
    return log.episode()
