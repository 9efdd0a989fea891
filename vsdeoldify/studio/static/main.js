// Brings the page to life.

import {get, listen, toast, trying} from "./api.js";
import "./viewer.js";
import "./strip.js";
import "./settings.js";
import "./correct.js";
import {progress} from "./render.js";
import "./keys.js";
import {$, look, on, openTab, store, take, tell} from "./store.js";

let reading = false, again = false, lost = false;

// Reads the state anew; several wishes at once are one.
async function refresh() {
  if (reading) {
    again = true;
    return;
  }
  reading = true;
  const state = await trying(() => get("/api/state"));
  reading = false;
  if (state) shown(state);
  if (again) {
    again = false;
    refresh();
  }
}

function shown(state) {
  if (!state.ready) {
    $("opening-title").textContent = state.error ? "This film cannot be opened" : `Opening ${state.name}`;
    $("opening").classList.toggle("failed", Boolean(state.error));
    $("opening-progress").hidden = Boolean(state.error);
    if (state.error) $("opening-text").textContent = state.error;
    return;
  }
  const first = !store.state;
  if (first) {
    const {film, name, notes} = state;
    document.title = `${name} · vsdeoldify studio`;
    $("film-name").textContent = name;
    $("film-facts").textContent = `${film.width}×${film.height} · ${film.frames} frames · ${Number(film.fps.toFixed(2))} a second · ${state.scenes.length} scenes`;
    store.frame = Math.min(Number(sessionStorage.getItem("frame") ?? state.scenes[0].shown), film.frames - 1);
    document.body.classList.remove("opening");
    notes.forEach(note => toast(note));
  } else {
    $("film-facts").textContent = $("film-facts").textContent.replace(/\d+ scenes$/, `${state.scenes.length} scenes`);
  }
  take(state);
  if (first) {
    look(sessionStorage.getItem("view") ?? "colour");
    openTab(sessionStorage.getItem("tab") ?? "colours");
    $("stage").focus({preventScroll: true});
  }
}

function heard(event) {
  if (lost) {
    lost = false;
    refresh();
  }
  if (event.event === "state") refresh();
  else if (event.event === "render" && store.state) progress(event);
  else if (event.event === "work" && !store.state) {
    $("opening-text").textContent = event.title === "reading the film" ? "Reading the film …" : "Looking for its scenes …";
    $("opening-progress").value = event.done / event.total;
  }
}

on("frame", () => sessionStorage.setItem("frame", store.frame));
on("view", () => sessionStorage.setItem("view", store.view));
on("tab", () => {
  sessionStorage.setItem("tab", store.tab);
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const chosen = tab.dataset.tab === store.tab;
    tab.setAttribute("aria-selected", chosen);
    tab.tabIndex = chosen ? 0 : -1;
    $(`pane-${tab.dataset.tab}`).hidden = !chosen;
  }
});
for (const tab of document.querySelectorAll("[role=tab]")) tab.addEventListener("click", () => openTab(tab.dataset.tab));
document.addEventListener("pieces", () => tell("render"));

listen(heard, () => {
  if (!lost && store.state) toast("The studio does not answer: it has been ended. Start it again in the terminal.", true);
  lost = true;
});
refresh();
