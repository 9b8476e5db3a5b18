"""Event files: what is written is what was meant, the real TensorBoard reads it, and damage is noticed."""

import contextlib
import io
import struct
import sys

import numpy as np
import pytest

import nanograd as torch
from nanograd.utils.tensorboard import SummaryWriter
from nanograd.utils.tensorboard import records as r


def entries(directory):
    """(step, field, body) of every entry in a folder's files, the first (the version) left out."""
    found = []
    for path in sorted(directory.glob("events.*")):
        with path.open("rb") as file:
            for data in list(r.read_records(file))[1:]:
                parts = {field: value for field, _, value in r.fields(data)}
                assert struct.unpack("<d", parts.pop(1))[0] > 1e9
                step = parts.pop(2, None)
                found += [(step, field, value) for field, value in parts.items()]
    return found


def values(directory):
    """(step, tag, field, value) of the summaries."""
    out = []
    for step, field, body in entries(directory):
        if field != 5:
            continue
        for _, _, value in r.fields(body):
            parts = {f: v for f, _, v in r.fields(value)}
            tag = parts.pop(1).decode()
            out += [(step, tag, f, v) for f, v in parts.items()]
    return out


def test_the_checksum_is_crc32c():
    masked = ((0xE3069283 >> 15 | 0xE3069283 << 17) + 0xA282EAD8) & 0xFFFFFFFF  # of "123456789", RFC 3720's check value
    assert r.record(b"123456789")[-4:] == struct.pack("<I", masked)


def test_scalars(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        assert writer.get_logdir() == str(tmp_path)
        writer.add_scalar("loss", torch.tensor([0.5]), 1)
        writer.add_scalar("loss", 2, 300, walltime=2e9)
        writer.add_scalars("both", {"a": 1.0, "b": np.float64(3.0)}, 7)
        writer.add_scalar("huge", 1e300, -1)
    got = [(step, tag, struct.unpack("<f", v)[0]) for step, tag, field, v in values(tmp_path) if field == 2]
    assert got == [(1, "loss", 0.5), (300, "loss", 2.0), (2**64 - 1, "huge", float("inf"))]
    assert [v[:2] for v in values(tmp_path / "both_a")] == [(7, "both")]
    with pytest.raises(RuntimeError, match=r"expected a single number, got shape \(2,\)"):
        writer.add_scalar("loss", torch.ones(2))
    with pytest.raises(TypeError, match="array of numbers"):
        writer.add_scalar("loss", "high")


@pytest.mark.parametrize("bins", ["tensorflow", "auto", 10])
def test_a_histogram_counts_every_element(tmp_path, bins):
    data = np.random.default_rng(0).standard_normal(1000)
    with SummaryWriter(tmp_path) as writer:
        writer.add_histogram("w", torch.tensor(data), 3, bins=bins)
    ((_, tag, field, body),) = values(tmp_path)
    assert (tag, field) == ("w", 5)
    parts = {f: v for f, _, v in r.fields(body)}
    smallest, largest, count, total, squares = (struct.unpack("<d", parts[i])[0] for i in (1, 2, 3, 4, 5))
    assert (smallest, largest, count) == (data.min(), data.max(), 1000)
    np.testing.assert_allclose([total, squares], [data.sum(), (data**2).sum()])
    limits, counts = np.frombuffer(parts[6]), np.frombuffer(parts[7])
    assert len(limits) == len(counts)
    below = np.searchsorted(np.sort(data), limits)  # how many lie below each limit
    np.testing.assert_array_equal(np.cumsum(counts)[:-1], below[:-1])
    assert counts.sum() == 1000


def test_histograms_that_cannot_be(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        with pytest.raises(RuntimeError, match="no element"):
            writer.add_histogram("w", torch.zeros(0))
        with pytest.raises(RuntimeError, match="2 NaN or infinite"):
            writer.add_histogram("w", torch.tensor([1.0, float("nan"), float("inf")]))


def test_pictures(tmp_path):
    from nanograd.vision import png

    red = torch.zeros(3, 4, 5)
    red[0] = 1.0
    with SummaryWriter(tmp_path) as writer:
        writer.add_image("red", red)
        writer.add_image("gray", np.full((2, 3), 7, np.uint8), dataformats="HW")
        writer.add_images("four", torch.ones(4, 1, 2, 2))
        with pytest.raises(RuntimeError, match="does not fit dataformats='CHW'"):
            writer.add_image("flat", torch.zeros(3, 4))
        with pytest.raises(RuntimeError, match="1, 3 or 4 channels, got 5"):
            writer.add_image("five", torch.zeros(5, 4, 4))
    found = {tag: {f: v for f, _, v in r.fields(body)} for _, tag, _, body in values(tmp_path)}
    assert [found["red"][i] for i in (1, 2, 3)] == [4, 5, 3]
    np.testing.assert_array_equal(png.decode(found["red"][4])[0, 0], [255, 0, 0])
    assert (png.decode(found["gray"][4]) == 7).all()
    assert set(found) == {"red", "gray", "four"}


def test_text_and_settings(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_text("note", "über **alles**", 2)
        writer.add_hparams({"lr": 0.1}, {"accuracy": 0.9}, run_name="first")
        with pytest.raises(AttributeError, match="add_video: nanograd does not write"):
            writer.add_video("v", 1)
    bodies = {(tag, field): body for _, tag, field, body in values(tmp_path)}
    assert "über **alles**".encode() in bodies["note/text_summary", 8]
    assert b"text" in bodies["note/text_summary", 9]
    assert any(tag == "accuracy" for _, tag, *_ in values(tmp_path / "first"))


def test_the_graph_of_a_model_leaves_the_model_as_it_was(tmp_path):
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU())
    with SummaryWriter(tmp_path) as writer:
        writer.add_graph(model, torch.ones(1, 3))
        with pytest.raises(TypeError, match="expected an input"):
            writer.add_graph(model)
    assert model.training
    ((_, field, body),) = entries(tmp_path)
    assert field == 4
    nodes = [{f: v for f, _, v in r.fields(v)} for f, _, v in r.fields(body) if f == 1]
    assert {n[2] for n in nodes} == {b"Parameter", b"AddmmBackward0", b"ReluBackward0"}
    assert b"parameters/0.weight" in {n[1] for n in nodes}


def test_a_closed_writer_goes_on_in_a_new_file(tmp_path):
    writer = SummaryWriter(tmp_path)
    writer.add_scalar("a", 1)
    writer.close()
    writer.close()
    writer.add_scalar("a", 2)
    writer.flush()
    assert len(list(tmp_path.glob("events.*"))) == 2
    writer.close()
    assert len(values(tmp_path)) == 2


def test_where_a_run_goes_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with SummaryWriter(comment="_lr1") as writer:
        assert writer.get_logdir().startswith("runs/")
        assert writer.get_logdir().endswith("_lr1")


def test_the_names_of_tensorboard_logger(tmp_path, monkeypatch):
    from nanograd.utils import tensorboard_logger as logger

    monkeypatch.setattr(logger, "_default", None)
    with pytest.raises(ValueError, match="not configured"):
        logger.log_value("loss", 1.0)
    logger.configure(tmp_path / "run")
    with pytest.raises(ValueError, match="already configured"):
        logger.configure(tmp_path)
    for v in (3.0, 2.0):
        logger.log_value("loss", v)
    logger.log_value("loss", 1.0, 10)
    logger.log_histogram("w", torch.ones(3))
    logger.log_images("pictures", np.zeros((2, 4, 4)))
    assert [step for step, tag, *_ in values(tmp_path / "run") if tag == "loss"] == [0, 1, 10]
    with pytest.raises(TypeError, match="expected a name"):
        logger.log_value(3, 1.0)
    logger._default.writer.close()


def test_the_real_tensorboard_reads_it(tmp_path):
    pytest.importorskip("tensorboard", reason="tensorboard is the oracle here, and it is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with SummaryWriter(tmp_path) as writer:
        for step in range(5):
            writer.add_scalar("loss", 1.0 / (step + 1), step)
        writer.add_histogram("w", torch.arange(100.0), 1)
        writer.add_image("picture", torch.rand(3, 4, 5), 1)
        writer.add_text("note", "hello", 1)
        writer.add_graph(torch.nn.Linear(2, 2), torch.ones(1, 2))
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert [(s.step, s.value) for s in events.Scalars("loss")][4] == (4, pytest.approx(0.2))
    assert events.Histograms("w")[0].histogram_value.num == 100
    assert events.Images("picture")[0].width == 5
    assert "note/text_summary" in events.Tags()["tensors"]
    assert len(events.Graph().node) > 3


def test_damaged_files(tmp_path):
    """Cut anywhere: the entries before the cut.  Changed anywhere: an error, or the entries before it."""
    with SummaryWriter(tmp_path) as writer:
        for i in range(4):
            writer.add_scalar("a", i, i)
    whole = next(tmp_path.glob("events.*")).read_bytes()
    good = list(r.read_records(io.BytesIO(whole)))
    for cut in range(len(whole)):
        got = list(r.read_records(io.BytesIO(whole[:cut])))
        assert got == good[: len(got)]
    rng = np.random.default_rng(0)
    for _ in range(300):
        bad = bytearray(whole)
        bad[rng.integers(len(bad))] ^= 1 << rng.integers(8)
        with pytest.raises(r.FileDamaged, match="checksum"):
            list(r.read_records(io.BytesIO(bytes(bad))))
    huge = struct.pack("<Q", 1 << 60)
    claim = huge + r._checksum(huge) + b"few"
    assert list(r.read_records(io.BytesIO(claim))) == []
    for _ in range(300):
        noise = rng.integers(0, 256, 20, dtype=np.uint8).tobytes()
        with contextlib.suppress(r.FileDamaged):
            list(r.fields(noise))


def test_writing_loads_neither_matplotlib_nor_pillow(tmp_path):
    import subprocess

    code = f"""
import sys, nanograd as torch
from nanograd.utils.tensorboard import SummaryWriter
with SummaryWriter({str(tmp_path)!r}) as w:
    w.add_scalar("a", 1.0)
    w.add_image("b", torch.zeros(3, 2, 2))
assert not {{"matplotlib", "PIL", "tensorboard"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
