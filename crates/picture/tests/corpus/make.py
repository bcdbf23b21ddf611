#!/usr/bin/env python3
"""Makes the pictures of this folder, and `expected.tsv`: what libjpeg-turbo's own `djpeg` shows of each.

Needs cjpeg, djpeg and jpegtran (Debian: libjpeg-turbo-progs 2.1) and exiftool (libimage-exiftool-perl). Run it in this
folder, then `git diff` says whether anything changed.
"""

import hashlib
import pathlib
import struct
import subprocess

HERE = pathlib.Path(__file__).parent
made = {}
WIDTH, HEIGHT = 47, 37


def ppm(width, height):
    """Shapes with edges, slopes and colours, so that a wrong upsampling, colour or missing part shows."""
    rows = bytearray()
    for y in range(height):
        for x in range(width):
            red = (x * 255) // max(1, width - 1)
            green = (y * 255) // max(1, height - 1)
            blue = 255 if ((x // 5) + (y // 7)) % 2 else 20
            if (x - width // 2) ** 2 + (y - height // 2) ** 2 < (min(width, height) // 3) ** 2:
                red, green, blue = 230, 40 + (x * 37 + y * 91) % 60, 30
            rows += bytes((red, green, blue))
    return b"P6\n%d %d\n255\n" % (width, height) + bytes(rows)


def run(*command, given=b""):
    done = subprocess.run(command, input=given, capture_output=True)
    if done.returncode != 0:
        raise SystemExit(f"{command}: {done.stderr.decode()}")
    return done.stdout


def cjpeg(*options, size=(WIDTH, HEIGHT), scans=None):
    extra = []
    if scans:
        path = HERE / "scans.tmp"
        path.write_text(scans)
        extra = ["-scans", str(path)]
    done = run("cjpeg", *options, *extra, given=ppm(*size))
    if scans:
        path.unlink()
    return done


def save(name, data):
    made[name] = bytes(data)


def segments(data):
    """(marker, start, end) of each segment before the first scan's data, and that data's start."""
    at, found = 2, []
    while True:
        assert data[at] == 0xFF, hex(at)
        marker = data[at + 1]
        length = struct.unpack(">H", data[at + 2:at + 4])[0]
        found.append((marker, at, at + 2 + length))
        at += 2 + length
        if marker == 0xDA:
            return found


def find(data, *markers):
    return next(found for found in segments(data) if found[0] in markers)


def insert(data, at, extra):
    return data[:at] + extra + data[at:]


def exif(orientation, padding=0, thumbnail=b"", big_endian=True):
    order = ">" if big_endian else "<"
    entries = struct.pack(order + "HHHIHH", 1, 0x0112, 3, 1, orientation, 0)
    if thumbnail:
        start = 8 + 2 + 12 + 4 + 2 + 24 + 4 + padding
        first = struct.pack(order + "I", 8 + 2 + 12 + 4)
        second = struct.pack(order + "H", 2) + struct.pack(order + "HHII", 0x0201, 4, 1, start) + struct.pack(
            order + "HHII", 0x0202, 4, 1, len(thumbnail))
        tail = second + struct.pack(order + "I", 0)
    else:
        first, tail = struct.pack(order + "I", 0), b""
    head = (b"MM\0*" if big_endian else b"II*\0") + struct.pack(order + "I", 8)
    body = b"Exif\0\0" + head + entries + first + tail + b"\0" * padding + thumbnail
    return b"\xFF\xE1" + struct.pack(">H", len(body) + 2) + body


base = cjpeg("-quality", "80", "-sample", "2x2")
save("baseline_420", base)
for sampling in ["1x1", "2x1", "1x2", "3x1", "1x3", "4x1", "4x2", "2x4", "3x2", "1x4"]:
    save(f"sampling_{sampling}", cjpeg("-quality", "80", "-sample", sampling))
save("luma_1x1_chroma_2x2", cjpeg("-quality", "80", "-sample", "1x1,2x2,2x2"))
save("luma_1x2_chroma_2x1", cjpeg("-quality", "80", "-sample", "1x2,2x1,2x1"))
save("luma_2x2_chroma_2x1_1x2", cjpeg("-quality", "80", "-sample", "2x2,2x1,1x2"))
save("luma_2x1_chroma_1x2", cjpeg("-quality", "80", "-sample", "2x1,1x2,1x2"))
save("arithmetic", cjpeg("-quality", "80", "-arithmetic"))
save("arithmetic_progressive", cjpeg("-quality", "80", "-arithmetic", "-progressive"))
save("arithmetic_restart", cjpeg("-quality", "80", "-arithmetic", "-restart", "1"))
save("progressive", cjpeg("-quality", "80", "-progressive"))
save("progressive_444", cjpeg("-quality", "80", "-progressive", "-sample", "1x1"))
save("progressive_early", cjpeg("-quality", "80", scans="0,1,2: 0-0, 0, 1;\n0: 1-9, 0, 2;\n"))
save("one_scan_each", cjpeg("-quality", "80", scans="0;\n1;\n2;\n"))
save("one_scan_each_444", cjpeg("-quality", "80", "-sample", "1x1", scans="0;\n1;\n2;\n"))
save("luma_then_both_chromas", cjpeg("-quality", "80", scans="0;\n1 2;\n"))
save("chroma_first", cjpeg("-quality", "80", scans="2;\n1;\n0;\n"))
save("restart_rows", cjpeg("-quality", "80", "-restart", "1"))
save("restart_blocks", cjpeg("-quality", "80", "-restart", "2B"))
save("grey", cjpeg("-quality", "80", "-grayscale"))
save("grey_progressive", cjpeg("-quality", "80", "-grayscale", "-progressive"))
save("grey_2x2", cjpeg("-quality", "80", "-grayscale", "-sample", "2x2"))
save("rgb", cjpeg("-quality", "80", "-rgb"))
save("optimised", cjpeg("-quality", "80", "-optimize"))
save("quality_1", cjpeg("-quality", "1"))
save("quality_100", cjpeg("-quality", "100"))
save("one_pixel", cjpeg("-quality", "80", size=(1, 1)))
save("narrow", cjpeg("-quality", "80", size=(3, 200)))
save("wide", cjpeg("-quality", "80", size=(999, 2)))

# between segments and in front
at = find(base, 0xC0)[1]
for name, extra in [("00", b"\0"), ("four_zeros", b"\0\0\0\0"), ("stray", b"\x37"), ("crlf", b"\r\n"),
                    ("ff_00", b"\xFF\x00"), ("fill", b"\xFF\xFF\xFF"), ("junk_300", b"\x55" * 300)]:
    save(f"between_{name}", insert(base, at, extra))
    save(f"between_tables_{name}", insert(base, find(base, 0xC4)[1], extra))
save("front_crlf", b"\r\n" + base)
save("front_zero", b"\0" + base)
save("front_stray", b"\x37" + base)
save("after_soi_zero", insert(base, 2, b"\0"))
save("after_scan_header_restart", insert(base, find(base, 0xDA)[1], b"\xFF\xD3"))
save("tem", insert(base, at, b"\xFF\x01"))
save("two_sois", insert(base, 2, b"\xFF\xD8"))

# the end
save("end_missing", base[:-2])
save("end_half", base[:-1])
save("end_maker", base[:-2] + b"\x4D\x4B\x52\0\x01\x02end of stream")
save("end_zeros", base[:-2] + b"\0" * 64)
save("trailing", base + b"<script>alert(1)</script>" + bytes(range(256)))
save("second_picture", base + cjpeg("-quality", "40", size=(32, 32)))
for part in (3, 5, 8):
    save(f"cut_{part}_tenths", base[:len(base) * part // 10])
progressive = made["progressive"]
save("progressive_cut", progressive[:len(progressive) * 6 // 10])
save("progressive_end_missing", progressive[:-2])
arithmetic = made["arithmetic"]
save("arithmetic_cut", arithmetic[:len(arithmetic) * 6 // 10])
save("one_scan_each_cut", made["one_scan_each"][:len(made["one_scan_each"]) * 8 // 10])
save("headers_alone", base[:find(base, 0xDA)[2]])
save("cut_in_tables", base[:find(base, 0xC4)[1] + 9])
save("cut_in_frame_header", base[:find(base, 0xC0)[1] + 7])
save("magic_alone", base[:3])

# damage within
start = find(base, 0xDA)[2]
flipped = bytearray(base)
for offset in (40, 41, 200, 333):
    flipped[start + offset] ^= 0x5A
save("bits_flipped", flipped)
save("hole", base[:start + 60] + base[start + 200:])
restart = bytearray(made["restart_rows"])
marks = [i for i in range(len(restart) - 1) if restart[i] == 0xFF and 0xD0 <= restart[i + 1] <= 0xD7]
save("restart_lost", bytes(restart[:marks[0]] + restart[marks[0] + 2:]))
swapped = bytearray(restart)
swapped[marks[1] + 1] = 0xD6
save("restart_wrong", swapped)
save("restart_hole", bytes(restart[:marks[0] + 20] + restart[marks[1]:]))
save("tables_missing", base[:find(base, 0xC4)[1]] + base[find(base, 0xDA)[1]:])
save("quantisation_missing", base[:find(base, 0xDB)[1]] + base[find(base, 0xC0)[1]:])
wrong = bytearray(base)
wrong[find(base, 0xDA)[2] - 3] = 63
save("spectral_wrong", wrong)

# heights
dnl = b"\xFF\xDC\0\x04" + struct.pack(">H", HEIGHT)
save("dnl_height_set", base[:-2] + dnl + base[-2:])
zero = bytearray(base)
zero[at + 5:at + 7] = b"\0\0"
save("dnl_height_zero", bytes(zero[:-2]) + dnl + base[-2:])
save("height_zero", zero)
taller = bytearray(base)
taller[at + 5:at + 7] = struct.pack(">H", HEIGHT + 27)
save("height_too_tall", taller)
shorter = bytearray(base)
shorter[at + 5:at + 7] = struct.pack(">H", HEIGHT - 16)
save("height_too_small", shorter)
no_width = bytearray(base)
no_width[at + 7:at + 9] = b"\0\0"
save("width_zero", no_width)

# kinds of frames
twelve = bytearray(base)
twelve[at + 4] = 12
save("twelve_bits", twelve)
for marker in (0xC1, 0xC3, 0xC5, 0xCF):
    other = bytearray(base)
    other[at + 1] = marker
    save(f"sof_{marker:02x}", other)
twice = insert(base, find(base, 0xC0)[2], base[at:find(base, 0xC0)[2]])
save("two_frame_headers", twice)
save("png", b"\x89PNG\r\n\x1a\n" + b"\0" * 64)
save("empty", b"")
save("html", b"<html>\xFF\xD8\xFF")

# colours: Adobe's marker, and component names
adobe = lambda transform: b"\xFF\xEE\0\x0EAdobe\0\x64\0\0\0\0" + bytes((transform,))
no_jfif = base[:2] + base[find(base, 0xE0)[2]:]
save("no_jfif", no_jfif)
save("adobe_1", insert(no_jfif, 2, adobe(1)))
full = cjpeg("-quality", "80", "-sample", "1x1")
bare = full[:2] + full[find(full, 0xE0)[2]:]
save("adobe_0_rgb", insert(bare, 2, adobe(0)))
save("adobe_0_and_jfif", insert(full, find(full, 0xE0)[2], adobe(0)))
named = bytearray(bare)
sof, sos = find(bare, 0xC0)[1], find(bare, 0xDA)[1]
for i, letter in enumerate(b"RGB"):
    named[sof + 10 + 3 * i] = letter
    named[sos + 5 + 2 * i] = letter
save("components_rgb", named)
odd = bytearray(bare)
for i in range(3):
    odd[sof + 10 + 3 * i] = i
    odd[sos + 5 + 2 * i] = i
save("components_from_0", odd)


def four(transform, marker=True):
    """Cyan, magenta, yellow, black: one grey picture for each, put together scan by scan."""
    first = cjpeg("-quality", "80", "-grayscale", size=(48, 40))
    tables = b"".join(first[s:e] for m, s, e in segments(first) if m in (0xDB, 0xC4))
    frame = b"\xFF\xC0" + struct.pack(">HBHHB", 8 + 12, 8, 40, 48, 4) + b"".join(bytes((i, 0x11, 0)) for i in range(1, 5))
    scans = b""
    for i in range(4):
        data = first[find(first, 0xDA)[2]:-2]
        scans += b"\xFF\xDA\0\x08\x01" + bytes((i + 1, 0, 0, 63, 0)) + data
    return b"\xFF\xD8" + (adobe(transform) if marker else b"") + tables + frame + scans + b"\xFF\xD9"


save("cmyk_adobe", four(0))
save("ycck_adobe", four(2))
save("cmyk_plain", four(0, marker=False))

# what cameras and telephones add
for orientation in range(1, 9):
    save(f"orientation_{orientation}", insert(base, 2, exif(orientation, big_endian=orientation % 2 == 0)))
save("orientation_9", insert(base, 2, exif(9)))
thumbnail = cjpeg("-quality", "30", size=(16, 12))
save("exif_thumbnail", insert(base, 2, exif(6, thumbnail=thumbnail)))
save("exif_huge", insert(base, 2, exif(1, padding=5_000)))
save("exif_cut", insert(base, 2, b"\xFF\xE1\0\x0AExif\0\0MM"))
mpf = b"MPF\0MM\0*\0\0\0\x08\0\0"
save("mpf", insert(base, 2, b"\xFF\xE2" + struct.pack(">H", len(mpf) + 2) + mpf) + cjpeg("-quality", "40", size=(32, 24)))
save("comment", insert(base, 2, b"\xFF\xFE\0\x0Ccamera 17\0"))
save("app_length_wrong", insert(base, 2, b"\xFF\xE5\0\x01"))
save("app_length_beyond", insert(base, 2, b"\xFF\xE5\xFF\xF0abc"))
save("many_scans", cjpeg("-quality", "80", scans="0,1,2: 0-0, 0, 0;\n" + "".join(
    f"{c}: {k}-{k}, 0, 0;\n" for c in range(3) for k in range(1, 32))))
save("cropped_by_jpegtran", run("jpegtran", "-crop", "16x16+16+16", given=base))
save("turned_by_jpegtran", run("jpegtran", "-rotate", "90", "-trim", given=base))

for left in HERE.glob("*.jpg"):
    left.unlink()
lines = ["# picture\tshown\twidth\theight\tsha256 of the samples, as djpeg (libjpeg-turbo 2.1.5) writes them\n"]
for name, data in sorted(made.items()):
    path = HERE / f"{name}.jpg"
    path.write_bytes(data)
    done = subprocess.run(["djpeg", "-pnm", str(path)], capture_output=True)
    out = done.stdout
    if out[:2] in (b"P5", b"P6") and done.returncode in (0, 2):
        kind, size, _, samples = out.split(b"\n", 3)
        width, height = map(int, size.split())
        if kind == b"P5":
            samples = bytes(value for sample in samples for value in (sample,) * 3)
        lines.append(f"{name}\tyes\t{width}\t{height}\t{hashlib.sha256(samples).hexdigest()}\n")
    else:
        lines.append(f"{name}\tno\t{done.stderr.decode().strip().splitlines()[0] if done.stderr else ''}\n")
(HERE / "expected.tsv").write_text("".join(lines))
print(len(made), "pictures,", sum(map(len, made.values())), "bytes")
