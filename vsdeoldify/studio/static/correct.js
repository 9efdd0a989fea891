// Correct colours: points and strokes, references of a scene, where to look next.

import {get, picture, sendFile, toast, trying} from "./api.js";
import {$, change, clamp, element, goTo, look, on, scene, sceneAt, store, take} from "./store.js";
import {addTool, viewer} from "./viewer.js";

const SKIN = ["#f3d3bd", "#e8b899", "#d49a74", "#b0764f", "#85563a", "#5a3a2a"];
const THROTTLE = 140;  // milliseconds between two requests while a stroke is drawn
let rgb = [60, 95, 160];
let recent = [];
let strokes = [], strokesOf = -1;  // those of the frame that is looked at, newer than the server's
let dirty = false, sending = false, again = false;
// "keeping", for whoever watches: the frame is not a reference yet, which it becomes once the hand pauses.
let picking = false, holding = false;  // taking a colour from the picture; painting what keeps its colours
let cross = [0.5, 0.5], crossShown = false, pointerAt = null;
let paletteOf = "";

const hex = ([r, g, b]) => `#${[r, g, b].map(one => Math.round(one).toString(16).padStart(2, "0")).join("")}`;
const fromHex = text => /^#?[0-9a-f]{6}$/i.test(text.trim()) ? [0, 2, 4].map(n => parseInt(text.trim().replace("#", "").slice(n, n + 2), 16)) : null;
const radius = () => Number($("brush").value) / 1000;

// Hue (0-360) and strength (0-1) at a middling brightness: brightness itself is the film's.
function ofHue(hue, strength) {
  const channel = shift => {
    const k = (shift + hue / 60) % 6;
    return 1 - strength * Math.max(0, Math.min(k, 4 - k, 1));
  };
  const full = [channel(5), channel(3), channel(1)];
  const luma = 0.299 * full[0] + 0.587 * full[1] + 0.114 * full[2];
  const factor = Math.min(0.58 / luma, 1);
  return full.map(one => 255 * one * factor);
}

function toHue([r, g, b]) {
  const high = Math.max(r, g, b), low = Math.min(r, g, b), span = high - low;
  if (!span) return [0, 0];
  const hue = high === r ? ((g - b) / span + 6) % 6 : high === g ? (b - r) / span + 2 : (r - g) / span + 4;
  return [hue * 60, span / high];
}

export function choose(colour, remember = true) {
  rgb = colour.map(one => clamp(Math.round(one), 0, 255));
  $("swatch").style.background = hex(rgb);
  $("hex").value = hex(rgb);
  drawField();
  for (const one of document.querySelectorAll(".swatches button")) one.setAttribute("aria-pressed", one.title === hex(rgb));
  if (remember) putDown();
}

function drawField() {
  const field = $("field"), pen = field.getContext("2d");
  const {width, height} = field;
  const image = drawField.kept ?? pen.createImageData(width, height);
  if (!drawField.kept) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [r, g, b] = ofHue(360 * x / width, 1 - y / (height - 1));
        image.data.set([r, g, b, 255], 4 * (y * width + x));
      }
    }
    drawField.kept = image;
  }
  pen.putImageData(drawField.kept, 0, 0);
  const [hue, strength] = toHue(rgb);
  pen.strokeStyle = "#fff";
  pen.lineWidth = 2;
  pen.beginPath();
  pen.arc(hue / 360 * width, (1 - strength) * (height - 1), 6, 0, 7);
  pen.stroke();
  field.setAttribute("aria-valuetext", `hue ${Math.round(hue)} degrees, strength ${Math.round(100 * strength)} per cent`);
}

function swatches(place, colours) {
  $(place).replaceChildren(...colours.map(colour => {
    const text = typeof colour === "string" ? colour : hex(colour);
    const button = element("button", {type: "button", title: text, ariaLabel: `Colour ${text}`});
    button.style.background = text;
    button.setAttribute("aria-pressed", text === hex(rgb));
    button.addEventListener("click", () => choose(fromHex(text)));
    return button;
  }));
  if (!colours.length) $(place).replaceChildren(element("span", {className: "hint", textContent: place === "recent" ? "the colours that you paint with" : "…"}));
}

async function loadPalette() {
  const number = sceneAt(store.frame), {first, version} = scene();
  if (store.tab !== "correct" || paletteOf === `${first}/${version}`) return;
  paletteOf = `${first}/${version}`;
  const colours = await trying(() => get(`/api/palette/${number}`)).catch(() => null);
  if (colours) swatches("palette", colours);
}

let begun = false;

// Lets the first hint on a frame be as quick as those after it. The first frame of all is prepared before
// anybody corrects it: what loads for it then serves every other.
function prepare() {
  if (begun && store.tab !== "correct") return;
  begun = true;
  get(`/api/prepare/${store.frame}`).catch(() => null);
}

const there = () => store.state.references.pictures[store.frame];

function current() {
  if (strokesOf !== store.frame) {
    strokes = structuredClone(there()?.strokes ?? []);
    strokesOf = store.frame;
  }
  return strokes;
}

// Sends the strokes of a frame; while one request is under way the next waits.
async function sendStrokes() {
  if (sending) {
    again = true;
    return;
  }
  sending = true;
  const frame = strokesOf;
  document.body.dataset.completing = document.body.dataset.keeping = "yes";
  const begun = performance.now();
  await trying(async () => {
    const path = `/api/reference/${frame}?width=${viewer.whole()}`;
    const image = await picture(path, {method: "PUT", body: JSON.stringify({strokes})});
    if (image) {
      document.body.dataset.completed = (performance.now() - begun).toFixed(0);
      viewer.showCompleted(frame, image);
    }
  });
  sending = false;
  if (again) {
    again = false;
    await sendStrokes();
  } else {
    dirty = false;
    document.body.dataset.completing = "no";
  }
}

function used() {
  const text = hex(rgb);
  recent = [text, ...recent.filter(one => one !== text)].slice(0, 9);
  swatches("recent", recent);
}

let lastSent = 0;
function begin(at) {
  current();
  strokes.push({points: [at], radius: radius(), rgb: holding ? null : [...rgb]});
  dirty = true;
  if (!holding) used();
  if (store.view === "source") look("colour");
  sendStrokes();
  lastSent = performance.now();
  viewer.drawSoon();
}

addTool({
  down(at, event) {
    if (store.tab !== "correct" || event.altKey || at.some(one => one < 0 || one > 1)) return false;
    if (store.view === "wipe" && Math.abs(at[0] - store.wipe) < 0.02) return false;
    if (picking) {
      const found = viewer.pixel(...at);
      if (found) choose(found);
      this.drawing = false;
      return true;
    }
    this.drawing = true;
    begin(at);
    return true;
  },
  move(at) {
    if (!this.drawing) return;
    const {points} = strokes.at(-1);
    const [x, y] = points.at(-1);
    if (Math.hypot(at[0] - x, at[1] - y) < radius() / 3) return;
    points.push(at.map(one => clamp(one, 0, 1)));
    if (performance.now() - lastSent > THROTTLE) {
      lastSent = performance.now();
      sendStrokes();
    }
    viewer.drawSoon();
  },
  up() {
    if (this.drawing && strokes.at(-1)?.points.length > 1) sendStrokes();
    this.drawing = false;
  },
  hover(at) {
    pointerAt = at.some(one => one < 0 || one > 1) ? null : at;
    if (store.tab === "correct") viewer.drawSoon();
  },
  leave() {
    pointerAt = null;
    viewer.drawSoon();
  },
});

viewer.addOverlay((pen, place) => {
  if (store.tab !== "correct" || viewer.playing) return;
  const ratio = window.devicePixelRatio || 1;
  for (const stroke of current()) {
    const [x, y] = viewer.toStage(...stroke.points[0]);
    pen.strokeStyle = "#fff";
    pen.lineWidth = 1.5 * ratio;
    pen.beginPath();
    pen.arc(x, y, 5 * ratio, 0, 7);
    if (stroke.rgb) {
      pen.fillStyle = hex(stroke.rgb);
      pen.fill();
    }
    pen.stroke();
    if (stroke.points.length > 1) {
      pen.beginPath();
      for (const point of stroke.points) pen.lineTo(...viewer.toStage(...point));
      pen.setLineDash([3 * ratio, 4 * ratio]);
      pen.stroke();
      pen.setLineDash([]);
    }
  }
  const at = crossShown ? cross : pointerAt;
  if (!at) return;
  const [x, y] = viewer.toStage(...at);
  pen.strokeStyle = picking ? "#e2a45c" : "#fff";
  pen.lineWidth = 1.5 * ratio;
  pen.beginPath();
  pen.arc(x, y, Math.max(radius() * place.w, 3 * ratio), 0, 7);
  pen.stroke();
});

export function pick(on = !picking) {
  picking = on;
  $("eyedropper").setAttribute("aria-pressed", picking);
}

export function hold(on = !holding) {
  holding = on;
  $("hold").setAttribute("aria-pressed", holding);
}

// Neither picks nor keeps: the next stroke has the colour that is chosen.
export function putDown() {
  pick(false);
  hold(false);
}

export function strokeBack() {
  if (!current().length) return;
  strokes.pop();
  if (strokes.length) sendStrokes();
  else removeReference();
}

export async function removeReference(frame = store.frame) {
  strokes = [];
  strokesOf = frame;
  viewer.showCompleted(frame, null);
  await change("DELETE", `/api/reference/${frame}`);
}

export async function nextUnsure() {
  const found = await trying(() => get(`/api/unsure/${sceneAt(store.frame)}`));
  if (!found?.length) return;
  const known = scene().references;
  const best = found
    .filter(([number]) => known.every(one => Math.abs(one - number) > 5))
    .sort((one, other) => other[1] - one[1] || one[0] - other[0])
    .filter(([, share]) => share > 0.05)
    .slice(0, 3);
  $("unsure").replaceChildren(...best.map(([number, share]) => {
    const chip = element("button", {type: "button", className: "chip", textContent: `${number} · ${Math.round(100 * share)} % new`});
    chip.addEventListener("click", () => goTo(number));
    return chip;
  }));
  if (best.length) goTo(best[0][0]);
  else toast("Your references tell enough of every frame of this scene.");
}

// Moves the cross with the keyboard.
export function moveCross(dx, dy) {
  crossShown = true;
  cross = [clamp(cross[0] + dx, 0, 1), clamp(cross[1] + dy, 0, 1)];
  viewer.drawSoon();
}

export function dab() {
  if (!crossShown) {
    moveCross(0, 0);
    return;
  }
  if (picking) choose(viewer.pixel(...cross) ?? rgb);
  else begin([...cross]);
}

export function brushSize(step) {
  $("brush").value = Number($("brush").value) + step;
  $("brush").dispatchEvent(new Event("input"));
}

export function chooseNumber(number) {
  const button = $("palette").children[number];
  if (button?.matches("button")) button.click();
}

async function exportFrame() {
  const {folder, pictures} = store.state.references;
  if (!pictures[store.frame]) {
    strokes = [];
    strokesOf = store.frame;
    await sendStrokes();
  }
  const name = pictures[store.frame]?.name ?? `ref_${String(store.frame).padStart(6, "0")}.png`;
  $("export-hint").textContent = `It is ${folder}/${name}, beside the film. Change it in a paint program and save it: it is taken back at once.`;
}

async function takeFile(file) {
  if (!file) return;
  const frame = store.frame;
  const state = await trying(() => sendFile(`/api/reference/${frame}/picture`, file));
  if (state) {
    strokesOf = -1;
    take(state);
    toast(`The picture is a reference now: frame ${frame}.`);
  }
}

function show() {
  const {references} = store.state, numbers = scene().references;
  const pending = references.pending.length > 0;
  if (!dirty && !pending) strokesOf = -1;
  if (!sending && !pending) document.body.dataset.keeping = "no";
  $("strength").value = Math.round(100 * references.strength);
  $("strength-value").textContent = `${$("strength").value} %`;
  $("references").replaceChildren(...numbers.map(number => {
    const {strokes: own} = references.pictures[number];
    const chip = element("button", {type: "button", className: "chip", textContent: `◆ ${number}${own ? "" : " · picture"}`, title: references.pictures[number].name});
    chip.setAttribute("aria-current", number === store.frame);
    chip.addEventListener("click", () => goTo(number));
    return chip;
  }));
  if (!numbers.length) $("references").replaceChildren(element("span", {className: "hint", textContent: "none yet: this scene has automatic colours"}));
  $("stroke-back").disabled = !current().length;
  $("reference-remove").disabled = !there();
  if (references.trouble) toast(references.trouble, true);
}

on("state", show);
on("frame", show);
on("rested", () => {
  loadPalette();
  prepare();
});
on("frame", () => $("unsure").querySelectorAll(".chip").forEach(one => one.setAttribute("aria-current", one.textContent.startsWith(`${store.frame} `))));
on("tab", () => {
  crossShown = false;
  putDown();
  $("stage").style.cursor = store.tab === "correct" ? "none" : "default";
  if (store.state) {
    loadPalette();
    prepare();
  }
  viewer.drawSoon();
});

$("hex").addEventListener("change", event => choose(fromHex(event.target.value) ?? rgb));
$("eyedropper").addEventListener("click", () => pick());
$("hold").addEventListener("click", () => hold());
$("stroke-back").addEventListener("click", strokeBack);
$("reference-remove").addEventListener("click", () => removeReference());
$("next-unsure").addEventListener("click", nextUnsure);
$("export").addEventListener("click", exportFrame);
$("picture").addEventListener("change", event => {
  takeFile(event.target.files[0]);
  event.target.value = "";
});
$("brush").addEventListener("input", () => {
  $("brush-value").textContent = $("brush").value;
  viewer.drawSoon();
});
$("strength").addEventListener("input", () => $("strength-value").textContent = `${$("strength").value} %`);
$("strength").addEventListener("change", () => change("PUT", "/api/strength", {strength: Number($("strength").value) / 100}));

const field = $("field");
function fieldAt(event) {
  const box = field.getBoundingClientRect();
  const x = clamp((event.clientX - box.left) / box.width, 0, 1), y = clamp((event.clientY - box.top) / box.height, 0, 1);
  choose(ofHue(359 * x, 1 - y));
}
field.addEventListener("pointerdown", event => {
  field.setPointerCapture(event.pointerId);
  fieldAt(event);
});
field.addEventListener("pointermove", event => event.buttons && fieldAt(event));
field.addEventListener("keydown", event => {
  const step = {ArrowLeft: [-6, 0], ArrowRight: [6, 0], ArrowUp: [0, 0.05], ArrowDown: [0, -0.05]}[event.key];
  if (!step) return;
  event.preventDefault();
  event.stopPropagation();
  const [hue, strength] = toHue(rgb);
  choose(ofHue((hue + step[0] + 360) % 360, clamp(strength + step[1], 0.02, 1)));
});

const area = $("viewer");
for (const kind of ["dragenter", "dragover"]) {
  area.addEventListener(kind, event => {
    event.preventDefault();
    $("drop").hidden = false;
  });
}
area.addEventListener("dragleave", event => {
  if (!area.contains(event.relatedTarget)) $("drop").hidden = true;
});
area.addEventListener("drop", event => {
  event.preventDefault();
  $("drop").hidden = true;
  takeFile(event.dataTransfer.files[0]);
});

swatches("skin", SKIN);
swatches("recent", []);
choose(rgb);
$("brush").dispatchEvent(new Event("input"));
