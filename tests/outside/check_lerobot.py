"""LeRobot's own reader, trainer and evaluation on a dataset of ours and on our environment.

    python tests/outside/check_lerobot.py DATASET     # in an environment of requirements-lerobot.txt

Run by hand: `README.md` beside this file tells the outcome.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # before LeRobot is imported: nothing is fetched

REVISION = "0" * 40
TRAINER = """
--dataset.repo_id=local/drive --dataset.eval_split=0 --job_name=drive --wandb.enable=false --steps=50
--batch_size=4 --num_workers=0 --save_freq=50 --log_freq=10 --policy.type=act --policy.device=cpu
--policy.push_to_hub=false --policy.chunk_size=5 --policy.n_action_steps=1 --policy.dim_model=32
--policy.n_heads=2 --policy.dim_feedforward=64 --policy.n_encoder_layers=1 --policy.n_vae_encoder_layers=1
--policy.pretrained_backbone_weights=null
""".split()


def train(dataset: Path, out: Path) -> Path:
    """A tiny ACT policy after 50 steps, which must know one camera and one action."""
    from lerobot.configs import FeatureType, PreTrainedConfig
    from lerobot.policies.act.configuration_act import ACTConfig

    command = [
        Path(sys.executable).with_name("lerobot-train"),
        f"--dataset.root={dataset}",
        f"--output_dir={out}",
    ]
    subprocess.run([*command, *TRAINER], check=True)
    trained = out / "checkpoints/last/pretrained_model"
    config = PreTrainedConfig.from_pretrained(trained)
    assert isinstance(config, ACTConfig)
    cameras = [name for name, one in config.input_features.items() if one.type is FeatureType.VISUAL]
    assert cameras == ["observation.images.front"], cameras
    assert {name: one.shape for name, one in config.output_features.items()} == {"action": (2,)}
    print("trained; inputs", list(config.input_features), "outputs", list(config.output_features))
    return trained


def made_by_lerobot(cache: Path):
    """What LeRobot's `make_env` makes of `env.py`, found where a download would have put it."""
    from lerobot.envs import make_env

    repository = cache / "models--drive--lane"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs/main").write_text(REVISION)
    snapshot = repository / "snapshots" / REVISION
    snapshot.mkdir(parents=True)
    (snapshot / "env.py").write_bytes((Path(__file__).parents[2] / "env.py").read_bytes())
    suites = make_env("drive/lane", n_envs=2, hub_cache_dir=str(cache), trust_remote_code=True)
    return suites["drive"][0]


def drive(trained: Path, env) -> None:
    """The policy's drives, by LeRobot's own evaluation."""
    from lerobot.configs import PreTrainedConfig
    from lerobot.policies.act.modeling_act import ACTPolicy
    from lerobot.policies.factory import make_pre_post_processors
    from lerobot.processor import PolicyProcessorPipeline
    from lerobot.scripts.lerobot_eval import rollout

    policy = ACTPolicy.from_pretrained(trained, config=PreTrainedConfig.from_pretrained(trained)).eval()
    before, after = make_pre_post_processors(policy.config, pretrained_path=str(trained))
    nothing = PolicyProcessorPipeline(steps=[])
    driven = rollout(env, policy, nothing, nothing, before, after, seeds=[1, 2])
    steps, reward = driven["action"].shape[1], driven["reward"].sum(dim=1).tolist()
    assert steps > 10 and driven["action"].shape[2] == 2
    success = driven["success"].any(dim=1).tolist()
    print(f"drove 2 roads, at most {steps} steps; rewards {reward}, success {success}")


def main() -> None:
    """Train on the dataset, then drive what was trained."""
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    dataset = Path(sys.argv[1])
    read = LeRobotDataset("local/drive", root=dataset)
    print(f"read {len(read)} frames of {read.num_episodes} episodes; cameras {read.meta.camera_keys}")
    with tempfile.TemporaryDirectory() as folder:
        trained = train(dataset, Path(folder) / "run")
        env = made_by_lerobot(Path(folder) / "hub")
        try:
            drive(trained, env)
        finally:
            env.close()


if __name__ == "__main__":
    main()
