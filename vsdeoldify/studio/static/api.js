// Talks to the studio's server.

export class Refused extends Error {}

async function answer(request) {
  let response;
  try {
    response = await request;
  } catch {
    throw new Refused("The studio does not answer: it has been ended. Start it again in the terminal.");
  }
  if (!response.ok) throw new Refused(await response.text());
  return response;
}

export async function get(path) {
  return (await answer(fetch(path))).json();
}

export async function send(method, path, body = {}) {
  const response = await answer(fetch(path, {method, body: JSON.stringify(body)}));
  return response.json();
}

export async function sendFile(path, file) {
  return (await answer(fetch(path, {method: "POST", body: file}))).json();
}

// A picture, or null where a newer wish has made this one needless.
export async function picture(path, options = {}) {
  const response = await answer(fetch(path, options));
  return response.status === 204 ? null : createImageBitmap(await response.blob());
}

export function listen(heard, lost) {
  const source = new EventSource("/api/events");
  source.onmessage = event => heard(JSON.parse(event.data));
  source.onerror = () => lost(source.readyState);
  return source;
}

export function toast(text, bad = false) {
  const place = document.getElementById("toasts");
  if ([...place.children].some(one => one.textContent === text)) return;
  const line = document.createElement("div");
  line.textContent = text;
  line.classList.toggle("bad", bad);
  place.append(line);
  setTimeout(() => line.remove(), bad ? 9000 : 4000);
}

export async function trying(work) {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    toast(error.message, true);
    return undefined;
  }
}
