// The settings: of all scenes, or of the one that is looked at.

import {toast, trying, send, get} from "./api.js";
import {$, effective, element, on, scene, sceneAt, store, take, tell} from "./store.js";

const DISTANCES = [1, 5, 10, 20, 40];
const DELAY = 110;  // milliseconds between two changes while a slider is pulled
const place = $("settings");
let built = "", pulling = null, waiting = 0, sent = 0;

const titles = {
  preview: "Preview", fast: "Fast", medium: "Medium", slow: "Slow", best: "Best", overnight: "Overnight",
  stable: "Calm", balanced: "Balanced", vivid: "Vivid",
};

const asked = () => store.scope === "scene" ? sceneAt(store.frame) : null;
const values = () => store.scope === "scene" ? effective() : store.state.effective;
const own = () => store.scope === "scene" ? scene().settings : store.state.settings;

function isOwn(path) {
  const [name, field] = path.split(".");
  const value = own()[name];
  return value !== undefined && (field === undefined || value?.[field] !== undefined);
}

function valueOf(path) {
  const [name, field] = path.split(".");
  return field === undefined ? values()[name] : values()[name]?.[field];
}

// Sends changes; while a slider is pulled, no more often than the server likes.
function set(changes) {
  pulling = pulling ?? {};
  for (const [path, value] of Object.entries(changes)) {
    const [name, field] = path.split(".");
    if (field === undefined) pulling[name] = value;
    else pulling[name] = {...pulling[name], [field]: value};
  }
  if (waiting) return;
  waiting = setTimeout(flush, Math.max(0, sent + DELAY - performance.now()));
}

async function flush() {
  const changes = pulling;
  pulling = null;
  sent = performance.now();
  const state = await trying(() => send("PUT", "/api/settings", {scene: asked(), changes}));
  waiting = 0;
  if (state) take(state);
  else tell("state");
  if (pulling) waiting = setTimeout(flush, DELAY);
}

export async function reset(names = null) {
  const state = await trying(() => send("POST", "/api/settings/reset", {scene: asked(), names}));
  if (state) take(state);
}

export function setScope(scope) {
  store.scope = scope;
  built = "";
  show();
}

function group(path, label, choices) {
  const row = element("div", {className: "group"});
  row.setAttribute("role", "radiogroup");
  row.setAttribute("aria-label", label);
  for (const {name, help, missing} of choices) {
    const button = element("button", {type: "button", textContent: titles[name] ?? name, title: missing ?? help});
    button.setAttribute("role", "radio");
    button.setAttribute("aria-checked", valueOf(path) === name);
    button.dataset.value = name;
    button.classList.toggle("missing", Boolean(missing));
    button.addEventListener("click", () => missing ? toast(missing, true) : set({[path]: name}));
    row.append(button);
  }
  return field(path, label, row);
}

function field(path, label, ...content) {
  const made = element("div", {className: "field"}, element("span", {textContent: label}), ...content);
  made.dataset.path = path;
  made.classList.toggle("own", isOwn(path));
  return made;
}

function choice(path, label, options) {
  const select = element("select", {ariaLabel: label});
  for (const [value, text] of options) select.append(element("option", {value, textContent: text, selected: value === valueOf(path)}));
  select.addEventListener("change", () => set({[path]: select.value}));
  return field(path, label, select);
}

// A slider for one value or several that go together.
function slider(paths, label, low, high, step, words = value => value) {
  paths = [paths].flat();
  const value = valueOf(paths[0]);
  const input = element("input", {type: "range", min: low, max: high, step, value, ariaLabel: label});
  const output = element("output", {textContent: words(value)});
  const row = element("label", {className: "slider", title: "Double click: as the preset has it"}, element("span", {textContent: label}), input, output);
  row.dataset.path = paths[0];
  row.classList.toggle("own", paths.some(isOwn));
  input.addEventListener("input", () => {
    output.textContent = words(Number(input.value));
    set(Object.fromEntries(paths.map(path => [path, Number(input.value)])));
  });
  row.addEventListener("dblclick", () => reset(paths));
  return row;
}

function check(path, label, title) {
  const input = element("input", {type: "checkbox", checked: Boolean(valueOf(path))});
  input.addEventListener("change", () => set({[path]: input.checked}));
  const row = element("label", {className: "check", title}, input, element("span", {textContent: label}));
  row.dataset.path = path;
  row.classList.toggle("own", isOwn(path));
  return row;
}

function build() {
  const {choices, models} = store.state;
  const now = values();
  const method = choices.methods.find(one => one.name === now.method) ?? choices.methods[0];
  const networks = method.networks;
  const fields = name => networks.map(one => `${one}.${name}`);
  const percent = value => `${Math.round(value * 100)} %`;
  const parts = [
    group("preset", "Quality", choices.presets.map(one => ({...one, missing: models[one.name]}))),
    group("colours", "Colours", choices.colours),
    slider(fields("saturation"), "Saturation", 0, 2, 0.05, percent),
    slider(fields("hue"), "Hue", -180, 180, 2, value => `${value}°`),
  ];
  if (method.own.includes("mweight")) parts.push(slider("mweight", "DDColor's share", 0, 1, 0.05, percent));

  const calm = element("fieldset", {}, element("legend", {textContent: "Calm the colours"}),
    check("stab", "Average over neighbouring frames", "so that colours do not flicker"));
  if (now.stab) calm.append(slider("stab_p.frames", "Frames", 3, 31, 2));
  calm.append(check("dark", "Less colour in the dark", "dark places often get wrong colours"));
  if (now.dark) calm.append(slider("dark_p.amount", "How much", 0, 1, 0.05, percent));
  calm.append(check("smooth", "Softer from dark to bright", ""));
  if (now.smooth) calm.append(slider("smooth_p.dark_sat", "Kept in the dark", 0, 1, 0.05, percent));
  const map = element("input", {type: "text", value: now.colormap && now.colormap !== "none" ? now.colormap : "", placeholder: "blue->brown", ariaLabel: "Turn colours into others"});
  map.addEventListener("change", () => set({colormap: map.value.trim() || "none"}));
  calm.append(field("colormap", "Turn colours into others", map));
  parts.push(calm);

  const fine = element("details", {className: "networks", open: place.querySelector(".networks")?.open ?? false},
    element("summary", {textContent: "Networks"}),
    choice("method", "Method", choices.methods.map(one => [one.name, one.title])));
  for (const network of networks) {
    const title = network === "deoldify_p" ? "DeOldify's model" : "DDColor's model";
    fine.append(choice(`${network}.model`, title, named(choices.models[network], valueOf(`${network}.model`))));
  }
  fine.append(slider(fields("render_factor"), "Fineness", 10, networks.includes("deoldify_p") ? 44 : 64, 1, value => `${value * 16} px`));
  fine.append(keyFrames());
  fine.append(element("p", {className: "hint", textContent: "Another network or fineness takes a moment to load; all else shows at once."}));
  parts.push(fine);
  place.replaceChildren(...parts);
}

// How far apart the frames are that the networks colour.
function keyFrames() {
  const now = valueOf("every") ?? 1;
  const distances = [...new Set([...DISTANCES, now])].sort((one, other) => one - other);
  const select = element("select", {ariaLabel: "Frames that the networks colour"});
  for (const one of distances) select.append(element("option", {value: one, textContent: one === 1 ? "every frame" : `one frame in ${one}, carried to those between`, selected: one === now}));
  select.addEventListener("change", () => set({every: Number(select.value)}));
  return field("every", "They colour", select);
}

// A model may be named by its number, or be a file.
function named(names, value) {
  const known = names.map((name, number) => [value === number ? number : name, name]);
  return known.some(([name]) => name === value) ? known : [[value, String(value)], ...known];
}

function show() {
  const {state} = store;
  for (const button of $("scope").children) button.setAttribute("aria-checked", button.dataset.scope === store.scope);
  $("scope").firstElementChild.textContent = `Scene ${sceneAt(store.frame) + 1}`;
  // Writing the same text again would take away what a person has marked of it.
  if ($("command").textContent !== state.command) $("command").textContent = state.command;
  $("undo").disabled = !state.undo;
  $("redo").disabled = !state.redo;
  const count = Object.keys(own()).length;
  $("reset-all").disabled = !count;
  $("reset-hint").textContent = store.scope === "scene"
    ? count ? "back to the settings of all scenes" : "this scene has no settings of its own"
    : "back to the preset, for all scenes";
  const text = JSON.stringify([values(), own(), state.models, store.scope]);
  if (text === built || pulling || document.activeElement?.matches("#settings input[type=range]:active")) return;
  built = text;
  const focused = document.activeElement?.closest?.("[data-path]")?.dataset.path;
  const value = document.activeElement?.dataset?.value;
  build();
  if (focused) {
    const again = place.querySelector(`[data-path="${CSS.escape(focused)}"]`);
    (again?.querySelector(value ? `[data-value="${value}"]` : "input, select, button"))?.focus();
  }
}

on("state", show);
on("frame", show);
document.addEventListener("pointerup", () => setTimeout(() => store.state && show(), DELAY));
for (const button of $("scope").children) button.addEventListener("click", () => setScope(button.dataset.scope));
$("reset-all").addEventListener("click", () => reset());
$("by-hand").addEventListener("toggle", async () => {
  const found = $("by-hand").open && await trying(() => get("/api/script"));
  if (found) $("script").textContent = found.script;
});
for (const name of ["command", "script"]) {
  $(`copy-${name}`).addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText($(name).textContent);
      toast("Copied");
    } catch {
      // A browser may keep pages from its clipboard.
      getSelection().selectAllChildren($(name));
      toast("The browser does not let the page copy: the text is marked, press Ctrl+C.");
    }
  });
}
