"""Looking into a model: nothing in it is changed."""

from bptt.probe.gradients import GradientByLag as GradientByLag
from bptt.probe.gradients import LagCurve as LagCurve
from bptt.probe.gradients import gradient_by_lag as gradient_by_lag
from bptt.probe.saturation import Activity as Activity
from bptt.probe.saturation import Saturation as Saturation
from bptt.probe.saturation import Saturations as Saturations
from bptt.probe.saturation import saturation as saturation
from bptt.probe.values import LayerValues as LayerValues
from bptt.probe.values import Value as Value
from bptt.probe.values import values as values
