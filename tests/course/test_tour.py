"""The tour, as a newcomer sees it: a picture, a PASS and a named FAIL, and a network that reads digits."""

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def toured(tmp_path_factory):
    """One tour for all tests: (the directory it ran in, the finished process)."""
    directory = tmp_path_factory.mktemp("tour")
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-m", "nanograd", "tour"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=directory, env=environment, check=False)
    return directory, done


def test_it_ends_well_and_quietly(toured):
    _, done = toured
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "\033" not in done.stdout
    assert "Traceback" not in done.stdout


def test_the_network_reads_97_of_100_digits(toured):
    *_, last, following = toured[1].stdout.splitlines()
    found = re.fullmatch(r"test accuracy: (\d+\.\d) % in \d+\.\d s", last)
    assert found, last
    assert float(found[1]) >= 97.0
    assert "nanograd start" in following


def test_every_epoch_is_reported(toured):
    epochs = re.findall(r"epoch +(\d+) of (\d+) +loss (\d+\.\d+) +validation accuracy (\d+\.\d) %", toured[1].stdout)
    assert [int(number) for number, *_ in epochs] == list(range(1, int(epochs[0][1]) + 1))
    losses = [float(loss) for _, _, loss, _ in epochs]
    assert losses[-1] < 0.2 * losses[0]
    assert float(epochs[-1][3]) > 94


def test_one_exercise_passes_and_one_fails_by_name(toured):
    out = toured[1].stdout
    assert re.search(r"PASS +00\.mean_squared_error +1/1", out)
    assert re.search(r"FAIL +00\.mean_squared_error +0/1", out)
    assert "likely    you added the squares up" in out


def test_the_picture_is_a_document_of_its_own(toured):
    directory, done = toured
    path = Path(re.search(r"the picture: (.*)", done.stdout)[1])
    assert path == directory.resolve() / "nanograd-tour.svg"
    root = ET.fromstring(path.read_text(encoding="utf-8"))
    assert root.tag.endswith("svg")
    assert "[w]" in done.stdout
    assert "w.grad = tensor([1., 2.])" in done.stdout
    assert [each.name for each in directory.iterdir()] == ["nanograd-tour.svg"]


def test_a_directory_that_cannot_be_written_gets_no_picture(monkeypatch, tmp_path):
    import nanograd
    from nanograd.course import tour
    from nanograd.drawing import Drawing

    monkeypatch.chdir(tmp_path)
    save = Drawing.save

    def refused(self, path):
        if Path(path).resolve().parent == tmp_path:
            raise PermissionError(13, "Permission denied", str(path))
        return save(self, path)

    monkeypatch.setattr(Drawing, "save", refused)
    x = nanograd.tensor(1.0, requires_grad=True)
    path = tour.save_picture(nanograd.draw(x * x))
    assert path.is_file()
    assert path.parent != tmp_path
    assert list(tmp_path.iterdir()) == []


def test_what_comes_out_otherwise_is_no_success(monkeypatch, capsys, tmp_path):
    """If a mistake were graded as right, the tour would not hide it."""
    from nanograd.course import tour

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tour, "in_place", lambda lesson, mistake: lesson.source)
    assert tour.show_grading() is False
    monkeypatch.setattr(tour, "show_grading", lambda: False)
    monkeypatch.setattr(tour, "train", lambda: 0.98)
    assert tour.tour() == 7
    assert "test accuracy: 98.0 %" in capsys.readouterr().out
