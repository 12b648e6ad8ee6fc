"""Clips: pictures one after the other, read from video files, GIF, folders of pictures and arrays."""
