// The strip of scenes, the place in the film, marks and limits of scenes, and playing a scene.

import {trying} from "./api.js";
import {fetchPicture, sheetAddress} from "./pictures.js";
import {$, change, clamp, clock, element, goTo, goToScene, look, on, scene, sceneAt, store} from "./store.js";
import {viewer} from "./viewer.js";

const strip = $("strip"), slider = $("slider"), ticks = $("ticks");
const thumbs = new Map();  // coloured small pictures by scene and version
const THUMBS = 700;  // milliseconds of rest before thumbs are coloured
let drawn = "", loading = false, playing = null, soon = 0, round = 0;

const WIDTH = 122;

function build() {
  const {scenes, film, sheets} = store.state;
  const text = JSON.stringify([scenes.map(one => [one.first, one.last, one.mark, one.version, one.references.length])]);
  if (text === drawn) return;
  drawn = text;
  const height = Math.round(WIDTH / film.aspect);
  const columns = 5, rows = 5;
  strip.replaceChildren(...scenes.map((one, number) => {
    const length = one.last - one.first + 1;
    const thumb = element("span", {className: "thumb"});
    const place = Math.floor(one.shown / sheets.step), within = place % 25;
    thumb.style.height = `${height}px`;
    thumb.style.backgroundImage = `url(${sheetAddress(Math.floor(place / 25))})`;
    thumb.style.backgroundSize = `${columns * 100}% ${rows * 100}%`;
    thumb.style.backgroundPosition = `${(within % 5) * 25}% ${Math.floor(within / 5) * 25}%`;
    const known = thumbs.get(`${one.first}/${one.version}`) ?? thumbs.get(`${one.first}`);
    if (known) thumb.append(element("img", {src: known, alt: ""}));
    const marks = element("span", {className: "marks"});
    const mark = (name, sign, title) => marks.append(element("span", {className: name, textContent: sign, title}));
    if (Object.keys(one.settings).length) mark("own-settings", "✎", "settings of its own");
    if (one.references.length) mark("reference", `◆${one.references.length > 1 ? one.references.length : ""}`, "references");
    if (one.mark === "good") mark("good", "✓", "good");
    if (one.mark === "wrong") mark("wrong", "●", "wrong");
    const button = element("button", {type: "button", className: "scene", tabIndex: -1},
      thumb,
      element("span", {className: "text"}, element("span", {textContent: number + 1}), element("span", {className: "hint", textContent: `${length} · ${clock(one.first)}`})),
      marks);
    button.setAttribute("role", "option");
    button.setAttribute("aria-label", `Scene ${number + 1}, ${length} frames from ${one.first}${one.mark === "none" ? "" : `, ${one.mark}`}`);
    button.addEventListener("click", () => goToScene(number));
    return button;
  }));
}

function select() {
  const number = sceneAt(store.frame);
  [...strip.children].forEach((one, place) => one.setAttribute("aria-selected", place === number));
  const one = strip.children[number];
  if (one && (one.offsetLeft < strip.scrollLeft + 40 || one.offsetLeft + one.offsetWidth > strip.scrollLeft + strip.clientWidth - 40)) {
    strip.scrollTo({left: one.offsetLeft - strip.clientWidth / 2 + one.offsetWidth / 2});
  }
  const {mark} = scene();
  $("mark-good").setAttribute("aria-pressed", mark === "good");
  $("mark-wrong").setAttribute("aria-pressed", mark === "wrong");
  $("merge").disabled = number + 1 === store.state.scenes.length;
  const begins = scene().first === store.frame;
  $("split").disabled = begins;
  $("earlier").disabled = $("later").disabled = number === 0;
  $("begin-here").disabled = begins && number === 0;
  slider.max = store.state.film.frames - 1;
  slider.value = store.frame;
  slider.setAttribute("aria-valuetext", `frame ${store.frame}, scene ${number + 1}`);
  if (document.activeElement !== $("frame-number")) $("frame-number").value = store.frame;
  $("where-time").textContent = clock(store.frame);
  drawTicks();
}

function drawTicks() {
  const ratio = window.devicePixelRatio || 1;
  const {width, height} = ticks.getBoundingClientRect();
  Object.assign(ticks, {width: width * ratio, height: height * ratio});
  const pen = ticks.getContext("2d");
  const {film, scenes, render, references} = store.state;
  const at = frame => 1 + (ticks.width - 2) * frame / Math.max(film.frames - 1, 1);
  const middle = ticks.height / 2, high = 7 * ratio;
  scenes.forEach((one, number) => {
    const here = one.first <= store.frame && store.frame <= one.last;
    pen.fillStyle = one.mark === "good" ? "#3f7148" : one.mark === "wrong" ? "#8a443b" : number % 2 ? "#343841" : "#3f444f";
    if (here) pen.fillStyle = one.mark === "none" ? "#6d717a" : one.mark === "good" ? "#5da268" : "#c25f52";
    const from = at(one.first), to = at(one.last + 1);
    pen.fillRect(from, middle - high / 2, Math.max(to - from - ratio, ratio), high);
  });
  pen.fillStyle = "#74c080";
  for (const [first, end] of render.pieces) pen.fillRect(at(first), ticks.height - 3 * ratio, Math.max(at(end) - at(first), ratio), 2 * ratio);
  pen.fillStyle = "#e2a45c";
  for (const number of Object.keys(references.pictures)) {
    const x = at(Number(number)), y = 5 * ratio, size = 4 * ratio;
    pen.beginPath();
    pen.moveTo(x, y - size);
    pen.lineTo(x + size, y);
    pen.lineTo(x, y + size);
    pen.lineTo(x - size, y);
    pen.fill();
  }
  pen.fillStyle = "#fff";
  pen.fillRect(at(store.frame) - ratio, middle - 10 * ratio, 2 * ratio, 20 * ratio);
}

// Colours the thumbs when nothing else is asked for, the ones in sight first.
function thumbsSoon(pause = THUMBS) {
  clearTimeout(soon);
  soon = setTimeout(colourThumbs, pause);
}

function noThumbs() {
  clearTimeout(soon);
  round++;
}

async function colourThumbs() {
  if (loading || playing) return;
  const box = strip.getBoundingClientRect();
  const next = store.state.scenes.findIndex((one, number) => {
    const {left, right} = strip.children[number]?.getBoundingClientRect() ?? {left: 1e9, right: 0};
    return right > box.left && left < box.right && !thumbs.has(`${one.first}/${one.version}`);
  });
  if (next < 0) return;
  loading = true;
  const mine = round;
  const {first, version, shown} = store.state.scenes[next];
  try {
    const response = await fetch(`/api/frame/${shown}?side=thumb&width=244`);
    const address = response.status === 200 ? URL.createObjectURL(await response.blob()) : "";
    thumbs.set(`${first}/${version}`, address);
    if (address) {
      thumbs.set(`${first}`, address);
      const thumb = [...strip.children][store.state.scenes.findIndex(one => one.first === first)]?.querySelector(".thumb");
      thumb?.replaceChildren(element("img", {src: address, alt: ""}));
    }
  } catch {
    return;
  } finally {
    loading = false;
  }
  if (mine === round) thumbsSoon(60);
}

// Plays the scene: it comes as quickly as it can be coloured, and as filmed once all of it was.
export async function play() {
  if (playing) {
    playing.stop();
    return;
  }
  const {first, last} = scene();
  const {fps} = store.state.film;
  const width = Math.min(viewer.whole() || 1280, 640);
  const me = playing = {stopped: false, stop() { this.stopped = true; }};
  $("play").textContent = "❚❚";
  if (store.view === "source") look("colour");
  const times = [];
  const ahead = new Map();
  const ask = frame => {
    if (!ahead.has(frame)) ahead.set(frame, fetchPicture("play", frame, width));
    return ahead.get(frame);
  };
  await trying(async () => {
    let frame = store.frame >= last ? first : store.frame;
    while (!me.stopped) {
      const begun = performance.now();
      for (let one = frame; one < Math.min(frame + 3, last + 1); one++) ask(one).catch(() => {});
      const image = await ask(frame);
      ahead.delete(frame);
      if (me.stopped || sceneAt(frame) !== sceneAt(first)) break;
      viewer.playing = image;
      goTo(frame);
      viewer.drawSoon();
      times.push(performance.now());
      if (times.length > 20) times.shift();
      const rate = times.length > 4 ? 1000 * (times.length - 1) / (times.at(-1) - times[0]) : 0;
      viewer.busy(rate ? `${rate.toFixed(1)} frames a second` : "playing");
      document.body.dataset.rate = rate.toFixed(2);
      const left = 1000 / fps - (performance.now() - begun);
      if (left > 0) await new Promise(done => setTimeout(done, left));
      frame = frame >= last ? first : frame + 1;
    }
  });
  viewer.playing = null;
  viewer.busy(null);
  if (playing === me) playing = null;
  $("play").textContent = "▶";
  viewer.drawSoon();
  viewer.refresh();
}

export const stopPlaying = () => playing?.stop();

export const marking = mark => change("PUT", `/api/mark/${sceneAt(store.frame)}`, {mark: scene().mark === mark ? "none" : mark});
export const merge = () => change("POST", `/api/merge/${sceneAt(store.frame)}`);
export const split = () => change("POST", `/api/split/${store.frame}`);
export const limit = first => change("PUT", `/api/limit/${sceneAt(store.frame)}`, {first});
export const shift = step => limit(scene().first + step);

export function beginHere() {
  // The nearer of the two limits of this scene moves to this frame.
  const {first, last} = scene(), number = sceneAt(store.frame);
  const next = store.frame - first > last - store.frame && number + 1 < store.state.scenes.length;
  return change("PUT", `/api/limit/${next ? number + 1 : number}`, {first: store.frame});
}

on("state", () => {
  noThumbs();
  build();
  select();
});
on("frame", () => {
  noThumbs();
  select();
});
on("rested", () => thumbsSoon());
on("render", drawTicks);
strip.addEventListener("scroll", () => thumbsSoon(200));
new ResizeObserver(() => store.state && drawTicks()).observe(ticks);

slider.addEventListener("input", () => {
  stopPlaying();
  goTo(Number(slider.value));
});
$("frame-number").addEventListener("change", event => {
  const number = Number(event.target.value);
  if (Number.isFinite(number)) goTo(clamp(number, 0, store.state.film.frames - 1));
  event.target.value = store.frame;
});
$("play").addEventListener("click", play);
$("back").addEventListener("click", () => goTo(store.frame - 1));
$("forth").addEventListener("click", () => goTo(store.frame + 1));
$("mark-good").addEventListener("click", () => marking("good"));
$("mark-wrong").addEventListener("click", () => marking("wrong"));
$("split").addEventListener("click", split);
$("merge").addEventListener("click", merge);
$("earlier").addEventListener("click", () => shift(-1));
$("later").addEventListener("click", () => shift(1));
$("begin-here").addEventListener("click", beginHere);
document.addEventListener("click", event => {
  if (!$("limits").contains(event.target) || event.target.closest(".menu button")) $("limits").open = false;
});
