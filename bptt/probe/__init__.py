"""Looking into a model: nothing in it is changed."""

from bptt.probe.gradients import GradientByLag as GradientByLag
from bptt.probe.gradients import LagCurve as LagCurve
from bptt.probe.gradients import gradient_by_lag as gradient_by_lag
