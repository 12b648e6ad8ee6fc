"""Looking into a model: nothing in it is changed."""

from bptt.probe.attribution import IntegratedGradients as IntegratedGradients
from bptt.probe.attribution import gradient_x_input as gradient_x_input
from bptt.probe.attribution import integrated_gradients as integrated_gradients
from bptt.probe.contexts import Context as Context
from bptt.probe.contexts import Extremes as Extremes
from bptt.probe.contexts import extremes as extremes
from bptt.probe.contexts import nearest_states as nearest_states
from bptt.probe.gradients import GradientByLag as GradientByLag
from bptt.probe.gradients import LagCurve as LagCurve
from bptt.probe.gradients import gradient_by_lag as gradient_by_lag
from bptt.probe.properties import PROPERTIES as PROPERTIES
from bptt.probe.properties import Property as Property
from bptt.probe.properties import find_property as find_property
from bptt.probe.saturation import Activity as Activity
from bptt.probe.saturation import Saturation as Saturation
from bptt.probe.saturation import Saturations as Saturations
from bptt.probe.saturation import saturation as saturation
from bptt.probe.units import Ranking as Ranking
from bptt.probe.units import UnitScore as UnitScore
from bptt.probe.units import rank_units as rank_units
from bptt.probe.units import varies as varies
from bptt.probe.values import LayerValues as LayerValues
from bptt.probe.values import Value as Value
from bptt.probe.values import values as values
