/**
 * A function that, called by any request, has `arrived` called with `number` by the one that called this.
 *
 * `new Promise` would do only at first: code that is hot enough to be optimized makes promises that do not know whose they are, and
 * go on where they are resolved. What the engine itself makes always knows.
 */
export function callHere(arrived, number) {
  const { promise, resolve } = Promise.withResolvers();
  promise.then(() => arrived(number));
  return resolve;
}
