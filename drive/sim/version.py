"""The version of what is simulated.

Raised whenever pictures or states of the same scenario and actions change on purpose:

4: - In low sun the haze on the ground is no brighter than the sky: red went over 255 there with the sensor's
     noise and began at 0 again, as cyan specks below the horizon. Other pictures are as before.
3: - In junctions of maps the speed law slows for paths that bend quickly, and where no line is painted.
   - On maps no traffic drives, and nothing stands, where it would be in the way of the ego's path.
   - Of maps' paint nothing is drawn where the driving lanes of another road cover it.
   - Generated roads are as before.
2: - The ground is drawn without libm: patches, cracks and dry grass lie elsewhere; lanes, paint, labels,
     depth and states are as before.
   - Scenarios on one map whose ground has another seed (variants of a drive) get that ground.
   - `command` in the observation is that of the route, from 30 m before a junction until it is crossed, where
     it was 0 everywhere.
   - The noise that `drive record` adds to the steering is drawn without libm: recordings of the same seeds
     differ from earlier ones.
"""

SIMULATOR_VERSION = 4
