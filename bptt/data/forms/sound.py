"""Sounds: a file, class folders of files, and lists of files with their labels."""

from __future__ import annotations

from bptt.data.audio.sound import MEDIA
from bptt.data.forms.form import InputForms
from bptt.data.forms.media_forms import media_forms

FORMS = InputForms(MEDIA.kind, media_forms(MEDIA))
