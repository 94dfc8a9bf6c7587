// Events on their way. They wait in memory and in localStorage, are sent together, and go when the worker answers. It
// counts an id once, so what may have been lost on the way is sent again.
import { quietly } from "./quietly.mjs";

const waiting = {};
/** Where events go. */
export let address;
let timer;

/** An id that nobody else has, also where crypto is missing. */
export const newId = () => `pm:${Date.now()}:${Math.random()}`;

/** Sends an event soon, with an id and whether a program steers the browser. The worker takes no `visitor` from browsers. */
export const track = quietly((event) => {
  const GATHERING_MS = 1500;
  const id = newId();
  waiting[id] = JSON.stringify({ id, webdriver: navigator.webdriver, ...event, visitor: undefined });
  timer ||= setTimeout(flush, GATHERING_MS);
  localStorage[id] = waiting[id];
});

/** Sends what waits. A page that is left hears no answer. */
const flush = quietly(async (isLeft) => {
  /** A younger event is sent without its time: the worker's clock is better than a visitor's. */
  const FRESH_MS = 60_000;
  /** How long the worker knows an id. An older event may have been counted, and is forgotten. */
  const KNOWN_MS = 86_400_000;
  /** The worker takes 500 events in a request. */
  const BATCH = 400;
  const sent = [];
  const events = [];
  timer = 0;
  Object.keys(waiting).map(
    quietly((key) => {
      const [, at] = key.match(/^pm:(\d+):\d/);
      const age = Date.now() - at;
      if (age > KNOWN_MS) forget(key);
      else if (!events[BATCH]) {
        events.push({ timestamp: age > FRESH_MS ? +at : undefined, ...JSON.parse(waiting[key]) });
        sent.push(key);
      }
    }),
  );
  const body = JSON.stringify(events);
  if (!sent[0] || (isLeft && navigator.sendBeacon?.(address, body))) return;
  // A text needs no preflight.
  const { status } = await fetch(address, { method: "POST", body, keepalive: isLeft });
  if (status < 500 && status != 429) sent.map(forget);
});

const forget = quietly((key) => {
  delete waiting[key];
  delete localStorage[key];
});

/** Begins to send to the worker that has the script at this address, what was kept first. */
export const startSending = quietly((script) => {
  address = new URL("/v1/events?ack=async", script);
  const seen = () => flush(document.hidden);
  addEventListener("visibilitychange", seen);
  Object.assign(waiting, localStorage);
  // A page that is loaded ahead waits: the worker drops what such a page sends.
  if (!document.hidden) seen();
});
