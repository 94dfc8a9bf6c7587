// The body of an answer that goes on.

/** How many parts wait to be read, at the most. */
const WAITING = 4;

export class Outlet {
  constructor() {
    this.isOpen = true;
    const start = (controller) => void (this.controller = controller);
    const cancel = () => void (this.isOpen = false);
    this.body = new ReadableStream({ start, cancel }, { highWaterMark: WAITING });
  }

  /** Sends a part; whether there was room for it. */
  send(bytes) {
    if (!this.isOpen || !(this.controller.desiredSize > 0)) return false;
    this.controller.enqueue(bytes);
    return true;
  }

  close() {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.controller.close();
  }
}
