"""Pictures and summary lines, made from a run folder alone."""

from bptt.report.figures import draw_training as draw_training
from bptt.report.inspection import Attribution as Attribution
from bptt.report.inspection import Dead as Dead
from bptt.report.inspection import Finding as Finding
from bptt.report.inspection import Flow as Flow
from bptt.report.inspection import Hit as Hit
from bptt.report.inspection import Inspection as Inspection
from bptt.report.inspection import Layer as Layer
from bptt.report.inspection import Map as Map
from bptt.report.inspection import Property as Property
from bptt.report.inspection import Saturation as Saturation
from bptt.report.inspection import Sequence as Sequence
from bptt.report.inspection import Spectrum as Spectrum
from bptt.report.inspection import Value as Value
from bptt.report.inspection_figures import draw_all as draw_all
from bptt.report.inspection_page import write_page as write_page
from bptt.report.records import read_title as read_title
from bptt.report.records import read_training as read_training
from bptt.report.speedups import Speedups as Speedups
from bptt.report.speedups import draw_speedups as draw_speedups
