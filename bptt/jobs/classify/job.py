"""Classification as a job: how it begins, answers, is evaluated and looked into."""

from __future__ import annotations

from bptt.deferred import deferred
from bptt.jobs.classify.options import OPTIONS
from bptt.jobs.job import Job

JOB = Job(
    options=OPTIONS,
    begin=deferred("bptt.jobs.classify.beginning", "begin"),
    configuration=deferred("bptt.jobs.classify.trained", "read_configuration"),
    load=deferred("bptt.jobs.classify.trained", "load_classifier"),
    evaluate=deferred("bptt.jobs.classify.reporting", "evaluate"),
    expose=deferred("bptt.jobs.classify.exposure", "expose_stretch"),
    ask=deferred("bptt.jobs.classify.answering", "ClassifierAsking"),
    fold=deferred("bptt.jobs.classify.beginning", "fold"),
    criterion=lambda trained: trained.config.head.criterion,
    hub_task={
        "text": "text-classification",
        "sound": "audio-classification",
        "clips": "video-classification",
        "table": "tabular-classification",
    },
)
