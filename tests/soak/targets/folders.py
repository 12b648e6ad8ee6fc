"""Folders: classes as folders or as files, and ESPnet's n-best lists; files damaged, missing, misplaced."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

from bptt.data.readers.detect import detect
from bptt.data.readers.forms import read_examples
from bptt.data.readers.grid import Columns
from bptt.data.readers.nbest import read_nbest
from bptt.errors import InputError
from soak.damage import damage
from soak.target import Target
from soak.targets.readers import check_sound, read_or_refuse

Tree = Mapping[str, bytes]

CLASS_FOLDERS = {"pos/1.txt": b"good\n", "pos/2.txt": "很好\n".encode(), "neg/1.txt": b"dull\n"}
CLASS_FILES = {"Irish.txt": b"Adam\nAherne\n", "Czech.txt": b"Abl\n", "README": b"names\n"}
ESPNET = {
    **{"1best_recog/text": b"u1 the cat\nu2 a dog\n", "1best_recog/score": b"u1 tensor(-7.1)\nu2 -3\n"},
    **{"2best_recog/text": b"u1 a cat\n", "2best_recog/score": b"u1 -8\n"},
}


def damaged_tree(valid: Tree) -> Callable[[Random], Tree]:
    """A maker of folders of which one or two files are damaged, missing or somewhere else."""

    def make(random: Random) -> Tree:
        tree = dict(valid)
        for name in random.sample(sorted(tree), random.choice((1, 1, 2))):
            chance = random.random()
            if chance < 0.7:
                tree[name] = damage(tree[name], random)
            elif chance < 0.8:
                del tree[name]
            else:
                tree[random.choice(("stray", ".hidden", "pos/deep/er", "a b/ü", "7best_recog/text"))] = (
                    tree.pop(name)
                )
        return tree

    return make


def write_tree(tree: Tree, folder: Path) -> Path:
    """The files below a fresh folder."""
    root = folder / "tree"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    for name, data in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def meets_folder(form: str) -> Callable[[Tree, Path], None]:
    """Read a folder as the form, and as what it is detected to be."""

    def meet(tree: Tree, folder: Path) -> None:
        root = write_tree(tree, folder)
        try:
            found = detect(root, Columns())
        except InputError:
            pass
        else:
            read_or_refuse(root, found.form)
        check_sound(read_examples(root, form, Columns()))

    return meet


TARGETS = (
    Target("class-folders", damaged_tree(CLASS_FOLDERS), meets_folder("class-folders"), cost=2),
    Target("class-files", damaged_tree(CLASS_FILES), meets_folder("class-files"), cost=2),
    Target("espnet", damaged_tree(ESPNET), lambda tree, folder: read_nbest(write_tree(tree, folder)), cost=2),
)
