"""The training: data, loss, schedule, interruption, export."""

# ruff: noqa: E402 - what needs the train extra is imported after the check for it.

import _thread
import json
import os
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

pytest.importorskip("fastai", reason="training needs the train extra")
cv2 = pytest.importorskip("cv2", reason="training needs the train extra")

from fastai.optimizer import OptimWrapper

from vsdeoldify.preview.network import ANCHORS, PreviewNetwork, load_network
from vsdeoldify.training.__main__ import main
from vsdeoldify.training.callbacks import Schedule, Taught
from vsdeoldify.training.data import (
    Box,
    Crops,
    Pairs,
    Tone,
    chroma_histogram,
    find_anchors,
    join_views,
    whole_pictures,
)
from vsdeoldify.training.export import calibrate, export
from vsdeoldify.training.losses import (
    ColourLoss,
    disagreement,
    fullness,
    taught_loss,
    visible_difference,
)
from vsdeoldify.training.mix import main as mix_command
from vsdeoldify.training.mix import measure_statistics, mix, parse_shares
from vsdeoldify.training.store import Store, read_pictures, to_planes
from vsdeoldify.training.train import LogitsModule, Settings, train


def write_pictures(folder: Path, count: int, seed: int = 0) -> Path:
    """Pictures of soft, saturated colour fields."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    for i in range(count):
        field = cv2.resize(
            random.integers(0, 256, (4, 5, 3), np.uint8), (60, 48), interpolation=cv2.INTER_CUBIC
        )
        cv2.imwrite(str(folder / f"{i:02}.png"), field)
    return folder


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """On crops this small, threads that wait for each other cost more than they bring."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("pictures"), 10)


@pytest.fixture(scope="module")
def store(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store.build(tmp_path_factory.mktemp("store"), [pictures])


@pytest.fixture(scope="module")
def start(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file with random weights and anchors of the pictures."""
    torch.manual_seed(0)
    network = PreviewNetwork()
    anchors = find_anchors(chroma_histogram(store, range(len(store))), ANCHORS, 0)
    network.anchors.copy_(torch.from_numpy(anchors))
    file = tmp_path_factory.mktemp("start") / "start.safetensors"
    export(network, file)
    return file


def settings(pictures: Path, start: Path, folder: Path, **changes: object) -> Settings:
    values = {"epochs": 2, "batch": 3, "sizes": (32, 64), "shares": (0.5, 0.5), "every": 0.0, "rate": 1e-3}
    return Settings(pictures=[pictures], folder=folder, start=start, **(values | changes))  # type: ignore[arg-type]


# A whole training on few, small pictures, which ends as full of colour as they are.
QUICKLY = {
    "epochs": 25,
    "sizes": (32,),
    "shares": (1.0,),
    "average": 0.5,
    "colourful": 1.0,
    "every": 1e9,
}


def log(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_pictures_are_found_in_folders_tar_files_and_alone(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    archive = tmp_path / "pictures.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(pictures, "inner")
    single = pictures / "03.png"
    assert len(list(read_pictures([tmp_path]))) == 0
    assert len(list(read_pictures([pictures, archive, single]))) == 21


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there are no pictures at"):
        list(read_pictures([tmp_path / "nowhere"]))


def test_planes_hold_luma_and_lab() -> None:
    planes = to_planes(np.array([[[255, 0, 0], [128, 128, 128]]], np.uint8))
    # Lab of sRGB red is (53.2, 80.1, 67.2); its BT.601 luma is 0.299.
    np.testing.assert_allclose(planes[0, 0], (76, 208, 195), atol=1)
    np.testing.assert_allclose(planes[0, 1], (128, 128, 128), atol=1)


def test_pictures_are_decoded_once(pictures: Path, store: Store, tmp_path: Path) -> None:
    first = Store.build(tmp_path, [pictures])
    written = next(tmp_path.glob("*.u8")).stat().st_mtime_ns
    again = Store.build(tmp_path, [pictures])
    assert next(tmp_path.glob("*.u8")).stat().st_mtime_ns == written
    assert len(first) == len(again) == 10
    np.testing.assert_array_equal(first[4], to_planes(cv2.imread(str(pictures / "04.png"))[..., ::-1]))


def test_pictures_of_one_place_come_oftener(pictures: Path, tmp_path: Path) -> None:
    stills = write_pictures(tmp_path / "stills", 2, seed=7)
    (stills / "broken.png").write_text("no picture")
    store = Store.build(tmp_path / "work", [pictures, stills, pictures / "03.png"])
    assert store.counts == [10, 2, 1]
    assert store.repeated([3, 11, 10, 12], (1, 3, 2)) == [3, 11, 10, 12, 11, 10, 12, 11, 10]
    np.testing.assert_array_equal(store[11], to_planes(cv2.imread(str(stills / "01.png"))[..., ::-1]))


def test_a_copy_of_the_pictures_is_not_decoded_again(pictures: Path, tmp_path: Path) -> None:
    names = []
    for place in ("here", "there"):
        archive = tmp_path / place / "pictures.tar"
        archive.parent.mkdir()
        with tarfile.open(archive, "w") as tar:
            tar.add(pictures, "inner")
        # As a copy that was made another day.
        os.utime(archive, (1e9 + len(place), 1e9 + len(place)))
        names.append(Store.build(tmp_path / "work", [archive]).name)
    assert names[0] == names[1]
    assert Store.build(tmp_path / "work", [archive, pictures / "03.png"]).name != names[0]
    assert Store.build(tmp_path / "work", [archive], without=["01"]).name != names[0]


def test_unreadable_pictures_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="no picture could be read"):
        Store.build(tmp_path / "work", [tmp_path])


def test_a_crop_keeps_gray_and_colours_together(tmp_path: Path) -> None:
    halves = np.zeros((64, 96, 3), np.uint8)
    halves[:, :48] = (0, 0, 255)
    halves[:, 48:] = (255, 255, 0)
    cv2.imwrite(str(tmp_path / "halves.png"), halves)
    crops = Crops(Store.build(tmp_path, [tmp_path]), [0] * 40, 64, 0)
    for i in range(len(crops)):
        gray, ab = crops[i]
        assert gray.shape == (1, 64, 64)
        assert ab.shape == (2, 32, 32)
        bright = torch.nn.functional.avg_pool2d(gray, 2)[0]
        cyan = ab[0] < 0
        if 0.1 < cyan.float().mean() < 0.9:
            assert bright[cyan].mean() > bright[~cyan].mean() + 0.1


def test_pictures_are_left_out_by_the_first_word_of_their_names(tmp_path: Path) -> None:
    for name in ("har_1", "hare_1", "other_har"):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.zeros((40, 40, 3), np.uint8))
    found = [name for name, _ in read_pictures([tmp_path], ["har"])]
    assert found == ["hare_1.png", "other_har.png"]


@pytest.mark.parametrize("seed", range(3))
def test_second_views_lie_over_the_first_ones(store: Store, seed: int) -> None:
    pairs = Pairs(store, list(range(len(store))) * 4, 64, seed)
    # Covered views show another picture: here it is about where things are.
    pairs._cover = lambda first, second: None  # type: ignore[method-assign]
    items = [pairs[i] for i in range(20)]
    assert [len(item) for item in items] == [2, 5] * 10
    gray, ab, rows, places = join_views(items)
    assert gray.shape == (30, 1, 64, 64)
    assert ab.shape == (30, 2, 32, 32)
    assert rows.tolist() == list(range(1, 20, 2))
    grid = torch.nn.functional.affine_grid(places, [10, 2, 32, 32], align_corners=False)
    laid = torch.nn.functional.grid_sample(ab[-10:], grid, align_corners=False)
    inside = (grid.abs() <= 1).all(dim=-1)
    # Half of the views stand still and lie over the first ones as they are; the others have moved.
    moved = (places != torch.eye(2, 3)).any(dim=(1, 2))
    assert 0 < moved.sum() < 10
    assert torch.equal(ab[-10:][~moved], ab[rows][~moved])
    inside &= moved[:, None, None]
    apart = (laid - ab[rows]).norm(dim=1)[inside].median()
    before = (ab[-10:] - ab[rows]).norm(dim=1)[inside].median()
    assert apart < 2
    assert before > 2 * apart


def test_what_passes_in_front_is_in_both_views(store: Store) -> None:
    pairs = Pairs(store, list(range(len(store))), 64, 5)
    views = [(torch.full((1, 64, 64), -1.0), torch.full((2, 32, 32), -999.0)) for _ in range(2)]
    pairs._cover(views[0], views[1])
    there = [ab[0] > -999 for _, ab in views]
    assert 0 < int(there[0].sum()) == int(there[1].sum())
    for (gray, ab), inside in zip(views, there, strict=True):
        large = inside.repeat_interleave(2, 0).repeat_interleave(2, 1)
        assert torch.equal(gray[0] >= 0, large)
        assert torch.equal(ab[:, inside], views[1][1][:, there[1]])


def test_a_batch_without_second_views_has_none(store: Store) -> None:
    gray, ab, rows, places = join_views([Crops(store, [0], 32, 0)[0]] * 2)
    assert (len(gray), len(ab), len(rows), len(places)) == (2, 2, 0, 0)


def test_only_what_both_views_show_must_agree() -> None:
    ab = torch.zeros(3, 2, 8, 8)
    ab[2, :, :4] = 50
    mean = ab.clone()
    rows, places = torch.tensor([1]), torch.eye(2, 3)[None]
    assert disagreement(mean, ab, rows, places) == 0
    mean[2, 0, 4:] = 10
    assert float(disagreement(mean, ab, rows, places)) == pytest.approx(9.9 / 10.9, abs=0.001)


def test_colours_that_nearly_agree_are_drawn_together_more_than_far_ones() -> None:
    ab, rows, places = torch.zeros(2, 2, 8, 8), torch.tensor([0]), torch.eye(2, 3)[None]

    def pull(distance: float) -> float:
        mean = ab.clone()
        mean[1, 0] = distance
        mean.requires_grad_()
        disagreement(mean, ab, rows, places).backward()
        assert mean.grad is not None
        return float(mean.grad[1].norm())

    assert pull(0.5) > 10 * pull(6)


def test_a_shift_of_the_whole_picture_costs_more_than_specks() -> None:
    ab, rows, places = torch.zeros(2, 2, 32, 32), torch.tensor([0]), torch.eye(2, 3)[None]
    whole, specks = ab.clone(), ab.clone()
    whole[1, 0] = 1
    specks[1, 0] = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(16, 16)
    costs = [float(disagreement(mean, ab, rows, places)) for mean in (whole, specks)]
    assert costs[0] > 3 * costs[1] > 0


def test_a_film_that_sees_no_red_shows_red_dark(store: Store) -> None:
    red = to_planes(np.full((40, 40, 3), (200, 40, 40), np.uint8))
    crops = Crops(store, [0], 32, 0)
    true, orthochromatic = (
        crops._view(red, Box(0, 0, 40, 40), False, tone)[0].mean() for tone in (Tone(), Tone(red=0.5))
    )
    assert orthochromatic < true - 0.05


def test_frozen_stages_stay_as_they_are() -> None:
    torch.manual_seed(0)
    network = PreviewNetwork()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    module = LogitsModule(network, 2).train()
    optimizer = torch.optim.SGD([p for p in module.parameters() if p.requires_grad], 0.1)
    module(torch.rand(2, 1, 64, 64)).square().mean().backward()
    optimizer.step()
    after = network.state_dict()
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert not [k for k in changed if k.startswith(("encoder.stem", "encoder.stages.0", "encoder.stages.1"))]
    assert "encoder.stages.2.0.layers.0.conv.weight" in changed


def test_anchors_cover_saturated_colours(store: Store) -> None:
    histogram = chroma_histogram(store, range(len(store)))
    anchors = find_anchors(histogram, 16, 0)
    assert anchors.shape == (16, 2)
    assert np.hypot(*anchors.T).max() > 40
    np.testing.assert_array_equal(anchors, find_anchors(histogram, 16, 0))


def test_too_few_colours_are_an_error() -> None:
    with pytest.raises(ValueError, match="more colourful pictures"):
        find_anchors(np.eye(256, dtype=np.int64)[:3], 16, 0)


def test_the_loss_is_least_at_the_truth_and_rare_colours_weigh_more(store: Store) -> None:
    histogram = chroma_histogram(store, range(len(store)))
    histogram[128, 128] += histogram.sum() * 20
    anchors = find_anchors(histogram, 16, 0)
    loss = ColourLoss(anchors, histogram)
    gray, rare = (int(np.hypot(*anchors.T).argmin()), int(np.hypot(*anchors.T).argmax()))
    table = torch.from_numpy(anchors).float()

    def of(true: int, said: int) -> float:
        logits = torch.zeros(1, 16, 2, 2)
        logits[0, said] = 8
        fields = [table[n].view(1, 2, 1, 1).expand(1, 2, 2, 2) for n in (said, true)]
        return float(loss(logits, *fields))

    assert of(rare, rare) < of(rare, gray)
    assert of(gray, gray) < of(gray, rare)
    assert loss.weights[rare] > 1.5 * loss.weights[gray]


def test_the_visible_difference_follows_ciede2000() -> None:
    metrics = pytest.importorskip("vsdeoldify.metrics")
    pytest.importorskip("skimage")
    random = np.random.default_rng(0)
    first = random.uniform(-45, 45, (2, 400)).astype(np.float32)
    second = first + random.normal(0, 12, (2, 400)).astype(np.float32)
    lab = [np.concatenate((np.full((1, 400), 60, np.float32), ab)).T for ab in (first, second)]
    exact = metrics.ciede2000(*lab)
    planes = [torch.from_numpy(ab)[None, :, None] for ab in (first, second)]
    found = visible_difference(*planes)[0, 0].numpy()
    assert np.corrcoef(exact, found)[0, 1] > 0.95
    assert found.mean() == pytest.approx(exact.mean(), rel=0.1)
    assert float(visible_difference(planes[0], planes[0]).abs().max()) < 0.01


def test_fullness_follows_the_colours_and_gray_has_none() -> None:
    truth = torch.zeros(1, 2, 8, 8)
    truth[:, 0, :, 4:] = 40
    assert fullness(truth * 0.5).item() == pytest.approx(float(fullness(truth)) * 0.5, rel=0.01)
    assert fullness(torch.zeros(1, 2, 8, 8)) < 0.1


def test_the_rate_rises_and_falls_and_crops_grow(store: Store) -> None:
    groups = [[torch.nn.Parameter(torch.zeros(1))] for _ in range(2)]
    optimizer = OptimWrapper(params=groups, opt=torch.optim.SGD, lr=0.1)
    rates: list[float] = []
    sizes = []
    schedule = Schedule(Crops(store, [0], 32, 0), (32, 64), (1, 3), 1e-3, 100, None)
    schedule.learn = SimpleNamespace(opt=optimizer)
    schedule.before_fit()
    for _ in range(99):
        schedule.before_batch()
        rates.append(optimizer.hypers[1]["lr"])
        schedule.after_batch()
        sizes.append(schedule.crops.size)
    assert max(rates) == pytest.approx(1e-3, rel=0.05)
    assert rates[0] < 1e-4
    assert rates[-1] < 1e-5
    assert sizes[:24] == [32] * 24
    assert sizes[25:] == [64] * 74


def test_training_by_the_clock_ends_on_time(pictures: Path, start: Path, tmp_path: Path) -> None:
    begun = time.monotonic()
    train(settings(pictures, start, tmp_path, minutes=1 / 30, epochs=1e6))
    assert time.monotonic() - begun < 60
    assert log(tmp_path)[-1]["progress"] == 1


def test_time_asleep_is_no_time_of_training() -> None:
    clock = Schedule(SimpleNamespace(size=0), (32,), (1,), 1e-3, 1, minutes=10)  # type: ignore[arg-type]
    clock.before_fit()
    clock.last -= 3600
    clock.after_batch()
    assert 59 < clock.elapsed < 61


def test_a_start_is_as_full_in_colour_as_the_training_asks_for(
    pictures: Path, start: Path, tmp_path: Path
) -> None:
    network, shares = load_network(start), []
    for place, gain in (("pale", 0.6), ("full", 1.8)):
        network.gain.fill_(gain)
        file = tmp_path / f"{place}.safetensors"
        export(network, file)
        train(settings(pictures, file, tmp_path / place, epochs=1, rate=1e-9))
        shares.append(log(tmp_path / place)[0]["chroma_share"])
    assert shares[0] == pytest.approx(shares[1], rel=0.1)


def test_training_learns_a_colour(tmp_path: Path, start: Path) -> None:
    random = np.random.default_rng(0)
    folder = tmp_path / "orange"
    folder.mkdir()
    for i in range(4):
        light = cv2.resize(random.uniform(0.5, 1, (5, 5)), (48, 48), interpolation=cv2.INTER_CUBIC).clip(0, 1)
        cv2.imwrite(str(folder / f"{i}.png"), (light[..., None] * (40, 130, 240)).astype(np.uint8))
    network = train(
        settings(
            folder,
            start,
            tmp_path / "work",
            rate=3e-3,
            **QUICKLY,
        )
    )
    gray, ab = whole_pictures(Store.build(tmp_path / "work", [folder]), [0], 64)
    with torch.inference_mode():
        found, unlearned = network(gray), load_network(start)(gray)
    assert torch.cosine_similarity(found, ab).mean() > 0.85
    assert (found - ab).norm(dim=1).mean() < 0.9 * (unlearned - ab).norm(dim=1).mean()


def test_an_interrupted_training_goes_on_where_it_stopped(
    pictures: Path, start: Path, tmp_path: Path
) -> None:
    wanted = settings(pictures, start, tmp_path / "work", epochs=4)
    total = 4 * (9 // 3)

    def interrupt() -> None:
        while not (tmp_path / "work" / "examples.png").exists():
            time.sleep(0.01)
        _thread.interrupt_main()

    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        train(wanted)
    thread.join()
    stopped = log(tmp_path / "work")[-1]["step"]
    assert 1 <= stopped < total
    train(wanted)
    steps = [line["step"] for line in log(tmp_path / "work")]
    assert steps[-1] == total
    assert steps[steps.index(stopped) :][-1] == total
    assert sorted(steps) == steps

    outputs = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    for output in outputs:
        # Nothing is left to train: both times the same weights are exported.
        export(train(wanted), output)
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    assert len(log(tmp_path / "work")) == len(steps)
    assert isinstance(load_network(outputs[0]), PreviewNetwork)


def test_a_checkpoint_of_another_training_is_refused(pictures: Path, start: Path, tmp_path: Path) -> None:
    train(settings(pictures, start, tmp_path, epochs=1))
    with pytest.raises(ValueError, match="belongs to a training with other pictures or settings"):
        train(settings(pictures, start, tmp_path, epochs=1, seed=1))


def test_calibrating_reaches_the_wanted_fullness(store: Store, start: Path) -> None:
    network = load_network(start)
    gray, _ = whole_pictures(store, range(4), 64)
    with torch.inference_mode():
        ab = network(gray) * 1.2
        calibrate(network, gray, ab, 0.9)
        share = fullness(network(gray)).mean() / fullness(ab).mean()
    assert float(share) == pytest.approx(0.9, abs=0.01)


def test_a_folded_network_is_not_exported(start: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="folded network cannot be exported"):
        export(load_network(start).fold(), tmp_path / "x.safetensors")


def test_the_command_trains_and_writes_a_model(
    pictures: Path, start: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "mine.safetensors"
    options = ["--epochs", "1", "--batch", "4", "--sizes", "32", "--shares", "1"]
    assert main([str(pictures), "--output", str(output), "--start", str(start), *options]) == 0
    assert str(output) in capsys.readouterr().out
    assert isinstance(load_network(output), PreviewNetwork)
    assert (tmp_path / "mine.work" / "examples.png").is_file()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["--sizes", "100", "--shares", "1"], "sizes must be multiples of 32"),
        (["--sizes", "32", "--shares", "1,2"], "shares must be one number above 0 for each size"),
        (["--minutes", "-1"], "minutes must be above 0"),
        (["--times", "1,2"], "times must be one whole number above 0 for each place with pictures"),
        (["--times", "0"], "times must be one whole number above 0"),
        (["--frozen", "8"], "frozen must be 0 to 7 stages"),
        (["--backbone", "missing.safetensors"], "missing.safetensors"),
        (["--teachers", "missing.safetensors"], "missing.safetensors"),
        (["--teachers", "a.safetensors", "--trust", "1,2"], "trust must be one number above 0 for each"),
        (["--teachers", "a.safetensors", "--trust", "-1"], "trust must be one number above 0 for each"),
        (["--teachers", "a.safetensors", "--backbone", "b.safetensors"], "no backbone"),
    ],
)
def test_wrong_options_are_explained(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: list[str], message: str
) -> None:
    with pytest.raises(SystemExit):
        main([str(pictures), "--output", str(tmp_path / "x.safetensors"), *changes])
    assert message in capsys.readouterr().err


def test_the_teachers_mean_is_weighted_and_does_not_know_left_from_right(start: Path) -> None:
    torch.manual_seed(1)
    first, second = load_network(start), PreviewNetwork().eval()
    second.anchors.copy_(first.anchors)
    gray = torch.rand(2, 1, 64, 64)
    found = torch.stack([Taught([(first, 0.75), (second, 0.25)]).wanted(gray) for _ in range(24)])
    with torch.no_grad():
        ways = {
            (a, b): 0.75 * mirrored_mean(first, gray, a) + 0.25 * mirrored_mean(second, gray, b)
            for a in (False, True)
            for b in (False, True)
        }
    seen = [key for one in found for key, way in ways.items() if torch.allclose(one, way, atol=1e-5)]
    assert len(seen) == len(found)
    assert set(seen) == set(ways)


def mirrored_mean(network: PreviewNetwork, gray: torch.Tensor, mirrored: bool) -> torch.Tensor:
    if not mirrored:
        return network.mean(network.logits(gray))
    return network.mean(network.logits(gray.flip(-1))).flip(-1)


def test_the_taught_loss_is_least_at_the_wanted_colours_and_counts_second_views() -> None:
    torch.manual_seed(0)
    wanted, ab, places = torch.randn(2, 2, 8, 8) * 20, torch.zeros(3, 2, 8, 8), torch.eye(2, 3)[None]
    none = torch.zeros(0, dtype=torch.long)
    near, far = (float(taught_loss(wanted + d, ab[:2], none, places[:0], wanted)) for d in (0.5, 5.0))
    assert float(taught_loss(wanted, ab[:2], none, places[:0], wanted)) < near < far
    same, other = (
        float(taught_loss(torch.cat((wanted, second)), ab, torch.tensor([1]), places, wanted))
        for second in (wanted[1:], wanted[1:] + 5)
    )
    assert same < other


def test_a_model_learns_from_two_others_and_keeps_its_statistics(
    pictures: Path, start: Path, tmp_path: Path
) -> None:
    files = [tmp_path / f"{place}.safetensors" for place in ("warm", "cold")]
    for file, colour in zip(files, (torch.tensor([20.0, 10.0]), torch.tensor([0.0, 30.0])), strict=True):
        # A teacher that gives one colour, whatever it sees.
        network = load_network(start)
        network.anchors[:] = colour
        network.gain.fill_(1)
        export(network, file)
    network = train(
        settings(
            pictures,
            start,
            tmp_path / "work",
            rate=3e-4,
            **QUICKLY,
            teachers=files,
            trust=(3.0, 1.0),
        )
    )
    before = load_network(start)
    gray, _ = whole_pictures(Store.build(tmp_path / "work", [pictures]), range(4), 32)
    with torch.inference_mode():
        found, unlearned = (one(gray) / float(one.gain) for one in (network, before))
    wanted = torch.tensor([15.0, 15.0]).view(2, 1, 1) / float(before.gain)
    assert (found - wanted).norm(dim=1).mean() < 0.5 * (unlearned - wanted).norm(dim=1).mean()
    for key, value in before.state_dict().items():
        if "running" in key:
            assert torch.equal(network.state_dict()[key], value), key


def other_network(start: Path) -> PreviewNetwork:
    """The starting network with all weights a little larger."""
    network = load_network(start)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(1.25).add_(0.01)
    return network


def test_shares_are_a_number_and_parts_with_theirs() -> None:
    assert parse_shares("0.5") == {"": 0.5}
    assert parse_shares("0.5,encoder=0.8, merges.1=-0.2") == {"": 0.5, "encoder": 0.8, "merges.1": -0.2}


@pytest.mark.parametrize("text", ["", "encoder=1", "0.5,encoder", "0.5,encoder=much", "0.5,a=1=2"])
def test_other_shares_are_explained(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as 0\.5,encoder=0\.8"):
        parse_shares(text)


def test_each_part_gets_the_share_of_the_longest_name_that_fits(start: Path) -> None:
    old, new = load_network(start), other_network(start)
    shares = {"": 0.5, "encoder": 0.0, "encoder.stages.1": 1.0, "merges": 1.5}
    found = dict(mix(old, new, shares).named_parameters())
    before, after = dict(old.named_parameters()), dict(new.named_parameters())
    for key, share in (
        ("choose.weight", 0.5),
        ("encoder.stem.conv.weight", 0.0),
        ("encoder.stages.1.0.layers.0.conv.weight", 1.0),
        ("merges.3.layers.0.conv.weight", 1.5),
    ):
        expected = before[key] + share * (after[key] - before[key])
        torch.testing.assert_close(found[key], expected, msg=key)


def test_a_part_that_the_network_does_not_have_is_named(start: Path) -> None:
    network = load_network(start)
    with pytest.raises(ValueError, match=r"no part encode: it has encoder, "):
        mix(network, network, {"": 1.0, "encode": 0.5})


def test_models_with_other_colours_are_not_mixed(start: Path) -> None:
    other = load_network(start)
    other.anchors.add_(1)
    with pytest.raises(ValueError, match="other colours"):
        mix(load_network(start), other, {"": 0.5})


def test_statistics_are_those_of_the_pictures(start: Path) -> None:
    network = load_network(start)
    batches = [torch.rand(3, 1, 64, 64) * level for level in (0.2, 0.9)]
    measure_statistics(network, batches)
    norm = network.encoder.stem.norm
    with torch.inference_mode():
        seen = [network.encoder.stem.conv(gray**0.95 * 2 - 1) for gray in batches]
    assert isinstance(norm, torch.nn.BatchNorm2d)
    assert norm.running_mean is not None
    mean = torch.stack([part.mean(dim=(0, 2, 3)) for part in seen]).mean(dim=0)
    torch.testing.assert_close(norm.running_mean, mean, rtol=1e-4, atol=1e-5)
    assert norm.momentum is not None, "later training would not follow its crops"
    assert not any(module.training for module in network.modules())


def test_the_command_mixes_two_models(
    pictures: Path, start: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new, mixed = tmp_path / "new.safetensors", tmp_path / "mixed.safetensors"
    export(other_network(start), new)
    command = [pictures, "--old", start, "--new", new, "--output", mixed, "--size", 32, "--crops", 12]
    mix_command([str(word) for word in (*command, "--shares", "1,encoder=0", "--temperature", 0.5)])
    assert f"wrote {mixed}" in capsys.readouterr().out
    found, before, after = load_network(mixed), load_network(start), load_network(new)
    assert float(found.temperature) == 0.5
    assert torch.equal(found.choose.weight, after.choose.weight)
    assert torch.equal(found.encoder.stem.conv.weight, before.encoder.stem.conv.weight)
    assert not torch.equal(found.encoder.stem.norm.running_mean, before.encoder.stem.norm.running_mean)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("--shares", "most"), "such as 0.5"),
        (("--shares", "1,decoder=2"), "no part decoder"),
        (("--size", "50"), "multiple of 32"),
        (("--crops", "0"), "above 0"),
        (("--new", "missing.safetensors"), "missing.safetensors"),
    ],
)
def test_a_mixture_that_cannot_be_made_is_explained(
    change: tuple[str, str],
    reason: str,
    pictures: Path,
    start: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "mixed.safetensors"
    words = {"--old": start, "--new": start, "--output": output, "--shares": "1"} | dict([change])
    with pytest.raises(SystemExit):
        mix_command([str(pictures), *(str(word) for pair in words.items() for word in pair)])
    assert reason in capsys.readouterr().err
    assert not output.exists()
