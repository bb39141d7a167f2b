"""Putting a folder that arrived beside what is there already: each file by one rename, and nothing lost on the way."""

from __future__ import annotations

import os
import stat

from potions.errors import PotionsError, StoredChanged, StoredForbidden, StoredKindRefused
from potions.host.descriptors import directory, is_not_directory, look
from potions.host.files import rename_new
from potions.host.stored import changed
from potions.host.usage import Census
from potions.host.walk import some
from potions.model.stored import Existing, FolderPut
from potions.names import StoredPath, shown_name

#: How many of the paths that were skipped are told.
_TOLD = 20


class Merge:
    """One folder that arrived, on its way to a folder that is there."""

    def __init__(self, path: StoredPath, existing: Existing) -> None:
        self._path = path
        self._replaces = existing is Existing.REPLACE
        self._clashes: list[StoredPath] = []
        self._skipped_paths: list[str] = []
        self._skipped = 0
        self._skipped_bytes = 0
        self._replaced = 0

    def put(self, staged: int, target: int, files: int, size: int) -> FolderPut:
        """Rename everything that is in ``staged`` into ``target``; what is skipped stays where it is.

        Raises StoredKindRefused, before anything is renamed, where a file would have to replace something that is no
        file, or a folder; StoredChanged where the app gets in the way, and OSError.
        """
        try:
            if self._replaces:
                self._find_clashes(self._path, staged, target)
                self._refuse_clashes()
            self._move(self._path, staged, target)
        except OSError as error:
            raise _stopped(self._path, error) from error
        return FolderPut(
            path=self._path.encoded,
            files=files - self._skipped,
            bytes=size - self._skipped_bytes,
            replaced=self._replaced,
            skipped=self._skipped,
            skipped_paths=self._skipped_paths,
        )

    def _find_clashes(self, path: StoredPath, staged: int, target: int) -> None:
        for name in os.listdir(staged):
            new, there = look(name, within=staged), look(name, within=target)
            if new is None or there is None:
                continue
            if stat.S_ISDIR(new.st_mode) and stat.S_ISDIR(there.st_mode):
                with directory(name, within=staged) as inside, directory(name, within=target) as below:
                    self._find_clashes(path.inside(name), inside, below)
            elif not (stat.S_ISREG(new.st_mode) and stat.S_ISREG(there.st_mode)):
                self._clashes.append(path.inside(name))

    def _refuse_clashes(self) -> None:
        if self._clashes:
            raise StoredKindRefused(
                "Only a file is ever replaced, and only by a file.",
                why=f"Something else is there, or would be put there: {some(map(str, self._clashes))}",
                do="Nothing was changed. Move these away, or leave them out.",
            )

    def _move(self, path: StoredPath, staged: int, target: int) -> None:
        for name in sorted(os.listdir(staged), key=os.fsencode):
            new, there = look(name, within=staged), look(name, within=target)
            if new is None:
                raise changed(path.inside(name))
            if there is None:
                self._move_new(path.inside(name), staged, target)
            elif stat.S_ISDIR(new.st_mode) and stat.S_ISDIR(there.st_mode):
                with directory(name, within=staged) as inside, directory(name, within=target) as below:
                    self._move(path.inside(name), inside, below)
            elif self._replaces:
                self._replace(path.inside(name), staged, target, there)
            else:
                self._skip(path.inside(name), staged, new)
        os.fsync(target)

    def _move_new(self, path: StoredPath, staged: int, target: int) -> None:
        try:
            rename_new(path.name, staged, path.name, target)
        except FileExistsError:
            raise changed(path) from None

    def _replace(self, path: StoredPath, staged: int, target: int, there: os.stat_result) -> None:
        if not stat.S_ISREG(there.st_mode):
            raise changed(path)
        os.rename(path.name, path.name, src_dir_fd=staged, dst_dir_fd=target)
        self._replaced += 1

    def _skip(self, path: StoredPath, staged: int, new: os.stat_result) -> None:
        if stat.S_ISDIR(new.st_mode):
            with directory(path.name, within=staged) as inside:
                below = Census().count(inside).total
            self._skipped, self._skipped_bytes = self._skipped + below.files, self._skipped_bytes + below.bytes
        elif stat.S_ISREG(new.st_mode):
            self._skipped, self._skipped_bytes = self._skipped + 1, self._skipped_bytes + new.st_size
        if len(self._skipped_paths) < _TOLD:
            self._skipped_paths.append(path.encoded)


def _stopped(path: StoredPath, error: OSError) -> PotionsError | OSError:
    kind: type[PotionsError] = StoredForbidden if isinstance(error, PermissionError) else StoredChanged
    if kind is StoredChanged and not isinstance(error, FileNotFoundError) and not is_not_directory(error):
        return error
    return kind(
        f"The app got in the way while its folder {path} was filled.",
        why=f"{shown_name(os.fsdecode(error.filename or ''))}: {error.strerror}. What is there already is whole.",
        do="Put the folder again, with --replace or --skip.",
    )
