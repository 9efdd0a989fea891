// The render: start, stop, go on, and what is finished.

import {get, trying} from "./api.js";
import {$, change, element, goTo, look, on, openTab, store} from "./store.js";

let replacing = false;

const words = seconds => {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

export function show() {
  const {render} = store.state;
  const {running, stopping, done, total, rate, left, error, finished, exists, pieces} = render;
  const share = total ? done / total : 0;
  $("render-output").textContent = render.output;
  $("render-progress").value = finished ? 1 : share;
  $("render-progress").hidden = !(running || share || finished);
  let says = "";
  if (stopping) says = "stopping …";
  else if (running && !total) says = "beginning …";
  else if (running) says = render.unit === "frames" ? "" : render.says ?? "";
  else if (finished) says = "finished";
  else if (pieces.length) says = "stopped; what is finished stays";
  else if (exists) says = `${render.output} is there already, from another time.`;
  $("render-says").textContent = says;
  const facts = [];
  if (running && render.unit === "frames" && total) facts.push(["Frames", `${done} of ${total}`]);
  if (running && rate) facts.push(["Speed", `${rate.toPrecision(3)} frames a second`]);
  if (running && left != null) facts.push(["Left", words(left)]);
  $("render-facts").replaceChildren(...facts.flatMap(([name, text]) => [element("dt", {textContent: name}), element("dd", {textContent: text})]));
  $("render-error").hidden = !error;
  $("render-error").textContent = error ?? "";
  const mustReplace = exists && !pieces.length && !running;
  $("render-go").hidden = running || (mustReplace && replacing);
  $("render-go").textContent = pieces.length && !finished ? "Go on" : finished || exists ? "Render again" : "Render the film";
  $("render-replace").hidden = !(mustReplace && replacing) || running;
  $("render-replace").textContent = `Replace ${render.output}`;
  $("render-stop").hidden = !running;
  $("render-stop").disabled = stopping;
  $("render-short-text").textContent = running ? `${Math.floor(100 * share)} %` : finished ? "Rendered ✓" : "Render";
  $("render-short-bar").style.width = running ? `${100 * share}%` : "0";
  document.querySelector("[data-view=rendered]").hidden = !(pieces.length || exists);
  $("pieces").replaceChildren(...pieces.slice(0, 400).map(([first, end]) => {
    const chip = element("button", {type: "button", className: "chip", textContent: `${first}–${end - 1}`});
    chip.addEventListener("click", () => {
      goTo(first);
      look("rendered");
    });
    return chip;
  }));
  if (!pieces.length) $("pieces").replaceChildren(element("span", {className: "hint", textContent: "none yet"}));
}

export function start() {
  const {exists, pieces, running} = store.state.render;
  if (running) return undefined;
  if (exists && !pieces.length && !replacing) {
    replacing = true;
    show();
    return undefined;
  }
  const overwrite = replacing;
  replacing = false;
  return change("POST", "/api/render", {overwrite});
}

export const stop = () => change("DELETE", "/api/render");

export async function progress(event) {
  const before = JSON.stringify(store.state.render.pieces);
  const {event: _, ...render} = event;
  if (render.output) store.state.render = render;
  else store.state.render = (await trying(() => get("/api/state")))?.render ?? store.state.render;
  show();
  if (before !== JSON.stringify(store.state.render.pieces)) document.dispatchEvent(new Event("pieces"));
}

on("state", show);
$("render-go").addEventListener("click", start);
$("render-replace").addEventListener("click", start);
$("render-stop").addEventListener("click", stop);
$("render-short").addEventListener("click", () => openTab("render"));
