"""PPO of Stable-Baselines3, 2,000 steps on the lane task, with every warning an error.

    python tests/outside/check_sb3.py     # in an environment of requirements-sb3.txt

Run by hand: `README.md` beside this file tells the outcome.
"""

import warnings

with warnings.catch_warnings():  # what packages warn of while they are imported is theirs
    warnings.simplefilter("ignore")
    from stable_baselines3 import PPO
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.vec_env import VecMonitor

from drive.camera import Camera
from drive.interchange.sb3 import make_sb3_env


def main() -> None:
    """Learn 2,000 steps, then drive four roads."""
    warnings.simplefilter("error")
    options = {"traffic": "none", "camera": Camera(width_px=96, height_px=48)}
    env = VecMonitor(make_sb3_env(4, **options))
    env.seed(1)
    model = PPO("MultiInputPolicy", env, n_steps=125, batch_size=100, n_epochs=2, seed=1, device="cpu")
    model.learn(2000)
    assert model.num_timesteps == 2000 and model.ep_info_buffer
    rewards, lengths = evaluate_policy(model, env, n_eval_episodes=4, return_episode_rewards=True)
    env.close()
    print(f"PPO learned {model.num_timesteps} steps without a warning; then drove {lengths} steps: {rewards}")


if __name__ == "__main__":
    main()
