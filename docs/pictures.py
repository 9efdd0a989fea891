"""Make the pictures of the documentation from real film: ``python docs/pictures.py [NAME …]``.

They are made of reference data that the repository does not hold (`--shared`, or `$VSDEOLDIFY_SHARED`): two
colourings of one film, and photographs. Those named demo_… and preview_… are coloured by the bundled model.
"""

import argparse
import io
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
import vapoursynth as vs
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from vapoursynth import core

from vsdeoldify import (
    DarkParams,
    DDTweakParams,
    SmoothParams,
    ddeoldify,
    ddeoldify_references,
    ddeoldify_stabilizer,
)
from vsdeoldify.film.scenes import find_scenes, write_sheet
from vsdeoldify.pictures.files import (
    Picture,
    frame_to_picture,
    picture_to_clip,
    read_picture,
    to_8_bits,
    write_picture,
)
from vsdeoldify.settings import hues
from vsdeoldify.settings.params import adaptive_luma_params, ddtweak_params, luma_masked_params
from vsdeoldify.vsutils import expressions, formats, planes
from vsdeoldify.vsutils.filters import hue, merge, tweak

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
SHARED = Path(os.environ.get("VSDEOLDIFY_SHARED", ""))
LARGEST = 200_000
PAPER, INK, QUIET = (255, 255, 255), (20, 20, 20), (120, 120, 120)
GAP, LINE = 8, 22
# Frames that the second colouring made blue in the dark, red in the dark, reddish and pink all over.
BLUE, RED, REDDISH, PINK = 7, 8, 9, 18

Cell = tuple[str, Picture]


def film(name: str, numbers: Sequence[int] = range(24)) -> vs.VideoNode:
    """Frames of a colouring of the reference film: "a" steady, "b" flickering; same luma."""
    pictures = [read_picture(SHARED / "filters" / "inputs" / name / f"f{n:02}.png") for n in numbers]
    return core.std.Splice([picture_to_clip(picture) for picture in pictures])


def photo(name: str, width: int = 0) -> vs.VideoNode:
    """A photograph of the reference data, made smaller where a width is given."""
    clip = picture_to_clip(read_picture(SHARED / "film" / "photos" / name))
    if width:
        clip = core.resize.Spline36(clip, width, round(clip.height * width / clip.width))
    return clip


def shot(clip: vs.VideoNode, number: int = 0) -> Picture:
    """A frame as a picture."""
    if clip.format.color_family == vs.GRAY:
        clip = core.std.ShufflePlanes(core.resize.Point(clip, format=vs.GRAY8), [0, 0, 0], vs.RGB)
    return frame_to_picture(clip.get_frame(number)).copy()


def gray(clip: vs.VideoNode) -> vs.VideoNode:
    """The clip without its colours, as `RGB24`."""
    return core.resize.Point(core.resize.Point(clip, format=vs.GRAY8, matrix=6), format=vs.RGB24)


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def sheet(rows: Sequence[Sequence[Cell]], width: int, sides: Sequence[str] = ()) -> Image.Image:
    """Pictures in rows, each with a line of text above; all get the same width.

    Args:
        rows: caption and picture of every place.
        width: of one picture.
        sides: text to the left of every row.
    """
    left = 118 if sides else GAP
    heights = [max(round(p.shape[0] * width / p.shape[1]) for _, p in row) for row in rows]
    lines = [LINE if any(caption for caption, _ in row) else 0 for row in rows]
    columns = max(map(len, rows))
    size = (left + columns * (width + GAP), GAP + sum(heights) + sum(lines) + GAP * len(rows))
    image = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(image)
    top = GAP
    for index, (row, height, line) in enumerate(zip(rows, heights, lines, strict=True)):
        if sides:
            draw.multiline_text((GAP, top + line + 4), sides[index], INK, font(15), spacing=4)
        for column, (caption, picture) in enumerate(row):
            x = left + column * (width + GAP)
            draw.text((x, top), caption, INK, font(15))
            small = Image.fromarray(picture).resize(
                (width, round(picture.shape[0] * width / picture.shape[1])), Image.Resampling.LANCZOS
            )
            image.paste(small, (x, top + line))
        top += line + height + GAP
    return image


def in_rows(cells: Sequence[Cell], columns: int, width: int) -> Image.Image:
    return sheet([cells[i : i + columns] for i in range(0, len(cells), columns)], width)


def plotted(figure: Figure) -> Image.Image:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    return Image.open(buffer).convert("RGB")


def hue_wheel() -> Image.Image:
    """The circle of hues with the names of the ranges."""
    figure = Figure(figsize=(6.6, 6.6))
    axes = figure.add_subplot(projection="polar")
    degrees = np.arange(0, 360, 2)
    for ring, saturation in enumerate(np.linspace(0.25, 1.0, 8)):
        colours = mpl.colors.hsv_to_rgb([(d / 360, saturation, 1.0) for d in degrees + 1])
        axes.bar(
            np.radians(degrees), 0.07, np.radians(2.2), bottom=0.3 + ring * 0.07, color=colours, align="edge"
        )
    for name, (start, end) in hues.HUE_NAMES.items():
        middle = np.radians((start + end) / 2)
        axes.plot([np.radians(start)] * 2, [0.3, 0.86], color="white", linewidth=1.2)
        axes.text(middle, 0.63, name, ha="center", va="center", fontsize=9.5, color="black")
        axes.text(np.radians(start), 0.93, f"{start:.0f}°", ha="center", va="center", fontsize=10)
    axes.text(0, 0.0, "hue\nin degrees", ha="center", va="center", fontsize=11)
    axes.set_ylim(0, 0.98)
    axes.set_axis_off()
    return plotted(figure)


def methods() -> Image.Image:
    """The six methods on one frame."""
    source, a, b = _canvases()
    defaults = luma_masked_params([]), adaptive_luma_params([])
    results = {
        "0: DeOldify alone": a,
        "1: DDColor alone": b,
        "2: simple, weight 0.4": merge.simple(a, b, 0.4),
        "3: constrained chroma": merge.constrained_chroma(a, b, 0.2, 0.4),
        "4: luma masked": merge.luma_masked(a, b, defaults[0], 0.4),
        "5: adaptive luma": merge.adaptive_luma(a, b, defaults[1], 0.4),
    }
    return in_rows([(name, shot(formats.restore(source, clip))) for name, clip in results.items()], 3, 320)


def _canvases(number: int = BLUE) -> tuple[vs.VideoNode, vs.VideoNode, vs.VideoNode]:
    source = film("a", [number])
    return source, formats.to_canvas(source, 384), formats.to_canvas(film("b", [number]), 384)


def method_weight() -> Image.Image:
    """`mweight` from DeOldify to DDColor."""
    source, a, b = _canvases()
    cells = [
        (f"mweight = {w:g}", shot(formats.restore(source, merge.simple(a, b, w))))
        for w in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    ]
    return in_rows(cells, 3, 320)


def method_constrained() -> Image.Image:
    """`cmc_tresh` from DeOldify's colours to DDColor's."""
    source, a, b = _canvases()
    cells = [
        (f"cmc_tresh = {t:g}", shot(formats.restore(source, merge.constrained_chroma(a, b, t, 1.0))))
        for t in (0.0, 0.05, 0.1, 0.2, 0.3, 1.0)
    ]
    return in_rows(cells, 3, 320)


def method_masked() -> Image.Image:
    """The share of DDColor in every pixel, and the result, for three pairs of limits."""
    source, a, b = _canvases()
    shares, results = [], []
    for low, high in ((0.2, 0.8), (0.1, 0.3), (0.3, 0.3)):
        share = core.std.Expr(planes.plane(a, 0), expressions.ramp(low, high, "x"))
        share = core.resize.Bilinear(share, source.width, source.height)
        shares.append((f"limits {low:g} and {high:g}: share of DDColor", shot(share)))
        merged = merge.luma_masked(a, b, luma_masked_params([low, high]), 1.0)
        results.append(("result, mweight = 1", shot(formats.restore(source, merged))))
    return sheet([shares, results], 320)


def method_adaptive() -> Image.Image:
    """How DDColor's weight falls with the mean luma of a frame."""
    figure = Figure(figsize=(7.2, 3.6))
    axes = figure.add_subplot()
    luma = np.linspace(0, 1, 201)
    for alpha, style in ((0.5, "--"), (1.0, "-"), (2.0, "-."), (4.0, ":")):
        weight = np.where(luma < 0.8, np.maximum(0.4 * (luma / 0.8) ** alpha, 0.15), 0.4)
        default = " (default)" if alpha == 1 else ""
        axes.plot(luma, weight, style, label=f"alpha = {alpha:g}{default}", color="black")
    axes.axvline(0.8, color="gray", linewidth=0.8)
    axes.text(0.81, 0.02, "luma_threshold = 0.8", color="gray", fontsize=9, rotation=90, va="bottom")
    axes.text(0.01, 0.16, "min_weight = 0.15", color="gray", fontsize=9)
    axes.text(0.99, 0.41, "mweight = 0.4", color="gray", fontsize=9, ha="right")
    axes.set(xlabel="mean luma of the frame", ylabel="weight of DDColor", xlim=(0, 1), ylim=(0, 0.45))
    axes.legend(loc="upper left", frameon=False)
    return plotted(figure)


def filter_saturation_hue() -> Image.Image:
    """The saturation and hue of a model."""
    source, a, _ = _canvases()
    cells = [
        (f"saturation {s:g}, hue {h:g}", shot(formats.restore(source, merge.rotate(a, s, h))))
        for s, h in ((0.5, 0), (1.0, 0), (1.5, 0), (1.0, -30), (1.0, 30), (1.0, 90))
    ]
    return in_rows(cells, 3, 320)


def filter_adjust() -> Image.Image:
    """Which colours a hue range selects, and what an adjustment makes of them."""
    source = film("b", [PINK])
    canvas = formats.to_canvas(source, 384)
    text = "300:360|0.3,0.0"
    ranges = hues.parse_ranges("300:360")
    chroma = planes.planes(canvas)[1:]
    strong = "x x * y y * + 0.0006 >"
    selected = core.std.Expr(chroma, f"{hue.in_range_expr(ranges, 'x', 'y')} {strong} and 1 0 ?")
    selected = core.resize.Bilinear(selected, source.width, source.height)
    adjusted = [
        (text, shot(formats.restore(source, hue.adjust_chroma(canvas, hues.parse_adjustment(text)))))
        for text in (text, "300:360|0.3,0.2", "300:30|0.3,0.2", "0:360|0.3,0.2")
    ]
    return in_rows(
        [("before", shot(source)), ("coloured pixels in 300:360", shot(selected)), *adjusted], 3, 320
    )


def filter_tweak() -> Image.Image:
    """What DDColor gets to see."""
    source = photo("1919_helen_keller_chaplin.jpg", 640)
    canvas = formats.to_gray(source, 384)
    cells = [("ddtweak = False", shot(gray(source)))]
    for text, changed in (
        ("bright = 0.1", DDTweakParams(bright=0.1, gamma=1.0, luma_constrained=False)),
        ("contrast = 1.5", DDTweakParams(contrast=1.5, gamma=1.0, luma_constrained=False)),
        ("gamma = 2.5", DDTweakParams(luma_constrained=False)),
        ("gamma = 1, luma_min = 0.3", DDTweakParams(gamma=1.0, luma_min=0.3)),
        ("the defaults", DDTweakParams()),
    ):
        seen = tweak.tweak_luma(canvas, ddtweak_params(changed))
        cells.append((text, shot(core.resize.Spline36(seen, source.width, source.height))))
    return in_rows(cells, 3, 320)


def filter_tweak_gamma() -> Image.Image:
    """The gamma that `luma_constrained` gives to a frame."""
    figure = Figure(figsize=(7.2, 3.4))
    axes = figure.add_subplot()
    luma = np.linspace(0, 1, 1001)
    for alpha, lowest, style in ((1.5, 0.5, "-"), (1.5, 1.0, "--"), (0.0, 0.5, ":")):
        gamma = np.where(luma < 0.5, np.maximum(2.5 * (luma / 0.5) ** alpha, lowest), 1.0)
        default = " (defaults)" if (alpha, lowest) == (1.5, 0.5) else ""
        label = f"alpha {alpha:g}, min {lowest:g}{default}"
        axes.plot(luma, gamma, style, color="black", label=label)
    axes.text(0.02, 0.98, "below 1: darker", color="gray", fontsize=9, va="top")
    axes.axhline(1, color="gray", linewidth=0.6)
    axes.set(xlabel="mean luma of the frame", ylabel="gamma", xlim=(0, 1), ylim=(0, 2.7))
    axes.legend(loc="upper right", frameon=False, title="gamma_alpha, gamma_min")
    return plotted(figure)


def filter_dark() -> Image.Image:
    """Dark areas before and after."""
    cells = []
    for name, number in (("dark parts blue", BLUE), ("dark parts red", RED)):
        source = film("b", [number])
        cells += [
            (name, shot(source)),
            ("dark, defaults", shot(ddeoldify_stabilizer(source, dark=True))),
            (
                'dark_p=[0.3, 0.9, "none"]',
                shot(ddeoldify_stabilizer(source, dark=True, dark_p=DarkParams(0.3, 0.9, "none"))),
            ),
        ]
    return in_rows(cells, 3, 320)


def filter_smooth() -> Image.Image:
    """Colours softened from bright to dark."""
    source = film("b", [REDDISH])
    cells = [("before", shot(source))]
    for text, smooth_p in (
        ("defaults: dark_sat = 0.9", SmoothParams()),
        ("dark_sat = 0.5", SmoothParams(dark_sat=0.5)),
        ("dark_sat = 0.2", SmoothParams(dark_sat=0.2)),
        ("0.2, thresholds 0.1 and 0.4", SmoothParams(0.1, 0.4, 0.2)),
        ("0.2, only 300:360", SmoothParams(dark_sat=0.2, hue_range="300:360")),
    ):
        cells.append((text, shot(ddeoldify_stabilizer(source, smooth=True, smooth_p=smooth_p))))
    return in_rows(cells, 3, 320)


def filter_colormap() -> Image.Image:
    """Blue clothes in other colours."""
    source = film("b", [BLUE])
    cells = [("before", shot(source))]
    maps = "blue->brown", "blue->brown,0", "blue->green,0", "180:280|-30,0", "180:280|+140,0; 80:180|+220,0"
    for text in maps:
        cells.append((text, shot(ddeoldify_stabilizer(source, colormap=text))))
    return in_rows(cells, 3, 320)


def filter_curves() -> Image.Image:
    """What is left of the colour at each luma, for `dark` and `smooth`."""
    figure = Figure(figsize=(9, 3.3))
    luma = np.linspace(0, 1, 201)
    left, right = figure.subplots(1, 2, sharey=True)
    for amount, style in ((0.2, ":"), (0.5, "--"), (0.8, "-")):
        factor = np.clip(1.1 - amount, 0.1, 0.8) * (1 - np.clip(amount, 0.2, 0.9))
        kept = factor + (1 - factor) * np.clip((luma - 0.1) / 0.1, 0, 1)
        default = " (default)" if amount == 0.8 else ""
        left.plot(luma, kept, style, color="black", label=f"amount = {amount:g}{default}")
    for dark_sat, style in ((0.2, ":"), (0.5, "--"), (0.9, "-")):
        factor = dark_sat * 0.95
        kept = factor + (1 - factor) * np.clip((luma - 0.3) / 0.4, 0, 1)
        default = " (default)" if dark_sat == 0.9 else ""
        right.plot(luma, kept, style, color="black", label=f"dark_sat = {dark_sat:g}{default}")
    left.set(title="dark, threshold = 0.2", xlabel="luma of the pixel", ylabel="colour kept", ylim=(0, 1.03))
    right.set(title="smooth, thresholds 0.3 and 0.7", xlabel="luma of the pixel")
    for axes in (left, right):
        axes.set_xlim(0, 1)
        axes.legend(loc="lower right", frameon=False)
    return plotted(figure)


def filter_stab() -> Image.Image:
    """Frames one after the other, with a scene cut among them, for several settings of `stab`."""
    source = film("b")
    columns = range(13, 22)
    none = (1.0, 0, 0.2, 0.15, "none")
    settings: dict[str, Sequence[object] | None] = {
        "as coloured": None,
        "A, 5 frames": (5, "A", *none),
        "A, 15 frames": (15, "A", *none),
        "G, 15 frames": (15, "G", *none),
    }
    rows = []
    for row, stab_p in enumerate(settings.values()):
        clip = source if stab_p is None else ddeoldify_stabilizer(source, stab=True, stab_p=stab_p)
        cells = []
        for n in columns:
            caption = f"frame {n}" + (" (cut)" if n == 18 else "")
            cells.append((caption if row == 0 else "", shot(clip, n)))
        rows.append(cells)
    return sheet(rows, 136, list(settings))


def filter_time() -> Image.Image:
    """One column of pixels over time: flicker is stripes."""
    source = film("b")
    none = (1.0, 0, 0.2, 0.15, "none")
    cells = []
    for text, stab_p in (
        ("as coloured", None),
        ("A, 5 frames", (5, "A", *none)),
        ("A, 15 frames", (15, "A", *none)),
        ("G, 15 frames", (15, "G", *none)),
    ):
        clip = source if stab_p is None else ddeoldify_stabilizer(source, stab=True, stab_p=stab_p)
        columns = [shot(clip, n)[:, 60:61].repeat(14, axis=1) for n in range(len(clip))]
        cells.append((text, np.concatenate(columns, axis=1)))
    return in_rows(cells, 2, 480)


def _coloured(clip: vs.VideoNode) -> vs.VideoNode:
    """Coloured by the bundled model, as the preset "preview" does it, without the filters over time."""
    from vsdeoldify.functions import colorize

    return colorize(clip, "preview", device_index=99, stab=False)


def demo_before_after() -> Image.Image:
    """Photographs before and after, by the bundled model."""
    rows = []
    for name, height in (("1908_buffalo_bank.jpg", 440), ("1919_helen_keller_chaplin.jpg", 394)):
        source = photo(name, 800)
        source = core.std.Crop(source, bottom=source.height - height)
        rows.append([("", shot(gray(source))), ("", shot(_coloured(source)))])
    return sheet(rows, 480)


# The pullover in frame 88 of the old film at 460×336, roughly; what in it is light enough is wool.
_PULLOVER = [(242, 124), (285, 124), (310, 142), (330, 160), (330, 245), (316, 256), (306, 280)]
_PULLOVER += [(190, 298), (182, 270), (184, 180), (195, 148), (225, 138)]
_PAINTED, _WOOL, _BLUE = 88, 0.40, (0.12, -0.06)


def old_film() -> vs.VideoNode:
    """A scene of the old film, small, coloured by the bundled model."""
    source = core.bs.VideoSource(str(SHARED / "film" / "sample_bw.mp4"), cachemode=0)
    return ddeoldify(core.resize.Bicubic(source, 460, 336), 1, ddcolor_p=["preview", 24], device_index=99)


def painted_pullover(clip: vs.VideoNode) -> Picture:
    """Frame 88 of the old film, its pullover painted blue, as a person does it in a paint program."""
    picture = shot(core.resize.Bicubic(clip, format=vs.RGB24), _PAINTED).astype(np.float64) / 255
    luma = picture @ [0.299, 0.587, 0.114]
    outline = Image.new("L", luma.shape[::-1])
    ImageDraw.Draw(outline).polygon(_PULLOVER, fill=255)
    wool = Image.fromarray(np.where((np.asarray(outline) > 0) & (luma > _WOOL), 255, 0).astype(np.uint8))
    wool = wool.filter(ImageFilter.MedianFilter(7)).filter(ImageFilter.GaussianBlur(0.7))
    share = np.asarray(wool)[..., None] / 255
    u, v = _BLUE
    red, blue = luma + 1.402 * v, luma + 1.772 * u
    painted = np.dstack([red, (luma - 0.299 * red - 0.114 * blue) / 0.587, blue])
    mixed = picture * (1 - share) + painted.clip(0, 1) * share
    return (mixed * 255).round().astype(np.uint8)


def references() -> Image.Image:
    """One painted frame, and its scene."""
    automatic = old_film()
    with tempfile.TemporaryDirectory() as folder:
        write_picture(Path(folder) / f"ref_{_PAINTED:06}.png", painted_pullover(automatic))
        corrected = ddeoldify_references(automatic, folder)
        clips = {"automatic": automatic, "with one\npainted frame": corrected}
        rows = [
            [
                (f"frame {n}" + ", painted" * (n == _PAINTED and clip is corrected), shot(rgb, n))
                for n in (44, 60, _PAINTED, 120)
            ]
            for clip in clips.values()
            for rgb in [core.resize.Bicubic(clip, format=vs.RGB24)]
        ]
    return sheet(rows, 230, list(clips))


def scenes_sheet() -> Image.Image:
    """The sheet that `vsdeoldify scenes` makes of a film."""
    path = SHARED / "film" / "sample_bw.mp4"
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "sheet.png"
        write_sheet(written, *find_scenes(path))
        return Image.fromarray(to_8_bits(read_picture(written)))


def preview_photos() -> Image.Image:
    """Photographs above, their colours by the bundled model below."""
    names = ("1915_detroit.jpg", "1919_helen_keller_chaplin.jpg", "1946_louis_armstrong.jpg")
    sources = []
    for name in names:
        source = photo(name, 480)
        top = (source.height - 238) // 2
        sources.append(core.std.Crop(source, top=top, bottom=source.height - 238 - top))
    return sheet(
        [
            [("", shot(gray(source))) for source in sources],
            [("", shot(_coloured(source))) for source in sources],
        ],
        320,
    )


PICTURES: dict[str, Callable[[], Image.Image]] = {
    "hue_wheel.png": hue_wheel,
    "method_all.jpg": methods,
    "method_2_weight.jpg": method_weight,
    "method_3_constrained.jpg": method_constrained,
    "method_4_masked.jpg": method_masked,
    "method_5_adaptive.png": method_adaptive,
    "filter_saturation_hue.jpg": filter_saturation_hue,
    "filter_adjust.jpg": filter_adjust,
    "filter_tweak.jpg": filter_tweak,
    "filter_tweak_gamma.png": filter_tweak_gamma,
    "filter_dark.jpg": filter_dark,
    "filter_smooth.jpg": filter_smooth,
    "filter_colormap.jpg": filter_colormap,
    "filter_curves.png": filter_curves,
    "filter_stab.jpg": filter_stab,
    "filter_time.jpg": filter_time,
    "demo_before_after.jpg": demo_before_after,
    "references.jpg": references,
    "scenes_sheet.jpg": scenes_sheet,
    "preview_photos.jpg": preview_photos,
}


def save(image: Image.Image, path: Path) -> int:
    """Write a picture in at most `LARGEST` bytes; JPEG gives up quality for it.

    Raises:
        ValueError: it stays larger.
    """
    for quality in (90, 85, 80, 70, 60):
        buffer = io.BytesIO()
        if path.suffix == ".png":
            image.save(buffer, "PNG", optimize=True)
        else:
            image.save(buffer, "JPEG", quality=quality, subsampling=0, optimize=True)
        if buffer.tell() <= LARGEST:
            path.write_bytes(buffer.getvalue())
            return buffer.tell()
    raise ValueError(f"{path.name} needs more than {LARGEST} bytes: make it smaller")


def main() -> None:
    global SHARED
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(PICTURES)} (default: all)")
    parser.add_argument(
        "--shared", type=Path, default=SHARED, help="the reference data (default: $VSDEOLDIFY_SHARED)"
    )
    args = parser.parse_args()
    SHARED = args.shared
    if unknown := [name for name in args.names if name not in PICTURES]:
        parser.error(f"no picture is called {', '.join(unknown)}")
    if not (SHARED / "filters").is_dir():
        parser.error("name the folder of the reference data with --shared")
    IMAGES.mkdir(exist_ok=True)
    for name in args.names or PICTURES:
        size = save(PICTURES[name](), IMAGES / name)
        print(f"{IMAGES / name}: {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
