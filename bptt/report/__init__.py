"""Pictures and summary lines, made from a run folder alone."""

from bptt.report.figures import draw_gradient as draw_gradient
from bptt.report.figures import draw_training as draw_training
from bptt.report.inspection_figures import draw_all as draw_all
from bptt.report.inspection_page import write_page as write_page
from bptt.report.records import GRADIENT as GRADIENT
from bptt.report.records import read_gradient as read_gradient
from bptt.report.records import read_training as read_training
from bptt.report.speedups import Speedups as Speedups
from bptt.report.speedups import draw_speedups as draw_speedups
