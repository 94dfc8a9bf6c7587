// Whether the door in front of the worker is closed (`door.js`). The two are bundled one after the other, so what they share
// belongs to the isolate.
const door = (globalThis.door = { closedUntil: 0, refused: 0 });

const taken = () => {
  const { refused } = door;
  door.refused = 0;
  return refused;
};

/**
 * Closes the door until then; gives how many were refused since this was told.
 * @param lines the headers of what is answered there, as `name:value`
 * @param problem its body, and `dataError` that of the data dialect
 * @param open paths that are let in, a line each
 */
export function closeDoor(until, lines, problem, dataError, open) {
  const headers = lines.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]);
  Object.assign(door, { closedUntil: until, headers: Object.fromEntries(headers), problem, dataError, open: open.split("\n") });
  return taken();
}

/** Opens it, and gives the same. */
export function openDoor() {
  door.closedUntil = 0;
  return taken();
}
