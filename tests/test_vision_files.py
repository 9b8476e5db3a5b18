"""Files of images and data sets: right, damaged, hostile; fetched whole or not at all."""

import contextlib
import gzip
import hashlib
import http.server
import io
import pickle
import struct
import sys
import tarfile
import threading
import urllib.parse
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nanograd as torch
from nanograd.serialization import FileFormatError
from nanograd.vision import io as image_io
from nanograd.vision import picture, png
from nanograd.vision.datasets import CIFAR10, CIFAR100, KMNIST, MNIST, FashionMNIST, cifar
from nanograd.vision.datasets.download import DownloadError, check_integrity, fetch, mirrors_of
from nanograd.vision.datasets.idx import read_idx
from nanograd.vision.datasets.pickles import read_pickle
from nanograd.vision.datasets.utils import download_url
from nanograd.vision.files import replacing


@pytest.fixture
def without_pillow(monkeypatch):
    """As if Pillow were not installed."""
    for name in ("PIL", "PIL.Image"):
        monkeypatch.setitem(sys.modules, name, None)
    picture.find_pillow.cache_clear()
    yield
    monkeypatch.undo()
    picture.find_pillow.cache_clear()


# IDX


def idx(array, code=0x08):
    head = bytes([0, 0, code, array.ndim]) + b"".join(struct.pack(">I", n) for n in array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("code", "kind"), [(8, "u1"), (9, "i1"), (0x0B, "i2"), (0x0C, "i4"), (0x0D, "f4"), (0x0E, "f8")]
)
def test_idx_gives_back_what_was_written(tmp_path, code, kind, pack):
    array = np.arange(24).reshape(2, 3, 4).astype(kind)
    (tmp_path / "a").write_bytes(pack(idx(array, code)))
    read = read_idx(tmp_path / "a")
    assert read.numpy().dtype == np.dtype(kind)
    np.testing.assert_array_equal(read.numpy(), array)


HUGE = bytes([0, 0, 8, 4]) + struct.pack(">IIII", 1000, 1000, 1000, 1000)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "nothing"),
        (b"\0\0", "00 00"),
        (b"<html>not found</html>", "not with the magic number"),
        (idx(np.zeros(5, np.uint8))[:-1], "fewer than the 5 bytes"),
        (idx(np.zeros(5, np.uint8)) + b"x", "more than the 5 bytes"),
        (bytes([0, 0, 8, 3]) + b"\0\0", "ends within its header"),
        (bytes([0, 0, 7, 1]) + b"\0\0\0\0", "magic number"),
        (bytes([0, 0, 8, 0]), "magic number"),
        (bytes([0, 0, 8, 200]) + bytes(800), "magic number"),
        (HUGE, r"\(1000, 1000, 1000, 1000\) of 1000000000000 bytes, more than it can hold"),
        (bytes([0, 0, 8, 8]) + b"\xff" * 32, "more than it can hold"),
    ],
)
def test_damaged_idx_is_refused(tmp_path, data, words, pack):
    (tmp_path / "a").write_bytes(pack(data))
    with pytest.raises(FileFormatError, match=words):
        read_idx(tmp_path / "a")


def test_a_gzip_bomb_is_read_no_further_than_its_header_claims(tmp_path):
    (tmp_path / "bomb").write_bytes(gzip.compress(idx(np.zeros(5, np.uint8)) + bytes(1 << 26)))
    with pytest.raises(FileFormatError, match="more than the 5 bytes"):
        read_idx(tmp_path / "bomb")


@settings(max_examples=150, deadline=None)
@given(cut=st.integers(0, 60), place=st.integers(0, 59), byte=st.integers(0, 255), packed=st.booleans())
def test_idx_files_cut_or_changed_are_read_or_refused(tmp_path_factory, cut, place, byte, packed):
    data = idx(np.arange(40, dtype=np.uint8).reshape(5, 8))
    data = bytearray(gzip.compress(data) if packed else data)
    data[place % len(data)] = byte
    path = tmp_path_factory.getbasetemp() / "fuzzed"
    path.write_bytes(bytes(data[: len(data) - cut]))
    with contextlib.suppress(FileFormatError):
        assert read_idx(path).numel() <= 40 * 1032


# Pickles


class Evil:
    def __reduce__(self):
        return (print, ("this ran",))


def python_2(value):
    """A pickle as Python 2 wrote those of CIFAR: text and elements as byte strings, protocol 2."""
    if isinstance(value, dict):
        return b"}(" + b"".join(python_2(k) + python_2(v) for k, v in value.items()) + b"u"
    if isinstance(value, list):
        return b"](" + b"".join(map(python_2, value)) + b"e"
    if isinstance(value, int):
        return b"J" + struct.pack("<i", value)
    if isinstance(value, str):
        return b"U" + bytes([len(value)]) + value.encode("latin-1")
    elements = value.tobytes()
    return (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01"
        + b"".join(b"J" + struct.pack("<i", n) for n in value.shape)
        + (b"\x86" if value.ndim == 2 else b"\x85")
        + b"cnumpy\ndtype\nU\x02"
        + value.dtype.str[1:].encode()
        + b"K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T"
        + struct.pack("<i", len(elements))
        + elements
        + b"tb"
    )


def old_pickle(value):
    return b"\x80\x02" + python_2(value) + b"."


BATCH = {"data": np.arange(6, dtype=np.uint8).reshape(2, 3), "labels": [3, 4], "batch_label": "one"}


@pytest.mark.parametrize("write", [old_pickle, *[lambda x, p=p: pickle.dumps(x, p) for p in (2, 3, 4)]])
def test_pickles_of_plain_things_are_read(write):
    data = write(BATCH)
    read = read_pickle(data)
    np.testing.assert_array_equal(read["data"], BATCH["data"])
    assert read["data"].dtype == np.uint8
    assert (read["labels"], read["batch_label"]) == ([3, 4], "one")
    theirs = pickle.loads(data, encoding="latin1")  # the standard library reads the same
    np.testing.assert_array_equal(read["data"], theirs["data"])


def test_big_endian_and_column_order_arrays_are_read():
    for array in (np.arange(6, dtype=">i4").reshape(2, 3), np.asfortranarray(np.arange(6.0).reshape(2, 3))):
        np.testing.assert_array_equal(read_pickle(pickle.dumps([array], 2))[0], array)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (pickle.dumps(Evil(), 2), "print"),
        (pickle.dumps({"data": [Evil()]}, 4), "print"),
        (b"cos\nsystem\n(S'echo this ran'\ntR.", "os.system"),
        (b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.", "posix.system"),
        (b"(S'true'\nios\nsystem\n.", "INST"),
        (b"cnumpy\nndarray\n)R.", "a call of ndarray"),
        (b"cnumpy\nndarray\n)\x81.", "NEWOBJ"),
        (b"cnumpy.core.multiarray\n_reconstruct\n}b.", "state of a _Named"),
        (b"\x80\x02Pid\n.", "PERSID"),
        (b"\x82\x01.", "EXT1"),
        (pickle.dumps(np.array([1, "a"], object), 2), "damaged"),
        (pickle.dumps({1, 2}, 2), "set"),
    ],
)
def test_pickles_that_ask_for_more_are_refused_and_nothing_runs(data, words, capfd):
    with pytest.raises(FileFormatError, match=words):
        read_pickle(data, "data_batch_1")
    assert "this ran" not in capfd.readouterr().out


def claimed(shape):
    return old_pickle(np.zeros((1, 1), np.uint8)).replace(
        b"J" + struct.pack("<i", 1) + b"J" + struct.pack("<i", 1),
        b"".join(b"J" + struct.pack("<i", n) for n in shape),
        1,
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b".",
        b"not a pickle",
        old_pickle(BATCH)[:-5],
        claimed((10**9, 10**9)),
        claimed((-1, -1)),
        b"T\xff\xff\xff\x7f.",  # text of 2 GB that is not there
        b"\x8e" + struct.pack("<Q", 1 << 62) + b".",
        b"h\x05.",  # from an empty memory
        b"]]a}s.",
        b"(((.",
        b"}((l1s.",
        b"]" + b"\x85" * 100_000 + b".",  # deeply nested
        b"](" + b"]q\x00h\x00a" + b"e.",  # a list in itself
        b"}()q\x00" + b"".join(b"h%ch%c\x86q%c" % (i, i, i + 1) for i in range(60)) + b"K\x01u.",  # a key that grows
    ],
)
def test_damaged_pickles_are_refused(data):
    with pytest.raises(FileFormatError):
        read_pickle(data)


def test_a_pickle_whose_parts_stand_in_many_places_stays_small():
    data = b"]q\x00" + b"".join(b"](h%ch%ceq%c" % (i, i, i + 1) for i in range(15)) + b"."
    x = read_pickle(data)
    for _ in range(15):
        assert x[0] is x[1]
        x = x[0]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4), st.integers(0, 30))
def test_pickles_cut_or_changed_are_read_or_refused(changes, cut):
    data = bytearray(old_pickle(BATCH))
    for place, byte in changes:
        data[place % len(data)] = byte
    with contextlib.suppress(FileFormatError):
        read_pickle(bytes(data[: len(data) - cut]))


# PNG


def by_hand(image, depth=8, color=None, filters=None, interlace=0, palette=None, alpha=None, patch=lambda rows: rows):
    """A PNG file whose rows have the filters given, after the specification; gray, RGB or palette."""
    height, width = image.shape[:2]
    channels = image.shape[2] if image.ndim == 3 else 1
    color = {1: 0, 2: 4, 3: 2, 4: 6}[channels] if color is None else color
    flat = image.reshape(height, width * channels)
    if depth < 8:
        bits = (flat[:, :, None] >> np.arange(depth - 1, -1, -1)) & 1
        flat = np.packbits(bits.reshape(height, -1).astype(np.uint8), axis=1)
    step = max(1, channels * depth // 8)
    rows = b""
    above = np.zeros(flat.shape[1], int)
    for y, row in enumerate(flat.astype(int)):
        kind = 0 if filters is None else filters[y % len(filters)]
        left, corner = (np.concatenate([np.zeros(step, int), r[:-step]])[: len(row)] for r in (row, above))
        p = left + above - corner
        far = [abs(p - left), abs(p - above), abs(p - corner)]
        paeth = np.where((far[0] <= far[1]) & (far[0] <= far[2]), left, np.where(far[1] <= far[2], above, corner))
        guess = [0 * row, left, above, (left + above) // 2, paeth][kind]
        rows += bytes([kind]) + ((row - guess) % 256).astype(np.uint8).tobytes()
        above = row
    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
    parts = [(b"IHDR", head), (b"PLTE", palette), (b"tRNS", alpha), (b"tEXt", b"a\0b")]
    packed = zlib.compress(patch(rows))
    parts += [(b"IDAT", packed[:7]), (b"IDAT", packed[7:]), (b"IEND", b"")]
    return png.SIGNATURE + b"".join(chunk(kind, data) for kind, data in parts if data is not None)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def noise(*shape, high=256, seed=0):
    return np.random.default_rng(seed).integers(0, high, shape).astype(np.uint8)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("filters", [[0], [1], [2], [3], [4], [4, 3, 2, 1, 0]])
def test_png_files_of_every_filter_are_read(channels, filters):
    image = noise(9, 7, channels)
    np.testing.assert_array_equal(png.decode(by_hand(image, filters=filters)), image)


def test_large_png_files_are_read_the_same_by_the_compiled_loop(monkeypatch):
    image = noise(60, 50, 3)
    data = by_hand(image, filters=[4, 3, 1, 2])
    monkeypatch.setattr(png, "_WORTH_COMPILING", 0)
    np.testing.assert_array_equal(png.decode(data), image)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_png_files_of_few_bits_fill_the_range(depth):
    image = noise(5, 11, high=1 << depth)
    want = image.astype(int) * 255 // ((1 << depth) - 1)
    np.testing.assert_array_equal(png.decode(by_hand(image, depth, filters=[0, 1, 4]))[:, :, 0], want)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
@pytest.mark.parametrize("alpha", [None, b"\x10\x80"])
def test_png_files_with_a_palette_are_looked_up(depth, alpha):
    image, colors = noise(5, 11, high=2), noise(2, 3, seed=1)
    want = colors[image]
    if alpha is not None:
        want = np.concatenate([want, np.frombuffer(alpha, np.uint8)[image][:, :, None]], axis=2)
    np.testing.assert_array_equal(png.decode(by_hand(image, depth, 3, palette=colors.tobytes(), alpha=alpha)), want)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 4), st.integers(0, 9), st.integers(0, 9))
def test_png_files_written_are_read_back(height, width, channels, level, seed):
    image = noise(height, width, channels, seed=seed)
    np.testing.assert_array_equal(png.decode(png.encode(image, level)), image)


def header(width, height, depth=8, color=0, interlace=0):
    return png.SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace))


END = chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "does not begin"),
        (b"GIF89a", "does not begin"),
        (png.SIGNATURE, "ends before its end mark"),
        (by_hand(noise(4, 4))[:-3], "ends before"),
        (by_hand(noise(4, 4))[:-20], "claims|ends before"),
        (header(10**6, 10**6) + END, "1000000 x 1000000 pixels, more than the"),
        (header(1 << 13, 1 << 13) + END, "more than .* compressed bytes can hold"),
        (header(2**31, 2**31) + END, "pixels"),
        (header(0, 4) + END, "0 x 4"),
        (header(4, 4, color=5) + END, "color type 5"),
        (header(4, 4, depth=3) + END, "with 3 bits"),
        (header(4, 4, depth=4, color=2) + END, "color type 2 with 4 bits"),
        (header(4, 4) + END, "more pixels"),
        (header(30, 30) + END, "fewer pixels"),
        (header(4, 4) + chunk(b"IDAT", b"nonsense") + chunk(b"IEND", b""), "compression is broken"),
        (png.SIGNATURE + END, "no header"),
        (by_hand(noise(4, 4)).replace(b"IDAT", b"IDXT", 1), "checksum"),
        (header(4, 4) + chunk(b"EVIL", b"") + END, "not known"),
        (by_hand(noise(4, 4), patch=lambda rows: b"\x09" + rows[1:]), "filter 9"),
        (by_hand(noise(4, 4, high=9), color=3, palette=b"abc"), "of a palette of 1"),
        (by_hand(noise(4, 4, high=2), color=3), "palette"),
    ],
)
def test_damaged_png_files_are_refused(data, words):
    with pytest.raises(FileFormatError, match=words):
        png.decode(data)


def test_png_files_that_need_pillow_say_so(without_pillow):
    for data, words in [(header(4, 4, interlace=1) + END, "interlaced"), (header(4, 4, depth=16) + END, "16 bits")]:
        with pytest.raises(torch.errors.MissingError, match=f"{words}.*pip install Pillow"):
            image_io.decode_image(data)
    with pytest.raises(torch.errors.MissingError, match=r"JPEG.*Pillow"):
        image_io.decode_image(b"\xff\xd8\xff\xe0 a JPEG")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(8, 300), st.integers(0, 255)), max_size=3), st.booleans(), st.integers(0, 20))
def test_png_files_cut_or_changed_are_read_or_refused(changes, mend, cut):
    data = bytearray(by_hand(noise(6, 5, 3), filters=[4, 3, 2]))
    for place, byte in changes:
        data[place % len(data)] = byte
    if mend:  # right checksums let the damage through to what lies behind them
        with contextlib.suppress(struct.error):
            place = 8
            while place + 12 <= len(data):
                end = place + 8 + struct.unpack_from(">I", data, place)[0]
                struct.pack_into(">I", data, end, zlib.crc32(data[place + 4 : end]))
                place = end + 4
    with contextlib.suppress(FileFormatError, torch.errors.MissingError):
        png.decode(bytes(data[: len(data) - cut]))


def test_image_io_reads_and_writes_tensors(tmp_path):
    image = torch.from_numpy(noise(3, 4, 5))
    image_io.write_png(image, tmp_path / "a.png")
    read = image_io.read_image(tmp_path / "a.png")
    assert torch.equal(read, image)
    assert torch.equal(image_io.decode_png(image_io.encode_png(image)), image)
    assert torch.equal(image_io.decode_image(image_io.read_file(tmp_path / "a.png")), image)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_image_io_gives_the_channels_asked_for(tmp_path):
    image = torch.from_numpy(noise(4, 3, 2))
    image_io.write_png(image, tmp_path / "a.png")
    mode = image_io.ImageReadMode
    read = {m: image_io.read_image(tmp_path / "a.png", m) for m in mode}
    assert [read[m].shape[0] for m in mode] == [4, 1, 2, 3, 4]
    assert torch.equal(read[mode.RGB], image[:3])
    gray = np.round(image[:3].numpy().T @ [0.299, 0.587, 0.114]).T
    np.testing.assert_allclose(read[mode.GRAY][0].numpy(), gray, atol=1)
    assert torch.equal(read[mode.GRAY_ALPHA][1], image[3])
    image_io.write_png(image[:1], tmp_path / "gray.png")
    color = image_io.read_image(tmp_path / "gray.png", "RGBA")
    assert torch.equal(color[:3], image[:1].expand(3, 3, 2))
    assert bool((color[3] == 255).all())


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (lambda p: image_io.write_png(torch.zeros(3, 2, 2), p / "a"), TypeError, "uint8 tensor, got torch.float32"),
        (lambda p: image_io.write_png(torch.zeros(5, 2, 2).byte(), p / "a"), ValueError, r"got \(5, 2, 2\)"),
        (lambda p: image_io.encode_png(torch.zeros(1, 2, 2).byte(), 11), ValueError, "from 0 to 9, got 11"),
        (lambda p: image_io.write_png(torch.zeros(1, 2, 2).byte(), p / "no" / "a"), FileNotFoundError, "no"),
        (lambda p: image_io.read_image(p / "none.png"), FileNotFoundError, "none.png"),
        (lambda p: image_io.decode_image(torch.zeros(3)), TypeError, "bytes of a file"),
        (lambda p: image_io.decode_image(b""), ValueError, "empty"),
        (lambda p: image_io.decode_image(by_hand(noise(2, 2)), "CMYK"), ValueError, "CMYK"),
    ],
)
def test_image_io_refuses_by_name(tmp_path, act, error, words):
    with pytest.raises(error, match=words):
        act(tmp_path)
    assert not list(tmp_path.iterdir())


# Fetching


class Mirror(http.server.BaseHTTPRequestHandler):
    """Serves ``files``; may end an answer early, ignore ranges, or lie about length."""

    files, asked, stop_after, ranges, says_length = {}, [], None, True, True

    def do_GET(self):
        type(self).asked.append((self.path, self.headers.get("Range")))
        data = self.files.get(urllib.parse.unquote(self.path))
        if data is None:
            self.send_error(404)
            return
        start = 0
        if self.ranges and self.headers.get("Range"):
            start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
            if start >= len(data):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        if self.says_length:
            self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start : None if self.stop_after is None else start + self.stop_after])

    def log_message(self, *args):
        pass


@pytest.fixture
def mirror():
    """A class to set up and the address of a server in this process."""
    kind = type("Kind", (Mirror,), {"files": {}, "asked": []})
    server = http.server.HTTPServer(("127.0.0.1", 0), kind)
    server.handle_error = lambda *_: None  # a client that hangs up
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield kind, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def md5(data):
    return hashlib.md5(data).hexdigest()


DATA = bytes(range(256)) * 4000


@pytest.mark.parametrize("digest", [md5(DATA), hashlib.sha256(DATA).hexdigest(), md5(DATA).upper()])
def test_a_file_is_fetched_checked_and_kept(tmp_path, mirror, digest, capfd):
    kind, address = mirror
    kind.files["/a file.bin"] = DATA
    for _ in range(2):  # the second time it is there
        path = fetch([address], "a file.bin", tmp_path / "new", digest)
        assert path.read_bytes() == DATA
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["a file.bin"]
    assert kind.asked == [("/a%20file.bin", None)]
    assert capfd.readouterr() == ("", "")  # no bar where there is no terminal


def test_the_first_mirror_that_has_it_gives_it(tmp_path, mirror):
    kind, address = mirror
    kind.files.update({"/empty/x": b"", "/wrong/x": b"something else", "/right/x": DATA})
    mirrors = [address + part for part in ("none/", "empty/", "wrong/", "right/")]
    assert fetch(mirrors, "x", tmp_path, md5(DATA)).read_bytes() == DATA
    assert len(kind.asked) == 4


def test_a_file_that_broke_off_is_continued(tmp_path, mirror):
    kind, address = mirror
    kind.files["/x"] = DATA
    kind.stop_after = 300_000
    with pytest.raises(DownloadError, match=r"ended after 300000 of 1024000 bytes; the next try continues"):
        fetch([address], "x", tmp_path, md5(DATA))
    assert [p.name for p in tmp_path.iterdir()] == ["x.part"]
    kind.stop_after = None
    assert fetch([address], "x", tmp_path, md5(DATA)).read_bytes() == DATA
    assert kind.asked[-1] == ("/x", "bytes=300000-")


def test_a_mirror_without_ranges_starts_again(tmp_path, mirror):
    kind, address = mirror
    kind.files["/x"] = DATA
    kind.ranges = False
    (tmp_path / "x.part").write_bytes(DATA[:1000])
    assert fetch([address], "x", tmp_path, md5(DATA)).read_bytes() == DATA


def test_a_part_of_another_file_does_no_harm(tmp_path, mirror):
    kind, address = mirror
    kind.files["/x"] = b"short"
    (tmp_path / "x.part").write_bytes(b"much longer than that")
    assert fetch([address], "x", tmp_path, md5(b"short")).read_bytes() == b"short"
    kind.files["/y"] = b"longer"
    (tmp_path / "y.part").write_bytes(b"wro")
    with pytest.raises(DownloadError, match="gave another file"):
        fetch([address], "y", tmp_path, md5(b"longer"))
    assert fetch([address], "y", tmp_path, md5(b"longer")).read_bytes() == b"longer"


def test_a_file_is_bounded(tmp_path, mirror):
    kind, address = mirror
    kind.files["/x"] = DATA
    with pytest.raises(DownloadError, match="1024000 bytes, more than the 1000 allowed"):
        fetch([address], "x", tmp_path, md5(DATA), limit=1000)
    kind.says_length = False
    with pytest.raises(DownloadError, match="more than the 1000 bytes allowed"):
        fetch([address], "x", tmp_path, md5(DATA), limit=1000)
    assert not (tmp_path / "x").exists()
    assert fetch([address], "x", tmp_path, md5(DATA)).read_bytes() == DATA


def test_a_mirror_may_be_a_folder(tmp_path):
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "x").write_bytes(DATA)
    base = (tmp_path / "mirror").as_uri() + "/"
    assert fetch([base], "x", tmp_path / "data", md5(DATA)).read_bytes() == DATA
    (tmp_path / "data" / "x").rename(tmp_path / "data" / "x.part")
    (tmp_path / "data" / "x.part").write_bytes(DATA[:500])
    assert fetch([base], "x", tmp_path / "data", md5(DATA)).read_bytes() == DATA


def test_a_file_nobody_has_is_named_with_all_that_was_tried(tmp_path, mirror):
    _, address = mirror
    mirrors = [address, (tmp_path / "empty").as_uri() + "/", "ftp://127.0.0.1/", "http://127.0.0.1:1/"]
    with pytest.raises(DownloadError) as caught:
        fetch(mirrors, "x.gz", tmp_path, md5(DATA))
    message = str(caught.value)
    for part in (
        f"{address}x.gz: HTTP 404", "empty/x.gz: [Errno 2]", "https, http or file, got 'ftp'", "127.0.0.1:1/x.gz: ",
        "refused", md5(DATA), str(tmp_path / "x.gz"), "NANOGRAD_MIRROR", "by hand",
    ):  # fmt: skip
        assert part in message
    with pytest.raises(ValueError, match="expected an md5"):
        fetch([address], "x", tmp_path, "123")


def test_torchvisions_helpers(tmp_path):
    (tmp_path / "x").write_bytes(DATA)
    assert check_integrity(tmp_path / "x")
    assert check_integrity(str(tmp_path / "x"), md5(DATA))
    assert not check_integrity(tmp_path / "x", md5(b""))
    assert not check_integrity(tmp_path / "y")
    download_url((tmp_path / "x").as_uri(), tmp_path / "to", md5=md5(DATA))
    assert (tmp_path / "to" / "x").read_bytes() == DATA
    with pytest.raises(torch.errors.MissingError, match="md5="):
        download_url((tmp_path / "x").as_uri(), tmp_path / "to")


def test_ones_own_mirror_comes_first(monkeypatch, tmp_path):
    monkeypatch.delenv("NANOGRAD_MIRROR", raising=False)
    assert mirrors_of("MNIST", ["https://a/"]) == ["https://a/"]
    monkeypatch.setenv("NANOGRAD_MIRROR", "https://own/data")
    assert mirrors_of("MNIST", ["https://a/"]) == ["https://own/data/MNIST/", "https://a/"]
    monkeypatch.setenv("NANOGRAD_MIRROR", str(tmp_path))
    assert mirrors_of("MNIST", []) == [tmp_path.as_uri() + "/MNIST/"]


# MNIST and CIFAR from their files


def small_mnist(kind=MNIST, count=7, high=10):
    """Files of a tiny MNIST by name, as a mirror has them."""
    files = {}
    for part, seed in (("train", 0), ("t10k", 1)):
        images, labels = noise(count, 28, 28, seed=seed), noise(count, high=high, seed=seed)
        files[f"{part}-images-idx3-ubyte.gz"] = gzip.compress(idx(images))
        files[f"{part}-labels-idx1-ubyte.gz"] = gzip.compress(idx(labels))
    return files


def tiny(kind, files, address=None):
    """The class with the checksums of these files."""
    resources = [(name, md5(data)) for name, data in files.items()]
    return type(kind.__name__, (kind,), {"resources": resources, "mirrors": [address] if address else []})


@pytest.mark.parametrize("kind", [MNIST, FashionMNIST, KMNIST])
@pytest.mark.parametrize("packed", [True, False])
def test_mnist_reads_its_files(tmp_path, kind, packed, without_pillow):
    folder = tmp_path / kind.__name__ / "raw"
    folder.mkdir(parents=True)
    for name, data in small_mnist().items():
        (folder / (name if packed else name[:-3])).write_bytes(data if packed else gzip.decompress(data))
    for train, seed in ((True, 0), (False, 1)):
        data = kind(tmp_path, train=train)
        assert torch.equal(data.data, torch.from_numpy(noise(7, 28, 28, seed=seed)))
        assert data.targets.dtype is torch.int64
        np.testing.assert_array_equal(data.targets.numpy(), noise(7, high=10, seed=seed))
        image, label = data[3]
        np.testing.assert_array_equal(image, data.data[3].numpy())
        assert (type(label), label) == (int, int(data.targets[3]))
        assert len(data) == 7
        split = "Train" if train else "Test"
        assert repr(data) == (
            f"Dataset {kind.__name__}\n    Number of datapoints: 7\n    Root location: {tmp_path}\n    Split: {split}"
        )
    assert data.class_to_idx[data.classes[9]] == 9
    with pytest.warns(UserWarning, match="train_labels has been renamed targets"):
        assert data.train_labels is data.targets


def test_mnist_is_downloaded_from_ones_own_mirror(tmp_path, monkeypatch):
    files = small_mnist()
    (tmp_path / "mirror" / "MNIST").mkdir(parents=True)
    for name, data in files.items():
        (tmp_path / "mirror" / "MNIST" / name).write_bytes(data)
    monkeypatch.setenv("NANOGRAD_MIRROR", str(tmp_path / "mirror"))
    data = tiny(MNIST, files)(tmp_path / "data", download=True)
    assert len(data) == 7
    raw = sorted(p.name for p in (tmp_path / "data" / "MNIST" / "raw").iterdir())
    assert raw == sorted([*files, *(name[:-3] for name in files)])  # as torchvision leaves it
    (tmp_path / "mirror").rename(tmp_path / "gone")
    assert len(tiny(MNIST, files)(tmp_path / "data", train=False, download=True)) == 7


def test_mnist_offline_says_what_is_missing_and_what_to_do(tmp_path):
    with pytest.raises(RuntimeError, match=r"Dataset not found\. You can use download=True to download it") as caught:
        MNIST(tmp_path)
    for part in (str(tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte"), "by hand", "t10k-labels-idx1-ubyte.gz"):
        assert part in str(caught.value)
    kind = tiny(MNIST, small_mnist(), "http://127.0.0.1:1/")
    with pytest.raises(RuntimeError, match=r"Error downloading train-images-idx3-ubyte.gz") as caught:
        kind(tmp_path, download=True)
    assert str(tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte.gz") in str(caught.value)


def test_published_checksums_are_checksums():
    for kind in (MNIST, FashionMNIST, KMNIST):
        assert all(len(digest) == 32 and int(digest, 16) for _, digest in kind.resources)
        assert all(mirror.endswith("/") for mirror in kind.mirrors)
    for kind in (CIFAR10, CIFAR100):
        assert len(kind.tgz_md5) == len(kind.meta["md5"]) == 32
        assert all(len(digest) == 32 for _, digest in [*kind.train_list, *kind.test_list])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"train-labels-idx1-ubyte.gz": gzip.compress(idx(noise(5, high=10)))}, "7 images.*5 labels"),
        ({"train-labels-idx1-ubyte.gz": gzip.compress(idx(np.full(7, 10, np.uint8)))}, "a label is 10, of 10"),
        ({"train-labels-idx1-ubyte.gz": gzip.compress(idx(noise(7, 1)))}, r"expected labels.*\(7, 1\)"),
        ({"train-images-idx3-ubyte.gz": gzip.compress(idx(noise(7, 784)))}, r"expected images.*\(7, 784\)"),
        ({"train-images-idx3-ubyte.gz": b"\x1f\x8b broken"}, "compression is broken|not gzip"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path, change, words):
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for name, data in (small_mnist() | change).items():
        (folder / name).write_bytes(data)
    with pytest.raises(ValueError, match=words):
        MNIST(tmp_path)


def archive(files, folder, extra=()):
    """A tar.gz of files by name; ``extra`` are (TarInfo, data)."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for info, data in [*extra, *((tarfile.TarInfo(f"{folder}/{name}"), data) for name, data in files.items())]:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return file.getvalue()


def small_cifar(kind=CIFAR10, change=None):
    """(the class with the checksums of tiny files, the files by name, the archive)."""
    key = "labels" if kind is CIFAR10 else "fine_labels"
    names = [f"name {i}" for i in range(10 if kind is CIFAR10 else 100)]
    files = {}
    for seed, (name, _) in enumerate([*kind.train_list, *kind.test_list]):
        files[name] = old_pickle({"data": noise(3, 3072, seed=seed), key: [seed, 1, 9]})
    files[kind.meta["filename"]] = old_pickle({kind.meta["key"]: names})
    files.update(change or {})
    packed = archive(files, kind.base_folder)
    space = {
        "train_list": [[n, md5(files[n])] for n, _ in kind.train_list],
        "test_list": [[n, md5(files[n])] for n, _ in kind.test_list],
        "meta": kind.meta | {"md5": md5(files[kind.meta["filename"]])},
        "tgz_md5": md5(packed),
    }
    return type(kind.__name__, (kind,), space), files, packed


@pytest.mark.parametrize("kind", [CIFAR10, CIFAR100])
@pytest.mark.parametrize("form", ["archive", "folder"])
def test_cifar_reads_its_archive_or_its_folder(tmp_path, kind, form, without_pillow):
    tiny_kind, files, packed = small_cifar(kind)
    if form == "archive":
        (tmp_path / kind.filename).write_bytes(packed)
    else:
        (tmp_path / kind.base_folder).mkdir()
        for name, data in files.items():
            (tmp_path / kind.base_folder / name).write_bytes(data)
    train, test = tiny_kind(tmp_path), tiny_kind(tmp_path, train=False)
    parts = len(kind.train_list)
    assert train.data.shape == (3 * parts, 32, 32, 3)
    assert train.targets == [n for seed in range(parts) for n in (seed, 1, 9)]
    assert test.targets == [parts, 1, 9]
    rows = noise(3, 3072, seed=0)  # 1024 red, 1024 green, 1024 blue
    image, label = train[1]
    np.testing.assert_array_equal(image[:, :, 2], rows[1, 2048:].reshape(32, 32))
    assert (label, image.dtype) == (1, np.uint8)
    assert train.classes[9] == "name 9"
    assert train.class_to_idx["name 9"] == 9
    assert repr(test).endswith("Split: Test")


def test_cifar_is_downloaded_and_unpacked(tmp_path, monkeypatch):
    kind, files, packed = small_cifar()
    (tmp_path / "mirror" / "CIFAR10").mkdir(parents=True)
    (tmp_path / "mirror" / "CIFAR10" / kind.filename).write_bytes(packed)
    monkeypatch.setenv("NANOGRAD_MIRROR", (tmp_path / "mirror").as_uri())
    for _ in range(2):
        assert len(kind(tmp_path / "data", download=True)) == 15
    unpacked = {p.name: p.read_bytes() for p in (tmp_path / "data" / kind.base_folder).iterdir()}
    assert unpacked == files


def test_missing_or_wrong_cifar_says_what_and_where(tmp_path):
    kind, _, packed = small_cifar()
    words = "Dataset not found or corrupted. You can use download=True to download it"
    with pytest.raises(RuntimeError, match=f"{words}.*neither the archive.*{kind.filename}.*by hand"):
        kind(tmp_path)
    (tmp_path / kind.filename).write_bytes(packed + b"x")
    with pytest.raises(RuntimeError, match=f"{words}.*has md5 {md5(packed + b'x')}, expected {md5(packed)}"):
        kind(tmp_path)
    (tmp_path / kind.filename).unlink()
    (tmp_path / kind.base_folder).mkdir()
    with pytest.raises(RuntimeError, match="has no file data_batch_1"):
        kind(tmp_path)
    (tmp_path / kind.base_folder / "data_batch_1").write_bytes(b"x")
    with pytest.raises(RuntimeError, match=rf"data_batch_1 has md5 {md5(b'x')}, expected"):
        kind(tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data_batch_1": pickle.dumps(Evil(), 2)}, "refused.*print"),
        ({"data_batch_1": old_pickle([1])}, "expected a dict with an array"),
        ({"data_batch_1": old_pickle({"data": noise(3, 30), "labels": [1, 2, 3]})}, r"uint8 \(N, 3072\)"),
        ({"data_batch_1": old_pickle({"data": noise(3, 3072), "labels": [1, 2]})}, "expected 3 labels"),
        ({"data_batch_1": old_pickle({"data": noise(3, 3072), "labels": [1, 2, 10]})}, "labels from 0 to 9"),
        ({"data_batch_1": old_pickle({"data": noise(3, 3072), "labels": [1, 2, "x"]})}, "labels from 0 to 9"),
        ({"batches.meta": old_pickle({"label_names": [1]})}, "list of text 'label_names'"),
        ({"batches.meta": b""}, "damaged"),
    ],
)
def test_hostile_cifar_files_are_refused_and_nothing_runs(tmp_path, change, words, capfd):
    kind, _, packed = small_cifar(change=change)
    (tmp_path / kind.filename).write_bytes(packed)
    with pytest.raises(FileFormatError, match=words):
        kind(tmp_path)
    assert "this ran" not in capfd.readouterr().out


def link(name, target, kind):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


@pytest.mark.parametrize(
    "extra",
    [
        [(tarfile.TarInfo("../outside"), b"x"), (tarfile.TarInfo("/tmp/nanograd-outside"), b"x")],
        [link("cifar-10-batches-py", "/tmp", tarfile.SYMTYPE)],
        [(tarfile.TarInfo("cifar-10-batches-py/../../outside"), b"x")],
    ],
)
def test_an_archive_writes_nothing_outside_its_folder(tmp_path, extra):
    kind, files, _ = small_cifar()
    packed = archive(files, kind.base_folder, extra)
    kind.tgz_md5 = md5(packed)
    (tmp_path / "root" / "data").mkdir(parents=True)
    (tmp_path / "root" / "data" / kind.filename).write_bytes(packed)
    assert len(kind(tmp_path / "root" / "data", download=True)) == 15
    found = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    folder = f"root/data/{kind.base_folder}"
    assert found == {f"root/data/{kind.filename}", *(f"{folder}/{name}" for name in files)}


@pytest.mark.parametrize("spoil", ["link", "cut", "garbage", "absent"])
def test_damaged_archives_are_refused(tmp_path, spoil):
    kind, files, packed = small_cifar()
    if spoil == "link":
        packed = archive(
            files, kind.base_folder, [link(f"{kind.base_folder}/data_batch_1", "/etc/passwd", tarfile.SYMTYPE)]
        )
    elif spoil == "cut":
        packed = packed[: len(packed) // 2]
    elif spoil == "garbage":
        packed = packed[:100] + b"garbage" * 20 + packed[240:]
    else:
        packed = archive({k: v for k, v in files.items() if k != "data_batch_3"}, kind.base_folder)
    kind.tgz_md5 = md5(packed)
    (tmp_path / kind.filename).write_bytes(packed)
    with pytest.raises(
        FileFormatError, match=r"is no file|the archive is damaged|has no cifar-10-batches-py/data_batch_3"
    ):
        kind(tmp_path)


def test_members_of_an_archive_are_bounded(tmp_path, monkeypatch):
    kind, _, packed = small_cifar()
    (tmp_path / kind.filename).write_bytes(packed)
    monkeypatch.setattr(cifar, "_MEMBER_LIMIT", 1000)
    with pytest.raises(FileFormatError, match="data_batch_1 is no file of a size that can be"):
        kind(tmp_path)


def test_a_file_that_cannot_be_finished_leaves_the_former_one(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"former")

    def fail():
        with replacing(path) as file:
            file.write(b"half of the new")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert path.read_bytes() == b"former"
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"former"
    assert path.read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
