// What the page knows: the studio's state, and what this page looks at.

import {send, trying} from "./api.js";

export const store = {
  state: null,
  frame: 0,
  view: "colour",
  wipe: 0.5,
  scope: "all",
  tab: "colours",
};

const listeners = new Map();

// Topics: "state", "frame", "view", "tab", "render", "strokes".
export function on(topics, listener) {
  for (const topic of topics.split(" ")) listeners.set(topic, [...(listeners.get(topic) ?? []), listener]);
}

export function tell(topic) {
  for (const listener of listeners.get(topic) ?? []) listener();
}

export function take(state) {
  if (!state) return;
  store.state = state;
  store.frame = Math.min(store.frame, state.film.frames - 1);
  tell("state");
}

// Changes something on the server and shows what became of it.
export async function change(method, path, body) {
  const state = await trying(() => send(method, path, body));
  if (state) take(state);
  return state;
}

export function sceneAt(frame) {
  const scenes = store.state.scenes;
  let low = 0, high = scenes.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (scenes[middle].first <= frame) low = middle;
    else high = middle - 1;
  }
  return low;
}

export const scene = () => store.state.scenes[sceneAt(store.frame)];
export const effective = () => scene().effective ?? store.state.effective;
export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

export function goTo(frame) {
  const next = clamp(Math.round(frame), 0, store.state.film.frames - 1);
  if (next === store.frame) return;
  store.frame = next;
  tell("frame");
}

export function goToScene(number) {
  const scenes = store.state.scenes;
  goTo(scenes[clamp(number, 0, scenes.length - 1)].shown);
}

export function look(view) {
  store.view = view;
  tell("view");
}

export function openTab(tab) {
  store.tab = tab;
  tell("tab");
}

export function clock(frame) {
  const {frames, seconds} = store.state.film;
  const time = seconds * frame / frames;
  const minutes = Math.floor(time / 60);
  const rest = (time - minutes * 60).toFixed(1).padStart(4, "0");
  return minutes >= 60 ? `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

export const $ = id => document.getElementById(id);
