// Counts as the worker tells them while they move: a stream for each prompt. Who reads needs no credential for it; prompts
// that are not public have none here.

/** How long a stream that was refused is not asked for again. */
const REFUSED_MS = 30_000;

/** Streams by the ids of their prompts, and what was told last. */
const streams = new Map();
const last = new WeakMap();

/**
 * Listens to these prompts and to no others. `told` gets the counts of one, whenever they changed; `turned` is called when a
 * stream began or broke off.
 */
export function listenTo(ids, told, turned) {
  for (const [id, stream] of streams) {
    if (ids.includes(id)) continue;
    stream.close();
    streams.delete(id);
  }
  for (const id of ids) if (!streams.has(id)) streams.set(id, opened(id, told, turned));
}

/** Whether what happens to this prompt is told. */
export const isLive = (id) => navigator.onLine && streams.get(id)?.readyState === EventSource.OPEN;

/** What was told of this prompt last, where it still is. */
export const toldOf = (id) => (isLive(id) ? last.get(streams.get(id)) : undefined);

function opened(id, told, turned) {
  const stream = new EventSource(`/v1/prompts/${id}/live`);
  const isCurrent = () => streams.get(id) === stream;
  stream.onopen = () => isCurrent() && turned();
  stream.onmessage = ({ data }) => {
    last.set(stream, JSON.parse(data));
    if (isCurrent()) told(last.get(stream));
  };
  stream.onerror = () => {
    if (!isCurrent()) return;
    // One that broke off is opened again by the browser.
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => isCurrent() && streams.delete(id), REFUSED_MS);
    turned();
  };
  return stream;
}
