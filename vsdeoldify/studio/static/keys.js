// Everything by the keyboard, and the list of keys.

import {brushSize, chooseNumber, dab, hold, moveCross, nextUnsure, pick, putDown, removeReference, strokeBack} from "./correct.js";
import {setScope} from "./settings.js";
import {$, change, element, goTo, goToScene, look, openTab, scene, sceneAt, store} from "./store.js";
import {beginHere, marking, merge, play, shift, split, stopPlaying} from "./strip.js";
import {flip, setWipe, toggleZoom} from "./viewer.js";

const correcting = () => store.tab === "correct";
const other = step => goToScene(sceneAt(store.frame) + step);
const step = frames => {
  stopPlaying();
  goTo(store.frame + frames);
};

// Group, keys as people read them, what they do, the keys as browsers call them, and what is done.
const KEYS = [
  ["Go", "← →", "a frame back, on", {ArrowLeft: () => step(-1), ArrowRight: () => step(1)}],
  ["Go", "Shift ← →", "ten frames", {"Shift+ArrowLeft": () => step(-10), "Shift+ArrowRight": () => step(10)}],
  ["Go", "↑ ↓", "scene before, after", {ArrowUp: () => other(-1), ArrowDown: () => other(1)}],
  ["Go", "Home End", "first, last frame of the scene", {Home: () => goTo(scene().first), End: () => goTo(scene().last)}],
  ["Go", "P", "play the scene", {p: play}],
  ["Look", "Space", "before, after", {" ": flip}],
  ["Look", "W", "wipe", {w: () => look(store.view === "wipe" ? "colour" : "wipe")}],
  ["Look", ", .", "move the wipe", {",": () => setWipe(store.wipe - 0.05), ".": () => setWipe(store.wipe + 0.05)}],
  ["Look", "F", "as rendered", {f: () => !document.querySelector("[data-view=rendered]").hidden && look(store.view === "rendered" ? "colour" : "rendered")}],
  ["Look", "Z", "fit the window, or pixel for pixel", {z: () => toggleZoom()}],
  ["Scenes", "G", "good", {g: () => marking("good")}],
  ["Scenes", "X", "wrong", {x: () => marking("wrong")}],
  ["Scenes", "M", "merge with the next", {m: merge}],
  ["Scenes", "S", "split here", {s: split}],
  ["Scenes", "Shift S", "begin (or end) with this frame", {"Shift+S": beginHere}],
  ["Scenes", "[ ]", "begin a frame earlier, later", {"[": () => shift(-1), "]": () => shift(1)}],
  ["Tools", "C", "colours", {c: () => openTab("colours")}],
  ["Tools", "B", "correct with the brush", {b: () => openTab("correct")}],
  ["Tools", "R", "render", {r: () => openTab("render")}],
  ["Tools", "A", "settings for this scene, for all", {a: () => setScope(store.scope === "scene" ? "all" : "scene")}],
  ["Correct", "Alt ← → ↑ ↓", "move the cross", {
    "Alt+ArrowLeft": () => moveCross(-0.02, 0), "Alt+ArrowRight": () => moveCross(0.02, 0),
    "Alt+ArrowUp": () => moveCross(0, -0.02), "Alt+ArrowDown": () => moveCross(0, 0.02),
  }],
  ["Correct", "Enter", "set the colour at the cross", {Enter: () => correcting() && dab()}],
  ["Correct", "1 … 9", "a colour of the scene", Object.fromEntries([..."123456789"].map(key => [key, () => chooseNumber(key - 1)]))],
  ["Correct", "I", "take a colour from the picture", {i: () => correcting() && pick()}],
  ["Correct", "K", "paint what keeps its colours", {k: () => correcting() && hold()}],
  ["Correct", "− +", "size of the brush", {"-": () => brushSize(-3), "+": () => brushSize(3)}],
  ["Correct", "Backspace", "last stroke back", {Backspace: () => correcting() && strokeBack()}],
  ["Correct", "Delete", "remove the reference", {Delete: () => correcting() && removeReference()}],
  ["Correct", "U", "where next: the least known frame", {u: nextUnsure}],
  ["All", "Ctrl Z", "undo", {"Control+z": () => change("POST", "/api/undo")}],
  ["All", "Ctrl Shift Z", "redo", {"Control+Shift+Z": () => change("POST", "/api/redo"), "Control+y": () => change("POST", "/api/redo")}],
  ["All", "?", "these keys", {"?": help, "Shift+?": help}],
];

const actions = Object.assign({}, ...KEYS.map(([, , , keys]) => keys));

export function help() {
  const groups = new Map();
  for (const [group, keys, text] of KEYS) groups.set(group, [...(groups.get(group) ?? []), [keys, text]]);
  $("keys-list").replaceChildren(...[...groups].map(([group, rows]) => element("section", {},
    element("h3", {textContent: group}),
    ...rows.map(([keys, text]) => element("div", {}, element("span", {textContent: text}), element("kbd", {textContent: keys}))))));
  $("keys").showModal();
}

document.addEventListener("keydown", event => {
  if (!store.state || $("keys").open) return;
  const {target} = event;
  const typing = target.matches("input:not([type=range]):not([type=checkbox]), textarea, select");
  if (event.key === "Escape") {
    if (typing) target.blur();
    stopPlaying();
    putDown();
    return;
  }
  if (typing) return;
  // Controls keep the keys that they themselves need.
  const control = target.closest("button, summary, [type=checkbox], label.button");
  if (control && [" ", "Enter"].includes(event.key)) return;
  if (target.matches("[type=range]:not(#slider)") && event.key.startsWith("Arrow") && !event.altKey) return;
  if (target.id === "slider" && event.key.startsWith("Arrow") && !event.altKey) event.preventDefault();
  const names = [event.ctrlKey || event.metaKey ? "Control" : "", event.altKey ? "Alt" : "", event.shiftKey ? "Shift" : ""].filter(Boolean);
  const action = actions[[...names, event.key].join("+")] ?? (names.join() === "Shift" && event.key.length === 1 ? actions[event.key] : undefined);
  if (!action) return;
  event.preventDefault();
  action();
});
$("help").addEventListener("click", help);
$("undo").addEventListener("click", () => change("POST", "/api/undo"));
$("redo").addEventListener("click", () => change("POST", "/api/redo"));
