// What is kept in the tab and in the browser; where storage is blocked, the page alone keeps it.

function store(kind) {
  const memory = new Map();
  const name = (key) => `library:${key}`;
  return {
    get(key) {
      try {
        return window[kind].getItem(name(key)) ?? memory.get(key) ?? null;
      } catch {
        return memory.get(key) ?? null;
      }
    },
    set(key, value) {
      memory.set(key, value);
      try {
        window[kind].setItem(name(key), value);
      } catch {
        // The page keeps it.
      }
    },
    remove(key) {
      memory.delete(key);
      try {
        window[kind].removeItem(name(key));
      } catch {
        // It is not there.
      }
    },
  };
}

/** Kept until the tab is closed. */
export const tab = store("sessionStorage");
/** Kept until the reader clears it. */
export const browser = store("localStorage");

/** A random id, also where the page is no secure context. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
