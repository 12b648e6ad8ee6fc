"""Sounds: a file, class folders of files, and lists of files with their labels."""

from __future__ import annotations

from bptt.data.audio.sound import ENDINGS, Sound
from bptt.data.forms.form import InputForms
from bptt.data.forms.media_forms import media_forms
from bptt.data.media import Media

MEDIA = Media("sound", ENDINGS, Sound)

FORMS = InputForms(MEDIA.kind, media_forms(MEDIA))
