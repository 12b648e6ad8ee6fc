"""Pictures and summary lines, made from a run folder alone."""

from bptt.report.inspection_figures import draw_all as draw_all
from bptt.report.inspection_page import write_page as write_page
from bptt.report.inspection_views import AttributionView as AttributionView
from bptt.report.inspection_views import CurveView as CurveView
from bptt.report.inspection_views import DeadUnitsView as DeadUnitsView
from bptt.report.inspection_views import ExpectedView as ExpectedView
from bptt.report.inspection_views import FindingView as FindingView
from bptt.report.inspection_views import Inspection as Inspection
from bptt.report.inspection_views import LayerView as LayerView
from bptt.report.inspection_views import MapView as MapView
from bptt.report.inspection_views import PicturesView as PicturesView
from bptt.report.inspection_views import PropertyView as PropertyView
from bptt.report.inspection_views import SaturationView as SaturationView
from bptt.report.inspection_views import SequenceView as SequenceView
from bptt.report.inspection_views import SpectrumView as SpectrumView
from bptt.report.inspection_views import UnitView as UnitView
from bptt.report.inspection_views import ValueView as ValueView
from bptt.report.run_records import read_title as read_title
from bptt.report.run_records import read_training as read_training
from bptt.report.speedups import Speedups as Speedups
from bptt.report.speedups import draw_speedups as draw_speedups
from bptt.report.training_figure import draw_training as draw_training
