"""Tables of sounds and texts: TSV, CSV, JSON lines and Parquet, by the names of their columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bptt.data.audio.sound import ENDINGS, MEDIA, Sound
from bptt.data.examples import Example
from bptt.data.readers.grid import Columns, Grid
from bptt.data.readers.headers import with_header_of
from bptt.data.readers.listed_files import ListedFiles
from bptt.data.readers.numbers import finite
from bptt.data.readers.sources import Source, document_of, read_grid
from bptt.data.readers.speech.options import SpeechOptions
from bptt.data.readers.speech.utterances import Spoken, one_line, spoken
from bptt.errors import InputError

# In the order of preference; of Hugging Face, Common Voice, DeepSpeech, NeMo, SpeechBrain, WeNet and others.
SOUND_COLUMNS = tuple(
    "path file_name filename file wav_filename audio_filepath audio_path audio_file audio wav wav_path"
    " wav_file filepath file_path sound clip 音频 路径 文件 文件名".split()
)
TEXT_COLUMNS = tuple(
    "text sentence transcript transcription wrd txt words normalized_text label 文本 句子".split()
)
SPEAKER_COLUMNS = tuple("speaker client_id speaker_id spk spk_id spkr speakerid user_id 说话人".split())
NAME_COLUMNS = tuple("id utt_id utt key utterance utterance_id uttid 编号".split())


def read_manifest(source: Source, options: SpeechOptions, labelled: bool) -> Spoken:
    """Read a table with a sound in each row, its text, and perhaps its speaker, name, and place in a file.

    Without a header the sound is the column whose cells have an ending of sounds, and the text the only other
    one. `offset` and `duration`, in seconds, cut a file. Raises InputError with file and line for a file that
    is not there, and if it is not clear which column holds what.
    """
    grid = _grid_of(source, options)
    sound, text, speaker, name = _columns(grid, options, labelled)
    times = _times(grid)
    files = ListedFiles(source, sorted(ENDINGS))
    rows = []
    for cells, place in zip(grid.rows, grid.places, strict=True):
        start, stop = _stretch(cells, times, place)
        path = files.find(cells[sound], place)
        rows.append(
            Example(
                Sound(path, start, stop),
                None if text is None else one_line(cells[text]),
                place,
                path.stem if name is None else cells[name].strip(),
                options.speaker_of(path.stem) if speaker is None else cells[speaker].strip(),
            )
        )
    return spoken(grid.name, rows, (), labelled)


def holds_manifest(grid: Grid) -> bool:
    """Return whether the columns of a file are those of a manifest."""
    return grid.find(None, SOUND_COLUMNS) is not None


def _grid_of(source: Source, options: SpeechOptions) -> Grid:
    document = document_of(source) if not _is_parquet(source) else None
    if document is not None and MEDIA.cuts(document.lines):
        cut = [(MEDIA.cut(line), place) for place, line in document.numbered() if line.strip()]
        return Grid(
            document.name, (), tuple(row or ("",) for row, _ in cut), tuple(place for _, place in cut)
        )
    grid = read_grid(source if document is None else document)
    wanted = Columns(options.sound_column, options.text_column)
    grid, _ = with_header_of(grid, wanted, (*SOUND_COLUMNS, *TEXT_COLUMNS, *SPEAKER_COLUMNS))
    if not grid.header and not any(map(MEDIA.owns, grid.rows[0])) and len(grid.rows) > 1:
        # A row without a name of a file, above rows with one each.
        grid = grid.with_header()
    grid.check_widths()
    return grid


def _is_parquet(source: Source) -> bool:
    return isinstance(source, Path) and source.suffix.lower() == ".parquet"


def _columns(
    grid: Grid, options: SpeechOptions, labelled: bool
) -> tuple[int, int | None, int | None, int | None]:
    """Return the columns of the sound, the text, the speaker and the name."""
    shown = ", ".join(grid.header or grid.rows[0])[:120]
    sound = grid.find(options.sound_column, SOUND_COLUMNS)
    sound = MEDIA.column([grid.header or grid.rows[0], *grid.rows]) if sound is None else sound
    if sound is None:
        cure = "Name it: `sound_column`"
        raise InputError(grid.name, "must have a column of sound files", shown, cure)
    text = grid.find(options.text_column, TEXT_COLUMNS)
    others = [i for i in range(len(grid.rows[0])) if i != sound]
    if text is None and not grid.header and len(others) == 1:
        text = others[0]
    if text is None and labelled:
        raise InputError(grid.name, "must have a column of texts", shown, "Name it: `text_column`")
    speaker = grid.find(options.speaker_column, () if options.speaker_pattern else SPEAKER_COLUMNS)
    return sound, text, speaker, grid.find(None, NAME_COLUMNS)


def _times(grid: Grid) -> tuple[int, int] | None:
    """Return the columns of the start of a sound in its file and of its length; None without a start, as the
    length of a whole file is rounded.
    """
    start, length = grid.find(None, ("offset",)), grid.find(None, ("duration",))
    return None if start is None or length is None else (start, length)


def _stretch(cells: Sequence[str], times: tuple[int, int] | None, place: str) -> tuple[float, float | None]:
    if times is None or not cells[times[0]].strip():
        return 0.0, None
    start, length = (finite(cells[i]) for i in times)
    if start is None or length is None:
        came = ", ".join(repr(cells[i]) for i in times)
        raise InputError(place, "offset and duration must be seconds", came)
    if start < 0 or length <= 0:
        raise InputError(place, "offset must be at least 0 and duration above it", f"{start}, {length}")
    return start, start + length
