// Pictures of frames: those that were seen stay here for a while.

import {picture} from "./api.js";
import {store, sceneAt} from "./store.js";

const MOST = 90e6;  // pixels
const kept = new Map();
const coming = new Map();  // promises of pictures that are under way
const sheets = new Map();
const MOST_SHEETS = 24;
let pixels = 0;

export function keyOf(side, frame, width) {
  const version = side === "source" ? "" : side === "rendered" ? renderedVersion(frame) : store.state.scenes[sceneAt(frame)].version;
  return `${side}/${frame}/${width}/${version}`;
}

function renderedVersion(frame) {
  const {pieces, finished} = store.state.render;
  return `${finished}-${pieces.filter(([first, end]) => first <= frame && frame < end)}`;
}

export function known(side, frame, width) {
  const key = keyOf(side, frame, width);
  const image = kept.get(key);
  if (image) {
    kept.delete(key);
    kept.set(key, image);
  }
  return image;
}

// Any picture of this frame in this state, whatever its width: to show until the right one is there.
export function something(side, frame) {
  const [, , , version] = keyOf(side, frame, 0).split("/");
  for (const [key, image] of kept) {
    if (key.startsWith(`${side}/${frame}/`) && key.endsWith(`/${version}`)) return image;
  }
  return undefined;
}

export function keep(side, frame, width, image) {
  keepAs(keyOf(side, frame, width), image);
}

function keepAs(key, image) {
  if (kept.has(key)) pixels -= kept.get(key).width * kept.get(key).height;
  kept.set(key, image);
  pixels += image.width * image.height;
  while (pixels > MOST && kept.size > 8) {
    const [oldest, gone] = kept.entries().next().value;
    kept.delete(oldest);
    pixels -= gone.width * gone.height;
    gone.close();
  }
}

// Resolves to the picture, or null where it is not wanted any more.
export async function fetchPicture(side, frame, width) {
  const there = known(side, frame, width);
  if (there) return there;
  const key = keyOf(side, frame, width);
  const shared = coming.get(key);
  const image = await (shared ?? fetchAs(key, side, frame, width));
  // The one that was under way may have been dropped for another frame in between.
  return image ?? (shared ? fetchAs(key, side, frame, width) : null);
}

function fetchAs(key, side, frame, width) {
  const promise = picture(`/api/frame/${frame}?side=${side}&width=${width}`).then(image => {
    if (image) keepAs(key, image);
    return image;
  }).finally(() => coming.delete(key));
  coming.set(key, promise);
  return promise;
}

// A frame on a sheet: the image and the rectangle in it; the sheet is fetched where it is not there.
export function tile(frame, arrived) {
  const {width, height, step} = store.state.sheets;
  const place = Math.floor(frame / step);
  const number = Math.floor(place / 25), within = place % 25;
  const sheet = sheetOf(number, arrived);
  return sheet && {image: sheet, x: (within % 5) * width, y: Math.floor(within / 5) * height, width, height};
}

export const sheetAddress = number => `/api/sheet/${number}`;

// Fetches the sheets around a frame before they are needed, the nearest first.
export async function fetchSheets(frame) {
  const {step, count} = store.state.sheets;
  const here = Math.floor(frame / step / 25);
  const near = [...Array(count).keys()].sort((one, other) => Math.abs(one - here) - Math.abs(other - here));
  for (const number of near.slice(0, MOST_SHEETS)) {
    if (!sheets.has(number)) await new Promise(done => sheetOf(number, done));
  }
}

function sheetOf(number, arrived) {
  const found = sheets.get(number);
  if (found) return found === "waiting" ? undefined : found;
  sheets.set(number, "waiting");
  while (sheets.size > 2 * MOST_SHEETS) sheets.delete(sheets.keys().next().value);
  picture(sheetAddress(number)).then(image => {
    sheets.set(number, image);
    arrived();
  }, () => {
    sheets.delete(number);
    arrived();
  });
  return undefined;
}
