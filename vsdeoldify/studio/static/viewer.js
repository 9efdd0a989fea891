// The picture: scrubbing over sheets, the exact frame at rest, wipe and flip, zoom and pan.

import {trying} from "./api.js";
import {fetchPicture, fetchSheets, known, something, tile} from "./pictures.js";
import {$, clamp, effective, look, on, store, tell} from "./store.js";

const REST = 50;  // milliseconds after which a frame counts as looked at
const CALM = 200;  // milliseconds more after which its neighbours count, too
const stage = $("stage");
const brush = stage.getContext("2d");
const zoom = {factor: 0, x: 0.5, y: 0.5};  // factor 0 fits; else device pixels per pixel of the film
const overlays = [];
let place = null;  // where the picture lies, in device pixels
let resting = 0, wanted = 0, scheduled = false;
let lastTile = null;
let completed = null;  // a picture with strokes that the server's film does not have yet
const seconds = new Map();  // how long a frame took, by what makes it

export const viewer = {
  playing: null,  // the picture that is played, if one is
  drawSoon, whole, toFilm, toStage, zoomTo, addOverlay: overlay => overlays.push(overlay),
  showCompleted(frame, image) {
    completed = {frame, image, made: whatColours()};
    drawSoon();
  },
  refresh: () => rest(0),
  pixel,
  busy,
};

// The width of pictures to ask for: as many pixels as the screen shows, in steps; 0: all there are.
export function whole() {
  const {width, aspect} = store.state.film;
  if (zoom.factor) return 0;
  const wide = Math.min(stage.width, stage.height * aspect);
  const asked = Math.ceil(wide / 160) * 160;
  return asked >= Math.max(width, store.state.film.height * aspect) ? 0 : asked;
}

function best(side) {
  const {frame} = store;
  if (side === "source") return usable(known("source", frame, whole())) ?? usable(something("source", frame));
  if (side === "rendered") return usable(known("rendered", frame, whole())) ?? usable(something("rendered", frame));
  if (completed && completed.frame === frame) return usable(completed.image);
  for (const one of ["calm", "colour", "play"]) {
    const found = usable(known(one, frame, whole())) ?? usable(something(one, frame));
    if (found) return found;
  }
  return undefined;
}

const usable = image => image && image.width ? image : undefined;

function drawSoon() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    if (store.state) draw();
  });
}

function measure() {
  const {width, height} = stage.getBoundingClientRect();
  const ratio = window.devicePixelRatio || 1;
  const wide = Math.round(width * ratio), high = Math.round(height * ratio);
  if (stage.width !== wide || stage.height !== high) Object.assign(stage, {width: wide, height: high});
  const {film} = store.state;
  const natural = [film.height * film.aspect, film.height];
  const fit = Math.min(wide / natural[0], high / natural[1]);
  const scale = zoom.factor || fit;
  const w = natural[0] * scale, h = natural[1] * scale;
  const x = w <= wide ? (wide - w) / 2 : clamp(wide / 2 - zoom.x * w, wide - w, 0);
  const y = h <= high ? (high - h) / 2 : clamp(high / 2 - zoom.y * h, high - h, 0);
  place = {x: Math.round(x), y: Math.round(y), w: Math.round(w), h: Math.round(h), scale};
}

function draw() {
  measure();
  brush.fillStyle = "#0b0c0e";
  brush.fillRect(0, 0, stage.width, stage.height);
  brush.imageSmoothingEnabled = place.scale < 2;
  brush.imageSmoothingQuality = "high";
  const after = viewer.playing ?? best("colour");
  const before = best("source");
  // Until a sheet is there the frame before it stays.
  const sheet = lastTile = tile(store.frame, drawSoon) ?? lastTile;
  const paint = image => {
    if (image) brush.drawImage(image, place.x, place.y, place.w, place.h);
    else if (sheet) brush.drawImage(sheet.image, sheet.x, sheet.y, sheet.width, sheet.height, place.x, place.y, place.w, place.h);
  };
  const {view} = store;
  if (view === "source") paint(viewer.playing ? null : before);
  else if (view === "rendered") paint(best("rendered"));
  else paint(after);
  if (view === "wipe") {
    const edge = place.x + place.w * store.wipe;
    brush.save();
    brush.beginPath();
    brush.rect(place.x, place.y, edge - place.x, place.h);
    brush.clip();
    paint(viewer.playing ? null : before);
    brush.restore();
    drawHandle(edge);
  }
  for (const overlay of overlays) overlay(brush, place);
  $("label-left").hidden = !["source", "wipe"].includes(view);
  $("label-right").hidden = view === "source";
  $("label-right").textContent = view === "rendered" ? "Rendered" : "After";
  note(view, before, after);
}

// For whoever watches: what is on the stage, "frame state".
function note(view, before, after) {
  let shown = "sheet";
  const calm = usable(known("calm", store.frame, whole()));
  if (view === "source") shown = before ? "source" : "sheet";
  else if (view === "rendered") shown = best("rendered") ? "rendered" : "sheet";
  else if (viewer.playing) shown = "playing";
  else if (completed && completed.frame === store.frame) shown = "completed";
  else if (calm || (after && !stabilized() && known("colour", store.frame, whole()))) shown = "calm";
  else if (after) shown = "colour";
  const {version} = store.state.scenes.find(one => one.first <= store.frame && store.frame <= one.last);
  stage.dataset.shown = `${store.frame} ${shown}`;
  stage.dataset.version = version;
}

function drawHandle(x) {
  const ratio = window.devicePixelRatio || 1;
  brush.fillStyle = "#fffd";
  brush.fillRect(x - ratio, place.y, 2 * ratio, place.h);
  const y = place.y + place.h / 2;
  brush.beginPath();
  brush.arc(x, y, 13 * ratio, 0, 7);
  brush.fill();
  brush.fillStyle = "#222";
  for (const way of [-1, 1]) {
    brush.beginPath();
    brush.moveTo(x + way * 9 * ratio, y);
    brush.lineTo(x + way * 3.5 * ratio, y - 5 * ratio);
    brush.lineTo(x + way * 3.5 * ratio, y + 5 * ratio);
    brush.fill();
  }
}

const stabilized = () => Boolean(effective().stab);

// What a completed picture depends on beside its strokes.
const whatColours = () => JSON.stringify([effective(), store.state.references.strength]);

// Whether somebody sets colours on this frame. Its picture has them already; the film with them, whose neighbours
// take long, comes when they look at another frame or tool: nothing is to stand in the way of the next hint.
function painting() {
  return store.tab === "correct" && completed?.frame === store.frame && usable(completed.image) && store.view !== "rendered";
}

// Asks for the exact pictures once the frame rests.
function rest(delay = REST) {
  clearTimeout(resting);
  resting = setTimeout(() => trying(fetchAll), delay);
}

async function fetchAll() {
  const number = ++wanted;
  const {frame, view} = store;
  const current = () => number === wanted && frame === store.frame;
  const show = image => {
    if (image && current()) drawSoon();
    return current();
  };
  try {
    if (painting()) {
      if (view !== "colour") show(await fetchPicture("source", frame, whole()));
      return;
    }
    if (view === "rendered") {
      show(await fetchPicture("rendered", frame, whole()));
      return;
    }
    // What is not looked at comes after what is: two decoders beside each other are slow.
    const source = view === "colour" ? null : fetchPicture("source", frame, whole());
    if (source && !show(await source)) return;
    await timed(async () => {
      const first = known("calm", frame, whole()) ?? await fetchPicture("colour", frame, whole());
      return show(first);
    });
    if (!current()) return;
    show(await (source ?? fetchPicture("source", frame, whole())));
    if (!current()) return;
    if (stabilized()) {
      // Whoever goes on or goes on painting needs no neighbours.
      await new Promise(done => setTimeout(done, CALM));
      if (!current()) return;
      const calm = await timed(() => fetchPicture("calm", frame, whole()), "calming the colours");
      if (calm && current() && completed?.frame === frame) completed = null;
    } else if (completed?.frame === frame) completed = null;
    show(true);
    if (current()) {
      tell("rested");
      fetchSheets(frame);
    }
  } finally {
    if (number === wanted) busy(null);
  }
}

// Shows that something takes long, and for how long it took the last time.
async function timed(work, what = "colouring") {
  const {preset, method, ddcolor_p: one, deoldify_p: other} = effective();
  const key = JSON.stringify([preset, method, one?.model, other?.model, one?.render_factor, what]);
  const begun = performance.now();
  const ticking = setInterval(() => {
    const gone = (performance.now() - begun) / 1000;
    if (gone < 0.5) return;
    const usual = seconds.get(key);
    busy(usual > 1 ? `${what} … about ${usual.toFixed(0)} s` : `${what} … ${gone.toFixed(0)} s`);
  }, 250);
  try {
    const done = await work();
    seconds.set(key, (performance.now() - begun) / 1000);
    return done;
  } finally {
    clearInterval(ticking);
    busy(null);
  }
}

function busy(text) {
  $("busy").hidden = !text;
  $("busy-text").textContent = text ?? "";
}

export function zoomTo(factor, x = 0.5, y = 0.5) {
  Object.assign(zoom, {factor, x, y});
  $("zoom").textContent = factor ? `${Math.round(factor * 100)} %` : "Fit";
  drawSoon();
  rest(0);
}

export function toggleZoom(event) {
  const [x, y] = event ? toFilm(event) : [0.5, 0.5];
  zoomTo(zoom.factor ? 0 : 1, x, y);
}

export function flip() {
  look(store.view === "source" ? "colour" : "source");
}

// Shares of the film's width and height under the pointer.
function toFilm(event) {
  const box = stage.getBoundingClientRect();
  const ratio = stage.width / box.width;
  return [
    ((event.clientX - box.left) * ratio - place.x) / place.w,
    ((event.clientY - box.top) * ratio - place.y) / place.h,
  ];
}

function toStage(x, y) {
  return [place.x + x * place.w, place.y + y * place.h];
}

// The colour at a place of the film as it is shown.
function pixel(x, y) {
  const image = store.view === "source" ? best("source") : best("colour");
  if (!image) return null;
  const one = new OffscreenCanvas(1, 1).getContext("2d");
  const size = 5;
  one.drawImage(image, clamp(x * image.width - size / 2, 0, image.width - size), clamp(y * image.height - size / 2, 0, image.height - size), size, size, 0, 0, 1, 1);
  return [...one.getImageData(0, 0, 1, 1).data].slice(0, 3);
}

// What the pointer does: tools first, then the wipe, then panning.
const tools = [];
export const addTool = tool => tools.push(tool);
let drag = null;

stage.addEventListener("pointerdown", event => {
  if (!store.state || event.button > 1) return;
  stage.focus();
  stage.setPointerCapture(event.pointerId);
  const at = toFilm(event);
  for (const tool of tools) {
    if (event.button === 0 && tool.down(at, event)) {
      drag = tool;
      return;
    }
  }
  const edge = place.x + place.w * store.wipe;
  const near = Math.abs((at[0] * place.w + place.x) - edge) < 24 * (window.devicePixelRatio || 1);
  if (store.view === "wipe" && event.button === 0 && (near || !zoom.factor)) {
    drag = {move: ([x]) => setWipe(x), up() {}};
    drag.move(at);
  } else if (zoom.factor) {
    const start = {...zoom}, from = [event.clientX, event.clientY], ratio = window.devicePixelRatio || 1;
    drag = {
      move(_, moved) {
        zoom.x = clamp(start.x - (moved.clientX - from[0]) * ratio / place.w, 0, 1);
        zoom.y = clamp(start.y - (moved.clientY - from[1]) * ratio / place.h, 0, 1);
        drawSoon();
      },
      up() {},
    };
  }
});
stage.addEventListener("pointermove", event => {
  if (!store.state || !place) return;
  if (drag) drag.move(toFilm(event), event);
  for (const tool of tools) tool.hover?.(toFilm(event), event);
});
for (const kind of ["pointerup", "pointercancel"]) {
  stage.addEventListener(kind, event => {
    drag?.up(toFilm(event), event);
    drag = null;
  });
}
stage.addEventListener("pointerleave", () => tools.forEach(tool => tool.leave?.()));
stage.addEventListener("dblclick", event => {
  if (store.tab !== "correct") toggleZoom(event);
});
stage.addEventListener("wheel", event => {
  if (!store.state) return;
  event.preventDefault();
  const steps = [0, 0.5, 1, 2, 4, 8].filter(one => !one || one > place.scale * 1.01 || zoom.factor || event.deltaY > 0);
  const now = zoom.factor ? steps.findIndex(one => one >= zoom.factor) : 0;
  const next = clamp(now + (event.deltaY < 0 ? 1 : -1), 0, steps.length - 1);
  const [x, y] = toFilm(event);
  zoomTo(steps[next], clamp(x, 0, 1), clamp(y, 0, 1));
}, {passive: false});

export function setWipe(share) {
  store.wipe = clamp(share, 0, 1);
  drawSoon();
}

new ResizeObserver(() => {
  if (!store.state) return;
  drawSoon();
  rest(200);
}).observe(stage);

on("frame", () => {
  if (completed && completed.frame !== store.frame) completed = null;
  drawSoon();
  rest();
});
on("state", () => {
  const reference = store.state.references.pictures[store.frame];
  if (completed?.image && (completed.made !== whatColours() || reference?.strokes === null)) completed = null;
  drawSoon();
  rest(10);
});
on("tab", () => store.state && completed?.frame === store.frame && rest(0));
on("view", () => {
  for (const button of $("views").children) button.setAttribute("aria-checked", button.dataset.view === store.view);
  drawSoon();
  rest(0);
});
for (const button of $("views").children) button.addEventListener("click", () => look(button.dataset.view));
$("zoom").addEventListener("click", () => toggleZoom());
