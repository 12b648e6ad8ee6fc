"""Transcription: from a recording to what was said, by connectionist temporal classification (CTC)."""
