"""Positions and moves for the tests of chess."""

from __future__ import annotations

import os
import random
import tarfile
from collections.abc import Iterator
from pathlib import Path

import chess
import numpy as np
import pytest
import torch

from deltaloss.puzzles.base import Examples
from deltaloss.puzzles.chess.boards import Packed, pack, unpack
from tests.puzzles.examples import join

SHARED = Path(os.environ.get("SHARED_DIR", Path(__file__).resolve().parents[4] / "shared"))
ORIENTATIONS = ("released", "aligned")


def pack_all(positions) -> Packed:
    """Packed positions [N, 9] of pairs of board and move."""
    return np.array([pack(*position) for position in positions], dtype=np.uint64)


def encode(board: chess.Board, move: str, orientation: str) -> tuple[np.ndarray, np.ndarray]:
    """Planes [12, 8, 8] and squares [8, 8] of one position and a move in UCI notation."""
    (one,) = unpack(pack_all([(board, chess.Move.from_uci(move))]), orientation)
    return one.inputs[0], one.targets[0]


def examples_of(packed: Packed, orientation: str) -> Examples:
    """Examples of packed positions, in one."""
    return join(*unpack(packed, orientation))


def random_positions(count: int, seed: int = 0) -> Iterator[tuple[chess.Board, chess.Move]]:
    """Yield positions and legal moves from random games."""
    chooser = random.Random(seed)
    board = chess.Board()
    for _ in range(count):
        moves = list(board.legal_moves)
        if not moves or board.is_insufficient_material():
            board = chess.Board()
            moves = list(board.legal_moves)
        move = chooser.choice(moves)
        yield board.copy(), move
        board.push(move)


def shared_puzzles() -> Path:
    """A Lichess puzzle file of the shared data; without it the test is skipped."""
    return _shared("lichess_puzzles.csv")


def shared_archive(name: str) -> dict[str, np.ndarray]:
    """Arrays of a chess archive of the shared data, as they are: uint8, ratings apart."""
    with tarfile.open(_shared(f"easy_to_hard/{name}")) as archive:
        arrays = {
            part: torch.load(archive.extractfile(f"chess_data/{part}.pth"), weights_only=True)
            for part in ("data", "targets", "who_moves", "rating")
        }
    return {
        part: array.numpy() if part == "rating" else array.numpy().astype(np.uint8)
        for part, array in arrays.items()
    }


def _shared(name: str) -> Path:
    path = SHARED / "data" / name
    if not path.exists():
        pytest.skip(f"{path} is absent: set SHARED_DIR to the folder of shared data")
    return path
